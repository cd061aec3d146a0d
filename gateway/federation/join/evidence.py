"""What joined the records of a person, or a search to a person, as lines of evidence. Pure; computed only when asked."""

from collections.abc import Iterable

from gateway.domain.matching import ScoredPair
from gateway.domain.similarity import Level, Similarity, weights
from gateway.federation.join.merge import MergedPerson
from gateway.schema.evidence import IndiceRapprochement

# What is compared, as the graph names it: a line goes with the right to read that field.
FIELDS = {
    "ordre": "nom",
    "nom": "nom",
    "prenom": "prenom",
    "naissance": "dateNaissance",
    "sexe": "sexe",
    "telephone": "telephone",
    "courriel": "courriel",
    "ine": "ine",
    "domicile": "adresse",
    "cfa": "formations",
    "contrat": "contrats",
}

IDENTITE = frozenset({"nom", "prenom", "dateNaissance", "sexe"})


def probability(score: float) -> float:
    """That two records are of one person, from the score in bits; three decimals."""
    return round(1 / (1 + 2**-score), 3)


def indices(similarity: Similarity, niveau: Level, sources: Iterable[str] = ()) -> list[IndiceRapprochement]:
    """One line a criterion that weighs something."""
    who = list(sources)
    return [
        IndiceRapprochement(champ=FIELDS[un.criterion], accord=un.accord, poids=un.poids, sources=who, niveau=niveau)
        for un in similarity.indices
        if un.poids
    ]


def identity_evidence(similarity: Similarity, niveau: Level) -> list[IndiceRapprochement]:
    """What a search shows: who searches by identity reads it; other evidence may be of what he does not read."""
    return [line for line in indices(similarity, niveau) if line.champ in IDENTITE]


def attach_evidence(merged: MergedPerson) -> None:
    """Write on the merged person what joined its records, then what was not enough to join others."""
    cluster = merged.cluster
    doubtful = [(link, Level.A_CONFIRMER) for link in cluster.doubtful]
    merged.jeune.indices = [
        line
        for link, niveau in [*((link, _level(link)) for link in cluster.links), *doubtful]
        for line in indices(link.similarity, niveau, (link.left.origin[0], link.right.origin[0]))
    ]


def _level(link: ScoredPair) -> Level:
    """Of a link that joined."""
    return weights().niveau(link.score) or Level.PROBABLE

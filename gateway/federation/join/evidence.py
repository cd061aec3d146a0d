"""What joined the records of a person, or a search to a person, as lines of evidence. Pure; computed only when asked."""

from collections.abc import Iterable

from gateway.domain.similarity import Level, Similarity, weights
from gateway.federation.join.merge import MergedPerson
from gateway.schema.evidence import IndiceRapprochement

# What the graph names otherwise than what is compared: a line goes with the right to read that field.
FIELDS = {
    "ordre": "nom",
    "naissance": "dateNaissance",
    "domicile": "adresse",
    "cfa": "formations",
    "contrat": "contrats",
    "dossier": "formations",
}

IDENTITE = frozenset({"nom", "prenom", "dateNaissance", "sexe"})


def probability(score: float) -> float:
    """The probability that two records are of one person, from their score in bits; three decimals."""
    return round(1 / (1 + 2**-score), 3)


def indices(similarity: Similarity, niveau: Level, sources: Iterable[str] = ()) -> list[IndiceRapprochement]:
    """One line for each criterion that weighs something."""
    who, poids = list(sources), weights().poids
    return [
        IndiceRapprochement(
            champ=FIELDS.get(criterion, criterion), accord=accord, poids=weight, sources=who, niveau=niveau
        )
        for criterion, accord in similarity.agreements
        if (weight := poids[criterion][accord])
    ]


def identity_evidence(similarity: Similarity, niveau: Level) -> list[IndiceRapprochement]:
    """The lines of a search by identity, on identity alone."""
    # Whoever searches by identity may read it; a phone or a contract that agrees may be data they have no right to.
    return [line for line in indices(similarity, niveau) if line.champ in IDENTITE]


def attach_evidence(merged: MergedPerson) -> None:
    """Write on the merged person what joined its records, then what was not enough to join others."""
    cluster = merged.cluster
    links = [*cluster.links, *(pair for _, pair in merged.follow_ups)]
    joined = [(link, weights().niveau(link.score) or Level.PROBABLE) for link in links]
    doubtful = [(link, Level.A_CONFIRMER) for link in cluster.doubtful]
    merged.jeune.indices = [
        line
        for link, niveau in [*joined, *doubtful]
        for line in indices(link.similarity, niveau, (link.left.origin[0], link.right.origin[0]))
    ]

"""What joined the records of a person, or a search to a person, as lines of evidence. Pure; computed only when asked."""

from collections.abc import Iterable

from gateway.domain.appariement import Lien
from gateway.domain.ressemblance import Niveau, Ressemblance, bareme
from gateway.federation.merge import Fusion
from gateway.schema.explications import IndiceRapprochement

# What is compared, as the graph names it: a line goes with the right to read that field.
CHAMPS = {
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


def probabilite(score: float) -> float:
    """That two records are of one person, from the score in bits; three decimals."""
    return round(1 / (1 + 2**-score), 3)


def indices(ressemblance: Ressemblance, niveau: Niveau, sources: Iterable[str] = ()) -> list[IndiceRapprochement]:
    """One line a criterion that weighs something."""
    qui = list(sources)
    return [
        IndiceRapprochement(champ=CHAMPS[un.critere], accord=un.accord, poids=un.poids, sources=qui, niveau=niveau)
        for un in ressemblance.indices
        if un.poids
    ]


def indices_d_identite(ressemblance: Ressemblance, niveau: Niveau) -> list[IndiceRapprochement]:
    """What a search shows: who searches by identity reads it; other evidence may be of what he does not read."""
    return [ligne for ligne in indices(ressemblance, niveau) if ligne.champ in IDENTITE]


def attacher_indices(fusion: Fusion) -> None:
    """Write on the merged person what joined its records, then what was not enough to join others."""
    groupe = fusion.groupe
    douteux = [(lien, Niveau.A_CONFIRMER) for lien in groupe.douteux]
    fusion.jeune.indices = [
        ligne
        for lien, niveau in [*((lien, _niveau(lien)) for lien in groupe.liens), *douteux]
        for ligne in indices(lien.ressemblance, niveau, (lien.un.origine[0], lien.autre.origine[0]))
    ]


def _niveau(lien: Lien) -> Niveau:
    """Of a link that joined."""
    return bareme().niveau(lien.score) or Niveau.PROBABLE

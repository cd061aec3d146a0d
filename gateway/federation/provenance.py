"""Which source said what: the winners and the losers of a merge, as lines. Pure; computed only when asked."""

from collections.abc import Callable, Sequence
from typing import Any

from gateway.domain.identity import normaliser_nom
from gateway.federation.contrats import ContratFondu
from gateway.federation.merge import Fusion
from gateway.federation.temoignages import Temoignage
from gateway.schema.nouns import Provenance

Dit = tuple[Temoignage, Any]

# Field of the graph -> attribute of the noun.
DU_JEUNE = {
    "nom": "nom",
    "prenom": "prenom",
    "dateNaissance": "date_naissance",
    "sexe": "sexe",
    "ine": "ine",
    "rqth": "rqth",
    "telephone": "telephone",
    "courriel": "courriel",
    "adresse": "adresse",
    "representants": "representants",
    "suivi": "suivi",
    "collaboration": "collaboration",
}
DU_CONTRAT = {
    "numero": "numero",
    "type": "type",
    "dateDebut": "date_debut",
    "dateFin": "date_fin",
    "employeur": "employeur",
    "cfa": "cfa",
    "rupture": "rupture",
}
DE_LA_RUPTURE = {"date": "date", "cause": "cause", "signaleeLe": "signalee_le"}


# How two sources are said to agree on a field; elsewhere plain equality.
_COMPARABLES: dict[str, Callable[[Any], Any]] = {
    "nom": normaliser_nom,
    "prenom": normaliser_nom,
    "adresse": lambda adresse: (adresse.code_postal, normaliser_nom(adresse.ville or "")),
    "employeur": lambda employeur: employeur.siret,
    "cfa": lambda cfa: cfa.uai or cfa.siret,
    "rupture": lambda rupture: rupture.date,
}


def _lignes(champ: str, dits: Sequence[Dit], retenu: Temoignage | None = None) -> list[Provenance]:
    """One line a source that tells the field; the kept one is `retenu`, else the first by precedence."""
    if not dits:
        return []
    comparable = _COMPARABLES.get(champ, lambda valeur: valeur)
    valeurs = [comparable(valeur) for _, valeur in dits]
    garde = next((rang for rang, (qui, _) in enumerate(dits) if qui is retenu), 0)
    return [
        Provenance(
            champ=champ,
            source=qui.source,
            recue_le=qui.recu_le,
            retenue=rang == garde,
            divergente=any(autre != valeurs[rang] for autre in valeurs),
        )
        for rang, (qui, _) in enumerate(dits)
    ]


def _dits(porteurs: Sequence[tuple[Temoignage, Any]], attribut: str) -> list[Dit]:
    return [(qui, valeur) for qui, noun in porteurs if (valeur := getattr(noun, attribut)) is not None]


def attacher(fusion: Fusion) -> None:
    """Write the provenance lines of a person, of the contracts and of the ruptures, on the merged nouns."""
    jeune = fusion.jeune
    porteurs = [(temoignage, temoignage.jeune) for temoignage in fusion.groupe.temoignages]
    jeune.lignes = [
        ligne
        for champ, attribut in DU_JEUNE.items()
        for ligne in _lignes(champ, _dits(porteurs, attribut), fusion.loge_par if champ == "adresse" else None)
    ]
    for contrat, fondu in zip(fusion.contrats, fusion.fondus, strict=True):
        contrat.lignes = [
            ligne for champ, attribut in DU_CONTRAT.items() for ligne in _lignes(champ, _dits(fondu.versions, attribut))
        ]
        if contrat.rupture:
            contrat.rupture.lignes = _lignes_de_rupture(fondu)


def _lignes_de_rupture(fondu: ContratFondu) -> list[Provenance]:
    dites = fondu.ruptures
    return [ligne for champ, attribut in DE_LA_RUPTURE.items() for ligne in _lignes(champ, _dits(dites, attribut))]

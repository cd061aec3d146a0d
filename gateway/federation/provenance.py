"""Which source said what: the winners and the losers of a merge, as lines. Pure; computed only when asked."""

from collections.abc import Mapping, Sequence
from typing import Any

from strawberry.utils.str_converters import to_camel_case

from gateway.federation.merge import Fusion
from gateway.federation.precedence import CONTRAT, JEUNE, RUPTURE, Dit, Regle, dits, retenu
from gateway.federation.temoignages import Temoignage
from gateway.schema.explications import Provenance

Porteurs = Sequence[tuple[Temoignage, Any]]


def attacher(fusion: Fusion) -> None:
    """Write the provenance lines of a person, of the contracts and of the ruptures, on the merged nouns."""
    jeune = fusion.jeune
    jeune.lignes = _lignes(JEUNE, [(qui, qui.jeune) for qui in fusion.groupe.temoignages], {"adresse": fusion.loge_par})
    for contrat, fondu in zip(fusion.contrats, fusion.fondus, strict=True):
        contrat.lignes = _lignes(CONTRAT, fondu.versions, {})
        if contrat.rupture:
            contrat.rupture.lignes = _lignes(RUPTURE, fondu.ruptures, {})


def _lignes(
    table: Mapping[str, Regle], porteurs: Porteurs, connus: Mapping[str, Temoignage | None]
) -> list[Provenance]:
    """One line for each field and source that tells it. `connus`: who was kept, where the merge alone can tell."""
    return [
        _ligne(champ, regle, dit, dites, connus[champ] if champ in connus else _garde(regle, dites))
        for champ, regle in table.items()
        if (dites := dits(porteurs, champ))
        for dit in dites
    ]


def _garde(regle: Regle, dites: Sequence[Dit]) -> Temoignage | None:
    garde = retenu(regle.ordre, dites)
    return garde[0] if garde else None


def _ligne(champ: str, regle: Regle, dit: Dit, dites: Sequence[Dit], garde: Temoignage | None) -> Provenance:
    qui, valeur = dit
    return Provenance(
        champ=to_camel_case(champ),
        source=qui.source,
        recue_le=qui.recu_le,
        retenue=qui is garde,
        divergente=any(not regle.meme(valeur, autre) for _, autre in dites),
    )

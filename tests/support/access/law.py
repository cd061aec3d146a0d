"""What docs/droits.md says of a drawn caller: of one person, of somebody at least, of everybody that it knows.

The oracle says who reads what of whom; nothing here is read from the product.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from typing import Any

from tests.support.access import droit_oracle as oracle
from tests.support.access.droit_oracle import Demandeur, Personne, lit, voit

RELATIONS = (
    oracle.RESIDENCE,
    oracle.SUIVI,
    oracle.CFA,
    oracle.RESEAU,
    oracle.TERRITOIRE_CFA,
    oracle.REGION_RESIDENCE,
)
# The kinds of codes that each requester holds, by the profile it has or acts as.
HELD = {
    "MISSION_LOCALE": {oracle.RESIDENCE: "", oracle.SUIVI: ""},
    "CFA": {oracle.CFA: ""},
    "TETE_DE_RESEAU": {oracle.RESEAU: ""},
    "DREETS": {oracle.TERRITOIRE_CFA: "REGION:"},
    "DDETS": {oracle.TERRITOIRE_CFA: "DEPARTEMENT:"},
    "ACADEMIE": {oracle.TERRITOIRE_CFA: "ACADEMIE:"},
    "FRANCE_TRAVAIL": {oracle.REGION_RESIDENCE: ""},
}
ADULT = 18
STATUTS = ("INSCRIT", "APPRENTI", "RUPTURANT", "ABANDON", "FIN_DE_FORMATION", None)
# « Handicap »: a reason of a priority tells what it stands on.
MOTIFS = {"RQTH": "SENSIBLE", "ACCOMPAGNEMENT_CONJOINT": "COLLABORATION", "MINEUR": "PARCOURS", "SOUHAITE_RDV": "SUIVI"}


@dataclass(frozen=True)
class Asker:
    """A requester, and all the purposes that it may declare."""

    demandeur: Demandeur
    finalites: tuple[str, ...]

    def under(self, finalite: str) -> "Asker":
        return replace(self, demandeur=replace(self.demandeur, finalite=finalite))


@dataclass(frozen=True)
class Known:
    """Somebody, and the reasons of a priority that hold of that person."""

    personne: Personne
    motifs: tuple[str, ...] = ()


def requester(profil: str, organisation: str, finalite: str | None, comme: str | None = None) -> Demandeur:
    """The requester of an organisation, whose code has a meaning in the profile it has or acts as."""
    codes = HELD.get(comme or profil, {})
    held = {relation: frozenset({f"{kind}{organisation}"}) for relation, kind in codes.items()}
    return Demandeur(profil, finalite, held, comme)


def reads(who: Asker, known: Known | None, categorie: str | None) -> bool:
    """Whether the category is read: of that person, or (None) of somebody at least."""
    if categorie is None:
        return True
    if known is None:
        asks = who.demandeur
        return somebody(asks.profil, asks.finalite, asks.comme, categorie)
    return lit(who.demandeur, known.personne, categorie)


def may_choose_by(who: Asker, categories: Iterable[str]) -> bool:
    """« Ce que veut dire apprendre »: a criterion never chooses a person by what the requester may not read of her."""
    asks = who.demandeur
    return all(everybody(asks.profil, asks.finalite, asks.comme, categorie) for categorie in categories)


@cache
def somebody(profil: str, finalite: str | None, comme: str | None, categorie: str) -> bool:
    asks = _typical(profil, finalite, comme)
    return any(lit(asks, personne, categorie) for personne in _people())


@cache
def everybody(profil: str, finalite: str | None, comme: str | None, categorie: str) -> bool:
    asks = _typical(profil, finalite, comme)
    seen = [personne for personne in _people() if voit(asks, personne)]
    # Of whom no support was asked, nothing is in a request: to read that there is none is all there is to read.
    told = [p for p in seen if categorie != "COLLABORATION" or p.demandes]
    return all(lit(asks, personne, categorie) for personne in told)


def _typical(profil: str, finalite: str | None, comme: str | None) -> Demandeur:
    return Demandeur(profil, finalite, {relation: frozenset({"ici"}) for relation in RELATIONS}, comme)


@cache
def _people() -> tuple[Personne, ...]:
    """A person of each kind: tied to everybody, of each status, age and disability, asked for by nobody or by a CFA."""
    liens = {relation: frozenset({"ici", "ailleurs"}) for relation in RELATIONS}
    asked = (frozenset[str](), frozenset({"ici"}), frozenset({"ailleurs"}))
    kinds = product(STATUTS, (15, 17, 20, 26), (False, True), asked)
    return tuple(Personne(statut, age, rqth, liens, demandes) for statut, age, rqth, demandes in kinds)


def says(who: Asker, known: Known, champ: str, valeur: Any, neighbours: dict[str, Any]) -> Any:
    """The value as it is told: without what would tell a category that is not read."""
    if champ == "provenance":
        return [line for line in valeur if reads(who, known, neighbours[line["champ"]][0])]
    if champ in ("motifsPriorite", "prioritaire"):
        told = [reason for reason in known.motifs if reads(who, known, MOTIFS[reason])]
        return told if champ == "motifsPriorite" else bool(told)
    if champ == "sansContrat" and who.demandeur.profil == "FRANCE_TRAVAIL" and (known.personne.age or 0) < ADULT:
        return None  # « France Travail »: who waits for a contract is told to it of adults only
    return valeur

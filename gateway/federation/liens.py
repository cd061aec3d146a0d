"""Which person, or which contract, the records of a group are: decided from the links already known. Pure; knows keys only.

The rules, in order (docs/decisions/0009): a known id stays; of several, the oldest survives and the others lead to it; an id
that two groups claim goes with the record it was made from; a group that nothing designates is known again by its exact
identity, or gets an id made from its best record.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.domain.liens import Alias, Cle, Connus, Ecritures, Lien

REVU = timedelta(days=30)  # a link still seen is dated again this often: what is not, is purged in the end

Deriver = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Grappe:
    """The keys of one object, best record first. `semblables`: identities under which it may be known again."""

    cles: tuple[Cle, ...]
    semblables: frozenset[str] = frozenset()

    @property
    def premiere(self) -> str:
        """The key that designates the group in its reading."""
        return self.cles[0].cle


@dataclass(frozen=True, slots=True)
class Decision:
    """The id of each group, by its first key; the ids of before that lead to one of them; what is to be written."""

    objets: Mapping[str, str]
    anciens: Mapping[str, str]
    ecritures: Ecritures


@dataclass(frozen=True, slots=True)
class _Pretention:
    rang: int  # of the group
    objet: str
    depuis: datetime
    detours: int  # aliases between the record and the id
    cle: str


class _Tour:
    """One decision under way: who got which id (`attribues`, by group), and whose each known id is."""

    def __init__(self, grappes: Sequence[Grappe], connus: Connus, deriver: Deriver, instant: datetime) -> None:
        self.grappes = grappes
        self.connus = connus
        self.deriver = deriver
        self.instant = instant
        self.attribues: dict[int, tuple[str, datetime]] = {}
        self.proprietaires: dict[str, int] = {}
        self.directs: dict[int, list[Lien]] = {}

    def prendre(self, rang: int, objet: str, depuis: datetime) -> None:
        self.attribues[rang] = objet, depuis
        self.proprietaires[objet] = rang

    def orphelines(self) -> list[tuple[int, Grappe]]:
        return [(rang, grappe) for rang, grappe in enumerate(self.grappes) if rang not in self.attribues]


def decider(grappes: Sequence[Grappe], connus: Connus, deriver: Deriver, instant: datetime) -> Decision:
    """Give an id to every group. The same groups and the same ledger give the same ids, whatever the order."""
    tour = _Tour(grappes, connus, deriver, instant)
    _garder(tour)
    _reconnaitre(tour)
    _creer(tour)
    objets = {grappe.premiere: tour.attribues[rang][0] for rang, grappe in enumerate(grappes)}
    rompus = _rompus(tour)
    alias = _nouveaux_alias(tour)
    ecritures = Ecritures(_nouveaux(tour), _changes(tour), alias, rompus)
    return Decision(objets, _anciens(tour, rompus), ecritures)


def inconnues(grappes: Iterable[Grappe], connus: Connus) -> list[Grappe]:
    """The groups that no record designates."""
    return [grappe for grappe in grappes if not any(cle.cle in connus.liens for cle in grappe.cles)]


def _garder(tour: _Tour) -> None:
    """Known ids, the oldest first, each to whoever claims it best."""
    par_objet: dict[str, list[_Pretention]] = defaultdict(list)
    for rang, grappe in enumerate(tour.grappes):
        tour.directs[rang] = [lien for cle in grappe.cles if (lien := tour.connus.liens.get(cle.cle))]
        for pretention in _pretentions(tour, rang):
            par_objet[pretention.objet].append(pretention)
    depuis = {objet: min(une.depuis for une in pretentions) for objet, pretentions in par_objet.items()}
    for objet in sorted(par_objet, key=lambda objet: (depuis[objet], objet)):
        pairs = _meilleures(tour, par_objet[objet])
        libre = next((rang for rang in pairs if rang not in tour.attribues), None)
        if libre is None:
            tour.proprietaires[objet] = pairs[0]  # goes on under the older id of that group
        else:
            tour.prendre(libre, objet, depuis[objet])


def _meilleures(tour: _Tour, pretentions: Sequence[_Pretention]) -> list[int]:
    """The group of the record an id was made from; else those that claim it by the fewest detours, in a fixed order."""
    if len({une.rang for une in pretentions}) > 1:
        for une in pretentions:
            if not une.detours and tour.deriver(une.cle) == une.objet:
                return [une.rang]
    premieres = sorted(pretentions, key=lambda une: (une.detours, une.cle))
    return [une.rang for une in premieres if une.detours == premieres[0].detours]


def _pretentions(tour: _Tour, rang: int) -> Iterator[_Pretention]:
    for lien in tour.directs[rang]:
        yield _Pretention(rang, lien.objet, lien.depuis, 0, lien.cle.cle)
        for detours, alias in enumerate(tour.connus.suite(lien.objet), 1):
            yield _Pretention(rang, alias.survivant, alias.depuis, detours, lien.cle.cle)


def _reconnaitre(tour: _Tour) -> None:
    """Groups that no record designates, by their identity: only what one object alone may be, and one group alone."""
    par_objet: dict[str, list[Lien]] = defaultdict(list)
    for cousin in tour.connus.cousins:
        par_objet[tour.connus.survivant(cousin.objet)].append(cousin)
    par_identite: dict[str, set[str]] = defaultdict(set)
    for objet, membres in par_objet.items():
        for membre in membres:
            par_identite[membre.cle.identite].add(objet)
    trouves = {}
    for rang, grappe in tour.orphelines():
        objets = {objet for identite in grappe.semblables for objet in par_identite[identite]}
        if not tour.directs[rang] and len(objets) == 1 and _admise(grappe, par_objet[min(objets)]):
            trouves[rang] = min(objets)
    combien = Counter(trouves.values())
    for rang, objet in trouves.items():
        if combien[objet] == 1 and objet not in tour.proprietaires:
            tour.prendre(rang, objet, min(membre.depuis for membre in par_objet[objet]))


def _admise(grappe: Grappe, membres: Iterable[Lien]) -> bool:
    """Two records of one installation are never one person: whoever has one there has no second."""
    origines = {membre.cle.origine for membre in membres} - {""}
    return origines.isdisjoint(cle.origine for cle in grappe.cles)


def _creer(tour: _Tour) -> None:
    """An id of its own: made from the best record, or from the id that it parts from, which stays with others."""
    for rang, grappe in tour.orphelines():
        quitte = min(((lien.depuis, lien.objet) for lien in tour.directs[rang]), default=None)
        objet = tour.deriver(f"{quitte[1]}|{grappe.premiere}" if quitte else grappe.premiere)
        while objet in tour.proprietaires:
            objet = tour.deriver(objet)
        tour.prendre(rang, objet, tour.instant)


def _nouveaux(tour: _Tour) -> list[Lien]:
    return [
        Lien(cle, *tour.attribues[rang], tour.instant)
        for rang, grappe in enumerate(tour.grappes)
        for cle in grappe.cles
        if cle.cle not in tour.connus.liens
    ]


def _changes(tour: _Tour) -> list[tuple[str, Lien]]:
    """Links that leave an id which is another group's; links whose record changed its identity, or not seen for long."""
    changes = []
    for rang, grappe in enumerate(tour.grappes):
        for cle in grappe.cles:
            lien = tour.connus.liens.get(cle.cle)
            if lien is None:
                continue
            if tour.proprietaires[lien.objet] != rang:
                changes.append((lien.objet, Lien(cle, *tour.attribues[rang], tour.instant)))
            elif lien.cle != cle or tour.instant - lien.vu_le > REVU:
                changes.append((lien.objet, replace(lien, cle=cle, vu_le=tour.instant)))
    return changes


def _nouveaux_alias(tour: _Tour) -> list[Alias]:
    return [
        Alias(objet, *tour.attribues[rang])
        for objet, rang in sorted(tour.proprietaires.items())
        if objet != tour.attribues[rang][0] and objet not in tour.connus.alias
    ]


def _rompus(tour: _Tour) -> list[str]:
    """Aliases whose two ends are now two groups. Never tied again: what was once seen apart is shown apart."""
    vivants = [alias for alias in tour.connus.alias.values() if not alias.rompu and alias.ancien in tour.proprietaires]
    return sorted(
        alias.ancien
        for alias in vivants
        if tour.proprietaires[alias.ancien] != tour.proprietaires.get(alias.survivant, tour.proprietaires[alias.ancien])
    )


def _anciens(tour: _Tour, rompus: Sequence[str]) -> dict[str, str]:
    """Ids of before: those that a group of this reading left for an older one, and those that the ledger leads to it."""
    tous = {objet: objet for objet in tour.proprietaires}
    for ancien, alias in tour.connus.alias.items():
        if not alias.rompu and ancien not in rompus:
            tous.setdefault(ancien, tour.connus.survivant(ancien))
    courants = {
        ancien: tour.attribues[tour.proprietaires[objet]][0]
        for ancien, objet in tous.items()
        if objet in tour.proprietaires
    }
    return {ancien: courant for ancien, courant in courants.items() if ancien != courant}

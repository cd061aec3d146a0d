"""The orders of the lists of the graph: the sort key of an element in each. Pure; knows neither views nor filters."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from gateway.domain.identifiers import normalise_nom
from gateway.federation.paging import Key
from gateway.schema.nouns import Contrat, Jeune, MotifPriorite, Rupture
from gateway.schema.orders import TriContrats, TriJeunes, TriRuptures, TriSansContrat


def _rising(value: int | None, identifier: str) -> list[Any]:
    """The smallest first, those without a value last."""
    return [value is None, value or 0, identifier]


def _falling(value: int | None, identifier: str) -> list[Any]:
    """The largest first, those without a value last."""
    return [value is None, -(value or 0), identifier]


def _day(day: date | None) -> int | None:
    return day.toordinal() if day else None


_URGENCIES = list(MotifPriorite)


def _urgency(rupture: Rupture) -> int:
    return min((_URGENCIES.index(reason) for reason in rupture.motifs_priorite or []), default=len(_URGENCIES))


def _names(jeune: Jeune | None, identifier: str) -> list[Any]:
    """Name and first name, closed by a character below letters so that the reverse order is a total one too."""
    who = jeune or Jeune()
    return [normalise_nom(who.nom or "") + " ", normalise_nom(who.prenom or "") + " ", identifier]


def _names_reversed(jeune: Jeune | None, identifier: str) -> list[Any]:
    *names, last = _names(jeune, identifier)
    return [*([-ord(letter) for letter in nom] for nom in names), last]


def _change(jeune: Jeune | None) -> int:
    """When it last changed, in microseconds; what does not say when counts as changed now, and ever after."""
    told = jeune.modifie if jeune else None
    return (told - _EPOCH) // timedelta(microseconds=1) if told else _NEVER_PAST


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NEVER_PAST = 1 << 62


def _last_rupture(ruptures: Sequence[Rupture | None]) -> int | None:
    return max((day for rupture in ruptures if rupture and (day := _day(rupture.date))), default=None)


def _deadline(jeune: Jeune) -> list[Any]:
    """The deadline that comes first, first; those that are past behind all others."""
    wait = jeune.sans_contrat
    return [wait is None or wait.depassee, *_rising(_day(wait.echeance if wait else None), jeune.id)]


RUPTURE_ORDERS: dict[TriRuptures, Key[Rupture]] = {
    TriRuptures.DATE_DESC: lambda one: _falling(_day(one.date), one.id),
    TriRuptures.DATE_ASC: lambda one: _rising(_day(one.date), one.id),
    TriRuptures.PRIORITE: lambda one: [_urgency(one), *_falling(_day(one.date), one.id)],
    TriRuptures.SIGNALEE_DESC: lambda one: _falling(_day(one.signalee_le), one.id),
    TriRuptures.SIGNALEE_ASC: lambda one: _rising(_day(one.signalee_le), one.id),
    TriRuptures.NOM_ASC: lambda one: _names(one.jeune, one.id),
    TriRuptures.NOM_DESC: lambda one: _names_reversed(one.jeune, one.id),
    TriRuptures.AGE_ASC: lambda one: _rising(one.jeune.age if one.jeune else None, one.id),
    TriRuptures.AGE_DESC: lambda one: _falling(one.jeune.age if one.jeune else None, one.id),
    TriRuptures.MODIFIE_DESC: lambda one: _falling(_change(one.jeune), one.id),
    TriRuptures.MODIFIE_ASC: lambda one: _rising(_change(one.jeune), one.id),
}
JEUNE_ORDERS: dict[TriJeunes, Key[Jeune]] = {
    TriJeunes.STATUT_RECENT: lambda one: _falling(_day(one.statut.depuis if one.statut else None), one.id),
    TriJeunes.STATUT_ANCIEN: lambda one: _rising(_day(one.statut.depuis if one.statut else None), one.id),
    TriJeunes.NOM_ASC: lambda one: _names(one, one.id),
    TriJeunes.NOM_DESC: lambda one: _names_reversed(one, one.id),
    TriJeunes.AGE_ASC: lambda one: _rising(one.age, one.id),
    TriJeunes.AGE_DESC: lambda one: _falling(one.age, one.id),
    TriJeunes.RUPTURE_DESC: lambda one: _falling(_last_rupture(one.ruptures or []), one.id),
    TriJeunes.RUPTURE_ASC: lambda one: _rising(_last_rupture(one.ruptures or []), one.id),
    TriJeunes.MODIFIE_DESC: lambda one: _falling(_change(one), one.id),
    TriJeunes.MODIFIE_ASC: lambda one: _rising(_change(one), one.id),
}
CONTRAT_ORDERS: dict[TriContrats, Key[Contrat]] = {
    TriContrats.DEBUT_DESC: lambda one: _falling(_day(one.date_debut), one.id),
    TriContrats.DEBUT_ASC: lambda one: _rising(_day(one.date_debut), one.id),
    TriContrats.FIN_DESC: lambda one: _falling(_day(one.date_fin), one.id),
    TriContrats.FIN_ASC: lambda one: _rising(_day(one.date_fin), one.id),
    TriContrats.RUPTURE_DESC: lambda one: _falling(_last_rupture([one.rupture]), one.id),
    TriContrats.RUPTURE_ASC: lambda one: _rising(_last_rupture([one.rupture]), one.id),
    TriContrats.NOM_ASC: lambda one: _names(one.jeune, one.id),
    TriContrats.NOM_DESC: lambda one: _names_reversed(one.jeune, one.id),
    TriContrats.MODIFIE_DESC: lambda one: _falling(_change(one.jeune), one.id),
    TriContrats.MODIFIE_ASC: lambda one: _rising(_change(one.jeune), one.id),
}
WAITING_ORDERS: dict[TriSansContrat, Key[Jeune]] = {TriSansContrat.ECHEANCE: _deadline}

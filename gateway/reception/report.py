"""The report of what an organisation transmitted, made of what the store counted: by day, then by what is to be mended. Pure but
for the reading of the store.
"""

import base64
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from gateway.auth.policy.rules import Profil
from gateway.domain.days import paris_day
from gateway.errors import InvalidCursor, InvalidRequest, SourceUnavailable
from gateway.federation.views.operation_context import OperationContext
from gateway.schema.connections import PAGE_MAX, PageInfo
from gateway.schema.reception_report import (
    ErreurTransmission,
    JourTransmission,
    MessageTransmission,
    TransmissionConnection,
    TransmissionEdge,
)
from gateway.sources.received import NAME
from gateway.stores.reception_tables import TransmissionError
from gateway.stores.receptions import ERRORS_KEPT, ReceptionStore, ReceptionUnavailable

COUNTS = ("acceptes", "partiels", "rejetes", "rejoues")


@dataclass(frozen=True, slots=True)
class TransmissionReport:
    """The days of an organisation, the last first; what is to be mended, the most frequent first."""

    days: Sequence[JourTransmission] = ()
    messages: Sequence[MessageTransmission] = ()

    def page(self, first: int, after: str | None) -> TransmissionConnection:
        """The `first` days behind a cursor. Raises InvalidRequest, InvalidCursor."""
        if not 0 <= first <= PAGE_MAX:
            raise InvalidRequest(f"L'argument first va de 0 à {PAGE_MAX}.")
        start = 0 if after is None else self._behind(after)
        edges = [TransmissionEdge(cursor=_cursor(day.jour), node=day) for day in self.days[start : start + first]]
        info = PageInfo(
            has_next_page=start + first < len(self.days),
            has_previous_page=start > 0,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        )
        nodes = [edge.node for edge in edges]
        return TransmissionConnection(
            edges=edges, nodes=nodes, page_info=info, total_count=len(self.days), messages=list(self.messages)
        )

    def _behind(self, cursor: str) -> int:
        """How many days are not behind a cursor: it tells a day, which may have been forgotten since."""
        try:
            last = date.fromisoformat(base64.urlsafe_b64decode(cursor).decode())
        except ValueError:
            raise InvalidCursor("Ce curseur n'est pas de cette liste.") from None
        return sum(day.jour >= last for day in self.days)


@dataclass(frozen=True, slots=True)
class TransmissionReports:
    """The reports that the graph tells; `store` None: nothing is received."""

    store: ReceptionStore | None
    now: Callable[[], datetime]

    async def told(self, context: OperationContext) -> OperationContext:
        """The context, with the report of the caller's CFA where it is one; what cannot be read is an error of the answer."""
        perimetre = context.rights.perimetre
        if self.store is None or perimetre.profil is not Profil.CFA:
            return context
        try:
            report = await report_of(self.store, perimetre.organisation, paris_day(self.now()))
        except ReceptionUnavailable:
            error = SourceUnavailable(NAME, "la base des réceptions ne répond pas")
            errors = {**context.readings.errors, NAME: error}
            return replace(context, readings=replace(context.readings, errors=errors))
        return replace(context, transmissions=report.page)


async def report_of(store: ReceptionStore, organisme: str, today: date) -> TransmissionReport:
    """The report of one organisation. Raises ReceptionUnavailable."""
    counts = await store.transmissions(organisme)
    return make_report(counts, await store.errors(organisme, today - ERRORS_KEPT))


def make_report(
    counts: Iterable[Mapping[str, Any]], errors: Iterable[tuple[date, TransmissionError]]
) -> TransmissionReport:
    """Of the counts of each body, and of the lines with their days. The line of a dossier sent twice in a day is one."""
    by_day: dict[date, Counter[str]] = defaultdict(Counter)
    for body in counts:
        by_day[date.fromisoformat(body["jour"])].update({name: body[name] for name in COUNTS})
    lines: dict[date, dict[TransmissionError, None]] = defaultdict(dict)
    for day, error in errors:
        lines[day].setdefault(error)
    days = [_day(day, by_day[day], lines[day]) for day in sorted(by_day, reverse=True)]
    return TransmissionReport(days, _messages(error for told in lines.values() for error in told))


def _day(day: date, counts: Mapping[str, int], errors: Iterable[TransmissionError]) -> JourTransmission:
    told = {name: counts.get(name, 0) for name in COUNTS}
    received = told["acceptes"] + told["partiels"] + told["rejetes"]
    return JourTransmission(jour=day, recus=received, **told, lines=tuple(map(_line, errors)))


def _line(error: TransmissionError) -> ErreurTransmission:
    champs = error.champs.split(",")
    return ErreurTransmission(id_erp=error.id_erp, annee_scolaire=error.annee, champs=champs, message=error.message)


def _messages(errors: Iterable[TransmissionError]) -> list[MessageTransmission]:
    dossiers: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
    for error in errors:
        dossiers[error.message, error.champs].add((error.id_erp, error.annee))
    ordered = sorted(dossiers.items(), key=lambda told: (-len(told[1]), told[0]))
    return [
        MessageTransmission(message=message, champs=champs.split(","), dossiers=len(told))
        for (message, champs), told in ordered
    ]


def _cursor(day: date) -> str:
    return base64.urlsafe_b64encode(day.isoformat().encode()).decode()

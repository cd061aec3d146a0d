"""Readings of only what changed at a partner, laid over what it said before: since when, and what they become. Pure.

Such a reading never says who is no more there: one of everything comes at intervals. What it does not say for sure (a record set
aside, a key that comes twice, a child without parent) is not guessed: everything is then read at once.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from gateway.connectors.base import Connector, ReadingResult
from gateway.domain.days import paris_day
from gateway.schema.organisations import NatureDefaut
from gateway.sources.units import UnitResult

OVERLAP = timedelta(minutes=5)  # of two readings: clocks differ, and a change may be told late
UNSURE = (NatureDefaut.DOUBLON, NatureDefaut.ORPHELINE)


def asked_since(connector: Connector, known: UnitResult, now: datetime, delay: float) -> datetime | None:
    """Since when the partner may be asked what changed; None where everything is to be read. `delay`: the seconds that a reading
    may take: what is known was asked for that long before it was received."""
    if connector.changes is None or known.missing or paris_day(known.received_at) != paris_day(now):
        return None
    whole = known.whole_at or known.received_at
    if (now - whole).total_seconds() >= connector.whole_seconds:
        return None
    return known.received_at - timedelta(seconds=delay) - OVERLAP


def laid_over(known: UnitResult, answer: ReadingResult, now: datetime, version: str) -> UnitResult | None:
    """What is known, with what changed; None where that is not sure. Where it says the same, it keeps its version."""
    changed = {record.key: record for record in answer.records}
    if answer.rejects or len(changed) < len(answer.records) or any(map(answer.faults_of, UNSURE)):
        return None
    told = {record.key: record for record in known.records} | changed
    records = known.records if tuple(told.values()) == known.records else tuple(told.values())
    return replace(
        known,
        records=records,
        received_at=now,
        version=known.version if records is known.records else version,
        age=0.0,
        validators=(),  # those of a reading of everything
        whole_at=known.whole_at or known.received_at,
    )

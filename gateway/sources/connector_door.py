"""What a connector gives, held to what it may give, before anything else sees it. Knows no partner, does no I/O.

Requests are counted and copied, so that a connector that changes them later changes nothing of ours. Records are rebuilt by the
types of their classes: one that holds something else is set aside, the others are there, and none is shared with the connector.
"""

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, TypeVar

import msgspec

from gateway.connectors.base import (
    TWO_IDENTITIES,
    UNMAPPED,
    PartnerRequest,
    QualityCounts,
    ReadingResult,
    ReadingSteps,
    Record,
    Tenant,
    UnexpectedAnswer,
    mapped,
)
from gateway.schema.nouns import Jeune

T = TypeVar("T")
REQUESTS_MAX = 1_000  # of one step of a reading
STEPS_MAX = 100  # of one reading
RECORDS_MAX = 200_000  # of one reading
KEY_MAX = 200  # characters of a record's key
UNMAPPED_FEW, UNMAPPED_RATE = 3, 0.1  # records set aside beyond which a reading says nothing sure
DRIFTS = frozenset({"champ_absent", "type_change", "code_inconnu", TWO_IDENTITIES, UNMAPPED})
REPAIRS = frozenset(
    {
        "encodage",
        "entite",
        "invisible",
        "lettre_perdue",
        "zero_perdu",
        "zero_douteux",
        "plusieurs_valeurs",
        "valeur_moindre",
    }
)
_OPERATION = re.compile(r"[A-Za-z0-9_.-]{1,60}")
_ENCODE, _DECODE = msgspec.json.Encoder().encode, msgspec.json.Decoder(Record).decode


def requests_of(step: Iterable[Any]) -> tuple[PartnerRequest, ...]:
    """The requests of one step. Raises UnexpectedAnswer for too many of them, or for something else."""
    requests = tuple(itertools.islice(step, REQUESTS_MAX + 1))
    if len(requests) > REQUESTS_MAX:
        raise UnexpectedAnswer(f"more than {REQUESTS_MAX} requests in one step")
    return tuple(_copied(request) for request in requests)


def _copied(request: Any) -> PartnerRequest:
    if not isinstance(request, PartnerRequest) or not _OPERATION.fullmatch(request.operation):
        raise UnexpectedAnswer("a step that is no request")
    body = None if request.body is None else msgspec.json.decode(msgspec.json.encode(dict(request.body)))
    return replace(request, params=dict(request.params), body=body)


def lazily(read: Callable[[], ReadingSteps[T]]) -> ReadingSteps[T]:
    """The reading that a connector's function makes, made at its first step: beside the loop, as all the others are."""
    return (yield from read())


def records_read(
    read: Callable[[Tenant, date], ReadingSteps[ReadingResult]], tenant: Tenant, day: date
) -> ReadingSteps[ReadingResult]:
    """A reading of records, whose result is looked at in its last step."""
    return sound((yield from read(tenant, day)))


def sound(result: Any) -> ReadingResult:
    """The result with the records that are what they must be. Raises UnexpectedAnswer when it is no result, or too many of its
    records are set aside."""
    if not isinstance(result, ReadingResult):
        raise UnexpectedAnswer("no result of a reading")
    account = QualityCounts(
        int(result.rejects),
        int(result.ignored_fields),
        Counter(dict(_kinds(result.drifts, DRIFTS))),
        Counter(dict(_kinds(result.repairs, REPAIRS))),
    )
    told = list(itertools.islice(result.records, RECORDS_MAX + 1))
    if len(told) > RECORDS_MAX:
        raise UnexpectedAnswer(f"more than {RECORDS_MAX} records")
    records = mapped(_rebuilt, told, account)
    lost = account.drifts[UNMAPPED]
    if lost > max(UNMAPPED_FEW, UNMAPPED_RATE * (len(records) + lost)):
        raise UnexpectedAnswer(f"{lost} records that could not be mapped, {len(records)} that could")
    return account.result(records)


def _rebuilt(record: Any) -> Record:
    """The record by the types of its classes. Raises what tells that it is none."""
    if not isinstance(record, Record) or not isinstance(record.jeune, Jeune) or not 0 < len(record.key) <= KEY_MAX:
        raise TypeError("no record")
    return _DECODE(_ENCODE(record))


def _kinds(figures: Mapping[Any, Any], known: frozenset[str]) -> Iterator[tuple[str, int]]:
    """By kind, and no other kind than ours: it is a label of the figures."""
    return ((kind, int(number)) for kind, number in figures.items() if kind in known)

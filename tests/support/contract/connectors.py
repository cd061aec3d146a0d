"""Drives a connector's reading as the core does, on documents given as values."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, TypeVar

from gateway.connectors.base import PartnerRequest, ReadingSteps, Tenant

T = TypeVar("T")
CFA = Tenant("0010856A", "73282932000074", "cfa-un")
MISSION = Tenant("01001")
DAY = date(2026, 3, 2)


def drive(
    reading: ReadingSteps[T], answer: Callable[[PartnerRequest], list[Any]]
) -> tuple[list[Sequence[PartnerRequest]], T]:
    """The batches asked for, and what the reading gives when each request is answered its pages."""
    batches = [next(reading)]
    while True:
        try:
            batches.append(reading.send([answer(partner_request) for partner_request in batches[-1]]))
        except StopIteration as fin:
            return batches, fin.value


def by_operation(documents: Mapping[str, list[Any]]) -> Callable[[PartnerRequest], list[Any]]:
    """Answers by the name of the operation; nothing for the others."""
    return lambda partner_request: documents.get(partner_request.operation, [])

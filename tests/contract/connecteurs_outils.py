"""Drives a connector's reading as the core does, on documents given as values."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, TypeVar

from gateway.connectors.base import Lecture, Locataire, Requete

T = TypeVar("T")
CFA = Locataire("0010856A", "73282932000074", "cfa-un")
MISSION = Locataire("01001")
JOUR = date(2026, 3, 2)


def mener(lecture: Lecture[T], repondre: Callable[[Requete], list[Any]]) -> tuple[list[Sequence[Requete]], T]:
    """The batches asked for, and what the reading gives when each request is answered its pages."""
    lots = [next(lecture)]
    while True:
        try:
            lots.append(lecture.send([repondre(requete) for requete in lots[-1]]))
        except StopIteration as fin:
            return lots, fin.value


def par_operation(documents: Mapping[str, list[Any]]) -> Callable[[Requete], list[Any]]:
    """Answers by the name of the operation; nothing for the others."""
    return lambda requete: documents.get(requete.operation, [])

"""Canary persons: values of real records of the population, looked for where none may be (docs/security.md L01, C09)."""

from collections.abc import Iterable
from pathlib import Path

from fixtures.population.model import Population

CANARIES = 60  # persons looked for


def values(population: Population) -> list[bytes]:
    """Telephones, e-mails, family names with first names and national numbers of some persons, as systems write them."""
    found: set[str] = set()
    for person in population.persons[:CANARIES]:
        portable = person.telephone
        found |= {portable, portable.replace(" ", ""), person.courriel, person.ine or ""}
        found |= {f"{person.nom} {person.prenom}", f"{person.prenom} {person.nom}"}
    return [value.encode() for value in sorted(found) if len(value) > 7]


def traces(population: Population, static_routes: Iterable[Path]) -> list[str]:
    """The files that hold a value of a canary, with how many; never the value itself."""
    sought = values(population)
    counts = {file: _number(file.read_bytes(), sought) for file in static_routes if file.is_file()}
    return [f"{file.name}: {number}" for file, number in counts.items() if number]


def _number(content: bytes, sought: list[bytes]) -> int:
    broken = content.lower()
    return sum(value.lower() in broken for value in sought)

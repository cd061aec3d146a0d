"""Records as identity sees them, written by hand: one default person, changed by name."""

from datetime import date
from typing import Any

from gateway.domain.official_numbers import ContratTraits, Traits


def trait(
    source: str = "ypareo", key: str = "1", nom: str = "Le Goff", others: tuple[str, ...] = (), **values: Any
) -> Traits:
    """A record of one installation; the person is Anaïs Le Goff, born on 7 March 2006."""
    defaults: dict[str, Any] = {"prenom": "Anaïs", "naissance": date(2006, 3, 7)}
    origin = (source, str(values.pop("tenant", "")))
    return Traits(origin, key, (nom, *others), **{**defaults, **values})


def contrat(
    numero: str | None,
    debut: date = date(2025, 9, 1),
    fin: date | None = date(2027, 8, 31),
    siren: str | None = "732829320",
) -> ContratTraits:
    return ContratTraits(numero, debut, fin, siren)

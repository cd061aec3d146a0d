"""Records as identity sees them, written by hand: one default person, changed by name."""

from datetime import date
from typing import Any

from gateway.domain.identity import TraitContrat, Traits


def trait(
    source: str = "ypareo", cle: str = "1", nom: str = "Le Goff", autres: tuple[str, ...] = (), **valeurs: Any
) -> Traits:
    """A record of one installation; the person is Anaïs Le Goff, born on 7 March 2006."""
    defauts: dict[str, Any] = {"prenom": "Anaïs", "naissance": date(2006, 3, 7)}
    origine = (source, str(valeurs.pop("locataire", "")))
    return Traits(origine, cle, (nom, *autres), **{**defauts, **valeurs})


def contrat(
    numero: str | None,
    debut: date = date(2025, 9, 1),
    fin: date | None = date(2027, 8, 31),
    siren: str | None = "732829320",
) -> TraitContrat:
    return TraitContrat(numero, debut, fin, siren)

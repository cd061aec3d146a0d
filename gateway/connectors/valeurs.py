"""Values as partners write them, read into ours: dates, booleans, sexes. Nothing here knows a partner or a noun's field.

Empty is absent (None). What is filled and cannot be read raises ValueError, so that the payload model sets it aside and
counts it.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator

from gateway.connectors.base import CODE_INCONNU, NI_TEXTE_NI_ENTIER
from gateway.domain.identifiers import (
    code_insee_valide,
    normaliser_cfd,
    normaliser_code_postal,
    normaliser_courriel,
    normaliser_ine,
    normaliser_naf,
    normaliser_rncp,
    normaliser_siret,
    normaliser_telephone,
    normaliser_uai,
)
from gateway.domain.temps import PARIS, jour_de_naissance, jour_paris
from gateway.schema.nouns import Sexe
from gateway.schema.scalaires import SIRET, UAI, CodePostal

T = TypeVar("T")
ANNEE_MIN, ANNEE_MAX = 1900, 2100
CONNUES = 4096  # identifiers remembered, of each kind
_FRANCAIS = re.compile(r"(?P<j>\d{1,2})/(?P<m>\d{1,2})/(?P<a>\d{4})", re.ASCII)
_COMPACT = re.compile(r"(?P<a>\d{4})(?P<m>\d\d)(?P<j>\d\d)", re.ASCII)
_ISO = re.compile(r"(?P<a>\d{4})-(?P<m>\d\d)-(?P<j>\d\d)", re.ASCII)
_HEURE = re.compile(r"\d{4}", re.ASCII)
_VIDE = "0/-"  # "00000000", "00/00/0000"
_BOOLEENS = {"true": True, "1": True, "o": True, "oui": True, "false": False, "0": False, "n": False, "non": False}
_NIVEAUX = {str(rang): rang for rang in range(3, 9)}
_SEXES = {"M": Sexe.M, "H": Sexe.M, "1": Sexe.M, "F": Sexe.F, "2": Sexe.F}


def texte(valeur: Any) -> str:
    """A text or a number as a text, stripped; "" for null."""
    if isinstance(valeur, str):
        return valeur.strip()
    if valeur is None:
        return ""
    if isinstance(valeur, float) and valeur.is_integer():
        return str(int(valeur))
    if isinstance(valeur, int) and not isinstance(valeur, bool):
        return str(valeur)
    raise ValueError(NI_TEXTE_NI_ENTIER)


def _plausible(jour: date) -> date:
    if not ANNEE_MIN <= jour.year <= ANNEE_MAX:
        raise ValueError("implausible year")
    return jour


def _jour(lu: str, forme: re.Pattern[str]) -> date | None:
    if not lu.strip(_VIDE):
        return None
    trouve = forme.fullmatch(lu)
    if trouve is None:
        raise ValueError("unreadable date")
    return _plausible(date(*map(int, trouve.group("a", "m", "j"))))


def jour_francais(valeur: Any) -> date | None:
    """07/03/2006"""
    return _jour(texte(valeur), _FRANCAIS)


def jour_compact(valeur: Any) -> date | None:
    """20060307; "00000000" is empty."""
    return _jour(texte(valeur), _COMPACT)


def jour_iso(valeur: Any) -> date | None:
    """2006-03-07, or an instant that starts so and whose time has no meaning."""
    return _jour(texte(valeur)[:10], _ISO)


def _instant(lu: str) -> datetime:
    instant = datetime.fromisoformat(lu)
    _plausible(instant.date())
    return instant


def jour_local(valeur: Any) -> date | None:
    """2006-03-07T00:00:00+01:00: local midnight, with the offset of the season."""
    lu = texte(valeur)
    return jour_paris(_instant(lu)) if lu else None


def naissance(valeur: Any) -> date | None:
    """A birth date in any ISO form; an evening hour in UTC means the next day (DOMAIN §2.2)."""
    lu = texte(valeur)
    if len(lu) <= len("2006-03-07"):
        return jour_iso(lu)
    instant = _instant(lu)
    return jour_paris(instant) if instant.utcoffset() else jour_de_naissance(instant)


def instant_paris(valeur: Any) -> datetime | None:
    """2026-03-07 14:05:00: local time, no zone. An offset, if there is one, is believed."""
    lu = texte(valeur)
    if not lu:
        return None
    instant = _instant(lu)
    return instant if instant.tzinfo else instant.replace(tzinfo=PARIS)


def instant_compact(valeur: Any) -> datetime | None:
    """202603071405: local time, no zone."""
    lu = texte(valeur)
    jour = _jour(lu[:8], _COMPACT)
    if jour is None:
        return None
    if not _HEURE.fullmatch(lu, 8):
        raise ValueError("unreadable time")
    return datetime(jour.year, jour.month, jour.day, int(lu[8:10]), int(lu[10:]), tzinfo=PARIS)


def booleen(valeur: Any) -> bool | None:
    """True, "true", 1, "O", "Oui" and their contraries."""
    return valeur if isinstance(valeur, bool) else code(_BOOLEENS, texte(valeur).lower())


def sexe(valeur: Any) -> Sexe | None:
    """M, H, 1 and F, 2."""
    return code(_SEXES, texte(valeur).upper())


def code(liste: Mapping[str, T], lu: str) -> T | None:
    """The meaning of a code of a closed list."""
    if lu and lu not in liste:
        raise ValueError(CODE_INCONNU)
    return liste.get(lu)


def niveau(valeur: Any) -> int | None:
    """Level of qualification, 3 to 8."""
    return code(_NIVEAUX, texte(valeur))


def minuit(jour: date) -> datetime:
    """The first instant of a day in Paris."""
    return datetime(jour.year, jour.month, jour.day, tzinfo=PARIS)


def lendemain(jour: date | None) -> date | None:
    """From the last day worked to the first day off, which is the effective date of a rupture."""
    return jour + timedelta(days=1) if jour else None


def _normalise(lire: Callable[[str], Any]) -> BeforeValidator:
    """Reads with a function that returns None for what it cannot make valid."""

    def valider(valeur: Any) -> Any:
        lu = texte(valeur)
        if not lu:
            return None
        propre = lire(lu)
        if propre is None:
            raise ValueError("unreadable value")
        return propre

    return BeforeValidator(valider)


def _partage(lire: Callable[[str], str | None]) -> BeforeValidator:
    """For values that many records share: read once. Never for a value of a person."""
    return _normalise(lru_cache(CONNUES)(lire))


def _ou_rien(valeur: Any) -> str | None:
    return texte(valeur) or None


DateFrancaise = Annotated[date, BeforeValidator(jour_francais)]
DateCompacte = Annotated[date, BeforeValidator(jour_compact)]
DateLocale = Annotated[date, BeforeValidator(jour_local)]
Naissance = Annotated[date, BeforeValidator(naissance)]
JourFrancais = Annotated[date | None, BeforeValidator(jour_francais)]
JourCompact = Annotated[date | None, BeforeValidator(jour_compact)]
JourIso = Annotated[date | None, BeforeValidator(jour_iso)]
JourLocal = Annotated[date | None, BeforeValidator(jour_local)]
InstantParis = Annotated[datetime | None, BeforeValidator(instant_paris)]
InstantCompact = Annotated[datetime | None, BeforeValidator(instant_compact)]
Booleen = Annotated[bool | None, BeforeValidator(booleen)]
SexeLu = Annotated[Sexe | None, BeforeValidator(sexe)]
Niveau = Annotated[int | None, BeforeValidator(niveau)]
Telephone = Annotated[str | None, _normalise(normaliser_telephone)]
Courriel = Annotated[str | None, _normalise(normaliser_courriel)]
CodePostalLu = Annotated[CodePostal | None, _normalise(normaliser_code_postal)]
SiretLu = Annotated[SIRET | None, _partage(normaliser_siret)]
CodeInseeLu = Annotated[str | None, _normalise(lambda lu: lu if code_insee_valide(lu) else None)]
UaiLu = Annotated[UAI | None, _partage(normaliser_uai)]
Ine = Annotated[str | None, _normalise(normaliser_ine)]
Rncp = Annotated[str | None, _partage(normaliser_rncp)]
Cfd = Annotated[str | None, _partage(normaliser_cfd)]
Naf = Annotated[str | None, _partage(normaliser_naf)]
Texte = Annotated[str | None, BeforeValidator(_ou_rien)]
Requis = Annotated[str, BeforeValidator(_ou_rien)]
Liste = Annotated[tuple[T, ...], BeforeValidator(lambda valeur: () if valeur is None else valeur)]

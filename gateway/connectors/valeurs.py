"""Values as partners write them, read into ours: dates, booleans, sexes. Nothing here knows a partner or a noun's field.

Each reader raises ValueError for what it cannot read, so that a payload model sets the value aside and counts it.
"""

from datetime import date, datetime, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator

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

ANNEE_MIN, ANNEE_MAX = 1900, 2100


def _texte(valeur: Any) -> str:
    return str(valeur).strip() if valeur is not None else ""


def _plausible(jour: date) -> date:
    if not ANNEE_MIN <= jour.year <= ANNEE_MAX:
        raise ValueError("implausible year")
    return jour


def _jour(valeur: Any, modele: str) -> date | None:
    texte = _texte(valeur)
    if not texte or not texte.strip("0/-"):
        return None
    return _plausible(datetime.strptime(texte, modele).date())  # noqa: DTZ007 - a day has no zone


def jour_francais(valeur: Any) -> date | None:
    """07/03/2006"""
    return _jour(valeur, "%d/%m/%Y")


def jour_compact(valeur: Any) -> date | None:
    """20060307; "00000000" is empty."""
    return _jour(valeur, "%Y%m%d")


def jour_iso(valeur: Any) -> date | None:
    """2006-03-07, or an instant that starts so and whose time has no meaning."""
    texte = _texte(valeur)
    return _jour(texte[:10], "%Y-%m-%d")


def jour_local(valeur: Any) -> date | None:
    """2006-03-07T00:00:00+01:00: local midnight, with the offset of the season."""
    texte = _texte(valeur)
    return _plausible(jour_paris(datetime.fromisoformat(texte))) if texte else None


def naissance(valeur: Any) -> date | None:
    """A birth date in any ISO form; an evening hour in UTC means the next day (DOMAIN §2.2)."""
    texte = _texte(valeur)
    if len(texte) <= len("2006-03-07"):
        return jour_iso(texte)
    instant = datetime.fromisoformat(texte)
    local = instant.astimezone(PARIS) if instant.utcoffset() else instant
    return _plausible(local.date() if instant.utcoffset() else jour_de_naissance(instant))


def instant_paris(valeur: Any) -> datetime | None:
    """2026-03-07 14:05:00: local time, no zone."""
    texte = _texte(valeur)
    return datetime.fromisoformat(texte).replace(tzinfo=PARIS) if texte else None


def instant_compact(valeur: Any) -> datetime | None:
    """202603071405: local time, no zone."""
    texte = _texte(valeur)
    return datetime.strptime(texte, "%Y%m%d%H%M").replace(tzinfo=PARIS) if texte.strip("0") else None


def booleen(valeur: Any) -> bool | None:
    """True, "true", 1, "O", "Oui" and their contraries; anything else says nothing."""
    return {"true": True, "1": True, "o": True, "oui": True, "false": False, "0": False, "n": False, "non": False}.get(
        _texte(valeur).lower()
    )


def sexe(valeur: Any) -> Sexe | None:
    """M, H, 1 and F, 2."""
    return {"M": Sexe.M, "H": Sexe.M, "1": Sexe.M, "F": Sexe.F, "2": Sexe.F}.get(_texte(valeur).upper())


def lendemain(jour: date | None) -> date | None:
    """From the last day worked to the first day off, which is the effective date of a rupture."""
    return jour + timedelta(days=1) if jour else None


def _ou_vide(lire: Any) -> BeforeValidator:
    """Empty is absent; filled and unreadable is a fault, which the payload model counts."""

    def valider(valeur: Any) -> Any:
        texte = _texte(valeur)
        lu = lire(texte or None)
        if texte and lu is None:
            raise ValueError("unreadable value")
        return lu

    return BeforeValidator(valider)


NaissanceFrancaise = Annotated[date, BeforeValidator(jour_francais)]
NaissanceCompacte = Annotated[date, BeforeValidator(jour_compact)]
NaissanceIso = Annotated[date, BeforeValidator(naissance)]
JourFrancais = Annotated[date | None, BeforeValidator(jour_francais)]
JourCompact = Annotated[date | None, BeforeValidator(jour_compact)]
JourIso = Annotated[date | None, BeforeValidator(jour_iso)]
JourLocal = Annotated[date | None, BeforeValidator(jour_local)]
InstantParis = Annotated[datetime | None, BeforeValidator(instant_paris)]
InstantCompact = Annotated[datetime | None, BeforeValidator(instant_compact)]
Booleen = Annotated[bool | None, BeforeValidator(booleen)]
SexeLu = Annotated[Sexe | None, BeforeValidator(sexe)]
Telephone = Annotated[str | None, _ou_vide(normaliser_telephone)]
Courriel = Annotated[str | None, _ou_vide(normaliser_courriel)]
CodePostalLu = Annotated[CodePostal | None, _ou_vide(normaliser_code_postal)]
SiretLu = Annotated[SIRET | None, _ou_vide(normaliser_siret)]
CodeInseeLu = Annotated[str | None, _ou_vide(lambda texte: texte if texte and code_insee_valide(texte) else None)]
UaiLu = Annotated[UAI | None, _ou_vide(normaliser_uai)]
Ine = Annotated[str | None, _ou_vide(normaliser_ine)]
Rncp = Annotated[str | None, _ou_vide(normaliser_rncp)]
Cfd = Annotated[str | None, _ou_vide(normaliser_cfd)]
Naf = Annotated[str | None, _ou_vide(normaliser_naf)]
Niveau = Annotated[int | None, BeforeValidator(lambda valeur: _texte(valeur) or None)]
Texte = Annotated[str | None, BeforeValidator(lambda valeur: _texte(valeur) or None)]
Requis = Annotated[str, BeforeValidator(lambda valeur: _texte(valeur) or None)]

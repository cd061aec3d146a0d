"""From what a source says of a home to the Mission locale that serves it (ANSWERS 4). Pure; knows no noun, no source.

Never "the first commune of the postal code": what is ambiguous stays so, with its candidates.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from anyascii import anyascii


@dataclass(frozen=True, slots=True)
class LieuCommune:
    """A commune as the referential tells it; codes only but for its name."""

    code: str
    nom: str
    codes_postaux: tuple[str, ...]
    departement: str
    region: str
    academie: str
    mission_locale: str | None


@dataclass(frozen=True, slots=True)
class Residence:
    """Where somebody lives, as far as it can be told. `candidates`: INSEE codes left when it is ambiguous."""

    insee: str | None = None
    mission_locale: str | None = None
    departement: str | None = None
    region: str | None = None
    candidates: tuple[str, ...] = ()


class Geographie:
    """Communes, found by INSEE code or by postal code."""

    def __init__(self, communes: Iterable[LieuCommune]) -> None:
        self.par_insee = {commune.code: commune for commune in communes}
        par_code_postal: dict[str, list[LieuCommune]] = defaultdict(list)
        for commune in self.par_insee.values():
            for code in commune.codes_postaux:
                par_code_postal[code].append(commune)
        self.par_code_postal = {code: tuple(lieux) for code, lieux in par_code_postal.items()}
        self._residences: dict[tuple[str | None, str | None, str | None], Residence] = {}

    def residence(self, insee: str | None, code_postal: str | None, ville: str | None) -> Residence:
        """Resolve, once for each way of telling a place (a territory has few)."""
        cle = (insee, code_postal, ville)
        if cle not in self._residences:
            self._residences[cle] = _resoudre(self, *cle)
        return self._residences[cle]


def resoudre(geo: Geographie, insee: str | None, code_postal: str | None, ville: str | None) -> Residence:
    """INSEE code if given; else postal code and town; else the postal code if it leaves one Mission locale only."""
    return geo.residence(insee, code_postal, ville)


def _resoudre(geo: Geographie, insee: str | None, code_postal: str | None, ville: str | None) -> Residence:
    commune = geo.par_insee.get(_commune_mere(insee)) if insee else None
    if commune is not None:
        return _certaine(commune)
    lieux = geo.par_code_postal.get(code_postal or "", ())
    nommes = [lieu for lieu in lieux if ville and normaliser_ville(lieu.nom) == normaliser_ville(ville)]
    if len(nommes) == 1:
        return _certaine(nommes[0])
    return _certaine(lieux[0]) if len(lieux) == 1 else _commune_a(nommes or list(lieux))


def _certaine(commune: LieuCommune) -> Residence:
    return Residence(commune.code, commune.mission_locale, commune.departement, commune.region)


def _commune_a(lieux: list[LieuCommune]) -> Residence:
    """What all the candidates share."""
    return Residence(
        None,
        _seul(lieu.mission_locale for lieu in lieux),
        _seul(lieu.departement for lieu in lieux),
        _seul(lieu.region for lieu in lieux),
        tuple(sorted(lieu.code for lieu in lieux)),
    )


def _seul(valeurs: Iterable[str | None]) -> str | None:
    distinctes = set(valeurs)
    return distinctes.pop() if len(distinctes) == 1 else None


def _commune_mere(insee: str) -> str:
    """Arrondissements of Paris, Marseille and Lyon belong to their commune."""
    for premier, dernier, commune in (
        ("75101", "75120", "75056"),
        ("13201", "13216", "13055"),
        ("69381", "69389", "69123"),
    ):
        if premier <= insee <= dernier:
            return commune
    return insee


_ABREGES = {"ST": "SAINT", "STE": "SAINTE", "S": "SUR"}


@lru_cache(maxsize=65_536)
def normaliser_ville(nom: str) -> str:
    """Town names as people type them: accents, case, hyphens, SAINT/ST, S/ for SUR, CEDEX and its number, articles."""
    texte = re.sub(r"\bCEDEX\b.*$", "", anyascii(nom).upper().replace("S/", "SUR "))
    mots = re.findall(r"[A-Z]+", texte)
    while mots and mots[0] in {"LE", "LA", "LES", "L"}:
        mots = mots[1:]
    return "".join(_ABREGES.get(mot, mot) for mot in mots)

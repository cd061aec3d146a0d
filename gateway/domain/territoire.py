"""From what a source says of a home to the Mission locale that serves it (ANSWERS 4). Pure; knows no noun, no source.

Never "the first commune of the postal code": what is ambiguous stays so, with its candidates.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from anyascii import anyascii

ARRONDISSEMENTS = {
    **{str(code): "75056" for code in range(75101, 75121)},  # Paris
    **{str(code): "13055" for code in range(13201, 13217)},  # Marseille
    **{str(code): "69123" for code in range(69381, 69390)},  # Lyon
}


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

    def commune(self, insee: str) -> LieuCommune | None:
        """By INSEE code; an arrondissement that is not listed is its commune."""
        return self.par_insee.get(insee) or self.par_insee.get(ARRONDISSEMENTS.get(insee, ""))


def resoudre(geo: Geographie, insee: str | None, code_postal: str | None, ville: str | None) -> Residence:
    """INSEE code if given and known; else postal code and town; else what all the communes of the postal code share."""
    commune = geo.commune(insee) if insee else None
    if commune is not None:
        return _certaine(commune)
    lieux = geo.par_code_postal.get(code_postal or "", ())
    nom = normaliser_ville(ville or "")
    nommes = tuple(lieu for lieu in lieux if normaliser_ville(lieu.nom) == nom)
    retenus = nommes or lieux
    return _certaine(retenus[0]) if len(retenus) == 1 else _commune_a(retenus)


def _certaine(commune: LieuCommune) -> Residence:
    return Residence(commune.code, commune.mission_locale, commune.departement, commune.region)


def _commune_a(lieux: tuple[LieuCommune, ...]) -> Residence:
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


_ABREGES = {"ST": "SAINT", "STE": "SAINTE", "STES": "SAINTES", "SUR": "S", "SOUS": "S"}
_ARTICLES = frozenset({"LE", "LA", "LES", "L"})
_SUR = re.compile(r"(?:\bS)?/(?:S/)?")  # S/, /S/ or a bare /
_SUITE = re.compile(r"\bCEDEX\b|[0-9]")


@lru_cache(maxsize=65_536)
def normaliser_ville(nom: str) -> str:
    """Town names as people type them: case, accents, hyphens, SAINT/ST, S/ for SUR or SOUS, first article, CEDEX.

    A postal code before and an arrondissement after are dropped. Compared among the towns of one postal code only.
    """
    texte = _SUITE.split(anyascii(nom).upper().lstrip("0123456789 -"), maxsplit=1)[0]
    mots = re.findall(r"[A-Z]+", _SUR.sub(" SUR ", texte))
    while mots and mots[0] in _ARTICLES:
        mots = mots[1:]
    return "".join(_ABREGES.get(mot, mot) for mot in mots)

"""The referential as values: communes, Missions locales, CFAs, and who belongs where; and from what a source says of a home to
the Mission locale that serves it (docs/domaine.md). Pure; knows no source, no noun.

Never "the first commune of the postal code": what is ambiguous stays so, with its candidates.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import dropwhile

from anyascii import anyascii

ARRONDISSEMENTS = {
    **{str(code): "75056" for code in range(75101, 75121)},  # Paris
    **{str(code): "13055" for code in range(13201, 13217)},  # Marseille
    **{str(code): "69123" for code in range(69381, 69390)},  # Lyon
}
CODE_POSTAL_LENGTH = 5


def is_code_structure(text: str) -> bool:
    """The five characters of a Mission locale: those of its department, then its rank there."""
    return bool(re.fullmatch(r"([0-9]{2}|2A|2B)[0-9]{3}", text))


def without_lost_zero(code: str) -> str:
    """The code of a Mission locale that a number had made shorter; "" where it is not that."""
    whole = code.rjust(5, "0")
    return whole if len(code) == len(whole) - 1 and is_code_structure(whole) else ""


@dataclass(frozen=True, slots=True)
class CommuneLine:
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

    def __init__(self, communes: Iterable[CommuneLine]) -> None:
        self.by_insee = {commune.code: commune for commune in communes}
        by_code_postal: dict[str, list[CommuneLine]] = defaultdict(list)
        for commune in self.by_insee.values():
            for code in commune.codes_postaux:
                by_code_postal[code].append(commune)
        self.by_code_postal = {code: tuple(places) for code, places in by_code_postal.items()}

    def commune(self, insee: str) -> CommuneLine | None:
        """By INSEE code; an arrondissement that is not listed is its commune."""
        return self.by_insee.get(insee) or self.by_insee.get(ARRONDISSEMENTS.get(insee, ""))


@dataclass(frozen=True, slots=True)
class MissionLocaleRow:
    """A Mission locale; `insee` is the commune of its seat."""

    id: int
    code: str
    nom: str
    insee: str | None
    telephone: str | None
    courriel: str | None


@dataclass(frozen=True, slots=True)
class OrganismeRow:
    """A training body; `responsables` and `formateurs` are the UAIs it is linked to."""

    uai: str
    siret: str
    nom: str
    insee: str | None
    departement: str | None
    region: str | None
    academie: str | None
    reseaux: tuple[str, ...] = ()
    nature: str | None = None
    responsables: tuple[str, ...] = ()
    formateurs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Referentiel:
    """One version of the referential. `noms` gives the name of a territory by (kind, code)."""

    communes: Mapping[str, CommuneLine] = field(default_factory=dict)
    missions_locales: Mapping[str, MissionLocaleRow] = field(default_factory=dict)
    organismes: Mapping[str, OrganismeRow] = field(default_factory=dict)
    noms: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @cached_property
    def geographie(self) -> Geographie:
        return Geographie(self.communes.values())

    @cached_property
    def _by_siret(self) -> Mapping[str, OrganismeRow]:
        return {organisme.siret: organisme for organisme in self.organismes.values()}

    def organisme(self, uai: str | None, siret: str | None = None) -> OrganismeRow | None:
        """A CFA by UAI, else by SIRET."""
        return (self.organismes.get(uai) if uai else None) or (self._by_siret.get(siret) if siret else None)

    def cfas_of_region(self, code: str) -> frozenset[str]:
        return frozenset(o.uai for o in self.organismes.values() if o.region == code)

    def cfas_of_departement(self, code: str) -> frozenset[str]:
        return frozenset(o.uai for o in self.organismes.values() if o.departement == code)

    def cfas_of_academie(self, code: str) -> frozenset[str]:
        return frozenset(o.uai for o in self.organismes.values() if o.academie == code)

    def uais_of_reseau(self, reseau: str) -> frozenset[str]:
        return frozenset(o.uai for o in self.organismes.values() if reseau in o.reseaux)

    def formateurs(self, uai: str) -> frozenset[str]:
        """The places of training a CFA answers for."""
        organisme = self.organismes.get(uai)
        return frozenset(organisme.formateurs) if organisme else frozenset()

    def communes_de_mission_locale(self, code: str) -> frozenset[str]:
        return frozenset(c.code for c in self.communes.values() if c.mission_locale == code)

    def communes_de_region(self, code: str) -> frozenset[str]:
        return frozenset(c.code for c in self.communes.values() if c.region == code)

    def codes_postaux_of(self, communes: Iterable[str]) -> frozenset[str]:
        return frozenset(code for insee in communes for code in self.communes[insee].codes_postaux)


def resolve(geo: Geographie, insee: str | None, code_postal: str | None, ville: str | None) -> Residence:
    """INSEE code if given and known; else postal code and town; else what all the communes of the postal code share."""
    if insee and (commune := geo.commune(insee)):
        return _of_commune(commune)
    code = (code_postal or "").rjust(CODE_POSTAL_LENGTH, "0")
    places = geo.by_code_postal.get(code, ())
    name = normalise_ville(ville or "")
    named = tuple(place for place in places if normalise_ville(place.nom) == name)
    if code_postal and code != code_postal and not named:
        # A zero may be lost, or the home be abroad (1000 Bruxelles): nothing but the town tells which.
        return Residence(candidates=_codes(places))
    selected = named or places
    return _of_commune(selected[0]) if len(selected) == 1 else _shared_by(selected)


def _of_commune(commune: CommuneLine) -> Residence:
    return Residence(commune.code, commune.mission_locale, commune.departement, commune.region)


def _shared_by(places: tuple[CommuneLine, ...]) -> Residence:
    """What all the candidates have in common; nothing without candidates."""
    return Residence(
        None,
        _single(place.mission_locale for place in places),
        _single(place.departement for place in places),
        _single(place.region for place in places),
        _codes(places),
    )


def _codes(places: tuple[CommuneLine, ...]) -> tuple[str, ...]:
    return tuple(sorted(place.code for place in places))


def _single(values: Iterable[str | None]) -> str | None:
    distinct = set(values)
    return distinct.pop() if len(distinct) == 1 else None


_ABBREVIATIONS = {"ST": "SAINT", "STE": "SAINTE", "STES": "SAINTES", "SUR": "S", "SOUS": "S"}
_ARTICLES = frozenset({"LE", "LA", "LES", "L"})
_SUR = re.compile(r"(?:\bS)?/(?:S/)?")  # S/, /S/ or a bare /
_END = re.compile(r"\bCEDEX\b|[0-9]")


@lru_cache(maxsize=65_536)
def normalise_ville(nom: str) -> str:
    """Town names as people type them: case, accents, hyphens, SAINT/ST, S/ for SUR or SOUS, first article, CEDEX.

    A postal code before and an arrondissement after are dropped. Compared among the towns of one postal code only.
    """
    text = _END.split(anyascii(nom).upper().lstrip("0123456789 -"), maxsplit=1)[0]
    words = dropwhile(_ARTICLES.__contains__, re.findall(r"[A-Z]+", _SUR.sub(" SUR ", text)))
    return "".join(_ABBREVIATIONS.get(word, word) for word in words)

"""The identity of a person as text that can be compared, and what else a record says that tells people apart. Pure.

Knows no noun and no source. How alike two records are is `similarity`; who is joined with whom is `matching`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from anyascii import anyascii

_OTHERS = re.compile(r"[^A-Z]+")
PARTICLES = frozenset(
    {"D", "DE", "DA", "DI", "DO", "DU", "DES", "DEL", "DOS", "LA", "LE", "LES", "L", "EL", "AL", "VAN"}
)


@lru_cache(maxsize=65_536)
def words(nom: str) -> tuple[str, ...]:
    """The words of a name: letters only, upper case, no accent, ligatures opened; nothing for a text without letters."""
    text = nom if nom.isascii() else anyascii(nom)
    return tuple(_OTHERS.sub(" ", text.upper()).split())


@lru_cache(maxsize=65_536)
def normalise_nom(nom: str) -> str:
    """The letters of a name as one word: LE GOFF, Le-Goff and LEGOFF are one.

    Empty for a text without letters: such a name identifies nobody, and its record is the caller's to refuse.
    """
    return "".join(words(nom))


@lru_cache(maxsize=65_536)
def full_words_of(nom: str) -> frozenset[str]:
    """The words that tell one name from another: without particles, unless it is made of nothing else (`Le Da`)."""
    told = words(nom)
    return frozenset(word for word in told if word not in PARTICLES) or frozenset(told)


def identity_key(nom: str, prenom: str, date_naissance: date) -> str:
    """Exact key of a person; length-prefixed, so that two different triples never give one text. Never logged."""
    parts = (normalise_nom(nom), normalise_nom(prenom), date_naissance.isoformat())
    return "".join(f"{len(part)}:{part}" for part in parts)


@dataclass(frozen=True, slots=True)
class ContratTraits:
    """What a contract says of whose it is. `numero` is the registry's, upper case; `siren` the employer's legal unit."""

    numero: str | None
    debut: date | None
    fin: date | None  # the last day under contract: planned, or the day of its rupture
    siren: str | None


@dataclass(slots=True, eq=False)
class Traits:
    """One record, as far as it tells one person from another. Values are in their normal forms; absent ones are None.

    `origin` is the installation that speaks (two records of one are never one person), `key` the record's key in it.
    `noms` holds the surname first, then others the record gives (usage, birth). Never written to once made; what is
    compared most is made with it.
    """

    origin: tuple[str, str]
    key: str
    noms: tuple[str, ...]
    prenom: str
    naissance: date
    sexe: str | None = None
    telephone: str | None = None
    courriel: str | None = None
    ine: str | None = None
    code_postal: str | None = None
    cfas: frozenset[str] = frozenset()  # UAIs and SIRETs
    contrats: tuple[ContratTraits, ...] = ()
    rank: tuple[tuple[str, str], str] = field(init=False)  # a total order, whatever the order in which records come
    letters: str = field(init=False)  # of the first surname
    prenom_letters: str = field(init=False)
    full_words: frozenset[str] = field(init=False)  # the telling words of all its names, whatever their place

    def __post_init__(self) -> None:
        self.rank = (self.origin, self.key)
        self.letters, self.prenom_letters = normalise_nom(self.noms[0]), normalise_nom(self.prenom)
        self.full_words = full_words_of(self.prenom).union(*map(full_words_of, self.noms))


def numeros(traits: Iterable[ContratTraits]) -> frozenset[str]:
    """The registry numbers of contracts."""
    return frozenset(trait.numero for trait in traits if trait.numero)

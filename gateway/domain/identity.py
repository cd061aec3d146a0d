"""The identity of a person as text that can be compared, and what else a record says that tells people apart. Pure.

Knows no noun and no source. How alike two records are is `ressemblance`; who joins whom is `appariement`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from anyascii import anyascii

_AUTRES = re.compile(r"[^A-Z]+")
PARTICULES = frozenset(
    {"D", "DE", "DA", "DI", "DO", "DU", "DES", "DEL", "DOS", "LA", "LE", "LES", "L", "EL", "AL", "VAN"}
)


@lru_cache(maxsize=65_536)
def mots(nom: str) -> tuple[str, ...]:
    """The words of a name: letters only, upper case, no accent, ligatures opened; nothing for a text without letters."""
    texte = nom if nom.isascii() else anyascii(nom)
    return tuple(_AUTRES.sub(" ", texte.upper()).split())


@lru_cache(maxsize=65_536)
def normaliser_nom(nom: str) -> str:
    """The letters of a name as one word: LE GOFF, Le-Goff and LEGOFF are one.

    Empty for a text without letters: such a name identifies nobody, and its record is the caller's to refuse.
    """
    return "".join(mots(nom))


@lru_cache(maxsize=65_536)
def pleins(nom: str) -> frozenset[str]:
    """The words that tell a name apart: without particles, unless it is made of nothing else (`Le Da`)."""
    dits = mots(nom)
    return frozenset(mot for mot in dits if mot not in PARTICULES) or frozenset(dits)


def cle_identite(nom: str, prenom: str, date_naissance: date) -> str:
    """Exact key of a person; length-prefixed, so that two different triples never give one text. Never logged."""
    parties = (normaliser_nom(nom), normaliser_nom(prenom), date_naissance.isoformat())
    return "".join(f"{len(partie)}:{partie}" for partie in parties)


@dataclass(frozen=True, slots=True)
class TraitContrat:
    """What a contract says of whose it is. `numero` is the registry's, upper case; `siren` the employer's legal unit."""

    numero: str | None
    debut: date | None
    fin: date | None  # the last day under contract: planned, or the day of its rupture
    siren: str | None


@dataclass(slots=True, eq=False)
class Traits:
    """One record, as far as it tells one person from another. Values are in their normal forms; absent ones are None.

    `origine` is the installation that speaks (two records of one are never one person), `cle` the record's key in it.
    `noms` holds the surname first, then others the record gives (usage, birth). Never written to once made; what is
    compared most is made with it.
    """

    origine: tuple[str, str]
    cle: str
    noms: tuple[str, ...]
    prenom: str
    naissance: date
    sexe: str | None = None
    telephone: str | None = None
    courriel: str | None = None
    ine: str | None = None
    code_postal: str | None = None
    cfas: frozenset[str] = frozenset()  # UAIs and SIRETs
    contrats: tuple[TraitContrat, ...] = ()
    rang: tuple[tuple[str, str], str] = field(init=False)  # a total order, whatever the order in which records come
    lettres: str = field(init=False)  # of the first surname
    lettres_prenom: str = field(init=False)
    mots_pleins: frozenset[str] = field(init=False)  # the telling words of all its names, whatever their place

    def __post_init__(self) -> None:
        self.rang = (self.origine, self.cle)
        self.lettres, self.lettres_prenom = normaliser_nom(self.noms[0]), normaliser_nom(self.prenom)
        self.mots_pleins = pleins(self.prenom).union(*map(pleins, self.noms))


def numeros(traits: Iterable[TraitContrat]) -> frozenset[str]:
    """The registry numbers of contracts."""
    return frozenset(trait.numero for trait in traits if trait.numero)

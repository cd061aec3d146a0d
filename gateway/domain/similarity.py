"""How alike two records are: levels of agreement, and the weight of evidence of each (Fellegi and Sunter, 1969). Pure.

A weight is log2(m/u): how much more often two records of one person are at that level than two records of two people. Their
sum, over the odds that any two records are of one person, is the score: +10 means a thousand to one. The weights are data
(`poids.toml`), learnt from a generated population by `make poids` and reviewed there; the levels are the rules, here.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from functools import lru_cache
from pathlib import Path

from rapidfuzz.distance import OSA

from gateway.domain.identity import ContratTraits, Traits, full_words_of, normalise_nom, numeros, words

LETTERS_MIN, LONG_LETTERS = 4, 8  # shorter names differ by one letter too often to be alike
TRUNCATED_MIN = 20  # letters of a name that a system may have cut
UN_AN = (364, 365, 366)
START_GAP = timedelta(days=7)  # two sources tell one contract as starting this close (docs/domaine.md, "Contrats")
OVERLAP = timedelta(days=60)  # nobody is an apprentice of two employers at once for longer


class Level(Enum):
    """What a score allows: join, join and say so, or only offer."""

    CERTAIN = "CERTAIN"
    PROBABLE = "PROBABLE"
    A_CONFIRMER = "A_CONFIRMER"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One piece of evidence: what was compared, how far it agrees, and its weight in bits."""

    criterion: str
    accord: str
    poids: float


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights and the thresholds, as `poids.toml` has them."""

    a_priori: float
    certain: float
    probable: float
    a_confirmer: float
    contradiction: float
    marge: float
    poids: Mapping[str, Mapping[str, float]]

    def niveau(self, score: float) -> Level | None:
        """The zone of a score; None when there is nothing to offer."""
        if score >= self.certain:
            return Level.CERTAIN
        if score >= self.probable:
            return Level.PROBABLE
        return Level.A_CONFIRMER if score >= self.a_confirmer else None


@lru_cache(maxsize=1)
def weights() -> Weights:
    """The reviewed weights that ship with the gateway."""
    lu = tomllib.loads((Path(__file__).parent / "poids.toml").read_text(encoding="utf-8"))
    return Weights(**lu["seuils"], poids=lu["poids"])


@dataclass(frozen=True, slots=True)
class Similarity:
    """The score of two records, in bits, and what it is made of."""

    score: float
    agreements: tuple[tuple[str, str], ...]

    @property
    def indices(self) -> list[Evidence]:
        poids = weights().poids
        return [Evidence(criterion, accord, poids[criterion][accord]) for criterion, accord in self.agreements]


def compare(un: Traits, other: Traits) -> Similarity:
    """Compare two records."""
    levels = agreements(un, other)
    rule = weights()
    score = rule.a_priori + sum(rule.poids[criterion][accord] for criterion, accord in levels)
    return Similarity(min(score, _cap(dict(levels), rule)), levels)


def _cap(agreements_: Mapping[str, str], rule: Weights) -> float:
    """What no sum of weights may pass: who bears another first name, or the other sex, is joined by no likeness.

    Twins share a surname, a birth date, a home, often a school and a phone; a contract may be typed on the other's file.
    """
    if agreements_.get("sexe") == "autre":
        return rule.probable - 1
    proven = agreements_.get("ine") == "identique"
    identity = [agreements_["nom"], agreements_["prenom"], agreements_["naissance"]]
    if identity.count("autre") > 1 or (agreements_["prenom"] == "autre" and not proven):
        return rule.probable - 1
    return float("inf")


def agreements(un: Traits, other: Traits) -> tuple[tuple[str, str], ...]:
    """The level of each criterion that both records tell."""
    order, name, prenom = _names(un, other)
    values_read = [
        ("ordre", order),
        ("nom", name),
        ("prenom", prenom),
        ("naissance", _birth(un.naissance, other.naissance)),
    ]
    for criterion, told, also_told in (
        ("sexe", un.sexe, other.sexe),
        ("telephone", un.telephone, other.telephone),
        ("courriel", un.courriel, other.courriel),
        ("ine", un.ine, other.ine),
    ):
        if told and also_told:
            values_read.append((criterion, "identique" if told == also_told else "autre"))
    if un.code_postal and other.code_postal:
        values_read.append(("domicile", _home(un.code_postal, other.code_postal)))
    if (cfa := _cfa(un.cfas, other.cfas)) is not None:
        values_read.append(("cfa", cfa))
    if un.contrats and other.contrats:
        values_read.append(("contrat", _contrat(un.contrats, other.contrats)))
    return tuple(values_read)


def _names(un: Traits, other: Traits) -> tuple[str, str, str]:
    """Order, surname, first name; inverted when that is where they agree."""
    if un.letters == other.letters and un.prenom_letters == other.prenom_letters:
        return "droit", "identique", "identique"
    if un.letters == other.prenom_letters and un.prenom_letters == other.letters:
        return "inverse", "identique", "identique"
    right = _best(un.noms, other.noms), _name(un.prenom, other.prenom)
    inverse = _best(un.noms, (other.prenom,)), _best((un.prenom,), other.noms)
    if sum(map(_FORCE.__getitem__, inverse)) < sum(map(_FORCE.__getitem__, right)):
        return "inverse", *inverse
    return "droit", *right


_FORCE = {"identique": 0, "proche": 1, "partie": 2, "autre": 3}


def _best(ones: tuple[str, ...], others: tuple[str, ...]) -> str:
    return min((_name(name, other) for name in ones for other in others), key=_FORCE.__getitem__)


@lru_cache(maxsize=131_072)
def _name(un: str, other: str) -> str:
    """Two names: the same letters, a slip of the hand, a part of the other (compound, cut short), or another name."""
    one_letters, other_letters = normalise_nom(un), normalise_nom(other)
    if one_letters == other_letters or full_words_of(un) == full_words_of(other):
        return "identique"
    if _near(one_letters, other_letters):
        return "proche"
    one_words, other_words = frozenset(words(un)), frozenset(words(other))
    short, long = sorted((one_letters, other_letters), key=len)
    if one_words < other_words or other_words < one_words or (len(short) >= TRUNCATED_MIN and long.startswith(short)):
        return "partie"
    return "autre"


def _near(un: str, other: str) -> bool:
    """A letter beside, two in a long name; MARTIN and MARTINEZ are two names."""
    letters = min(len(un), len(other))
    typos = 0 if letters < LETTERS_MIN else 1 if letters < LONG_LETTERS else 2
    return OSA.distance(un, other, score_cutoff=typos) <= typos


def _birth(one: date, other: date) -> str:
    """The same day; day and month exchanged; a slip in one of its parts, ten days beside at most, or a year; another."""
    if one == other:
        return "identique"
    if (one.year, one.day, one.month) == (other.year, other.month, other.day):
        return "jour_mois"
    common = (one.year == other.year) + (one.month == other.month) + (one.day == other.day)
    gap = abs((one - other).days)
    return "proche" if common == 2 or gap <= 10 or gap in UN_AN else "autre"


def _home(un: str, other: str) -> str:
    if un == other:
        return "identique"
    return "departement" if un[:2] == other[:2] else "autre"


def _cfa(ones: frozenset[str], others: frozenset[str]) -> str | None:
    """Like with like: a CFA told by its UAI on one side and by its SIRET on the other is not told to be another."""
    if ones & others:
        return "commun"
    return "autre" if {len(key) for key in ones} & {len(key) for key in others} else None


def _contrat(ones: tuple[ContratTraits, ...], others: tuple[ContratTraits, ...]) -> str:
    """One contract in common by number, by employer and start, by start alone; two that cannot be one person's; others."""
    if numeros(ones) & numeros(others):
        return "numero"
    candidate_pairs = [(un, other) for un in ones for other in others]
    starts = [pair for pair in candidate_pairs if _same_start(*pair) and not _different_numeros(*pair)]
    if any(un.siren and un.siren == other.siren for un, other in starts):
        return "employeur"
    if any(not un.siren or not other.siren for un, other in starts):
        return "debut"
    return "incompatible" if any(_incompatibles(*pair) for pair in candidate_pairs) else "autre"


def _different_numeros(un: ContratTraits, other: ContratTraits) -> bool:
    return bool(un.numero and other.numero and un.numero != other.numero)


def _same_start(un: ContratTraits, other: ContratTraits) -> bool:
    return bool(un.debut and other.debut and abs(un.debut - other.debut) <= START_GAP)


def _incompatibles(un: ContratTraits, other: ContratTraits) -> bool:
    """Two employers at once for too long."""
    if not (un.debut and un.fin and other.debut and other.fin) or (un.siren and un.siren == other.siren):
        return False
    return min(un.fin, other.fin) - max(un.debut, other.debut) > OVERLAP

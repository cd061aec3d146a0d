"""How alike two records are: levels of agreement, and the weight of evidence of each (Fellegi and Sunter, 1969). Pure.

A weight is log2(m/u): how much more often two records of one person are at that level than two records of two people. Their
sum, over the odds that any two records are of one person, is the score: +10 means a thousand to one. The weights are data
(`poids.toml`), learnt from a generated population by `make poids` and reviewed there; the levels are the rules, here.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from functools import lru_cache
from pathlib import Path

from rapidfuzz.distance import OSA

from gateway.domain.identifiers import ContratTraits, Traits, full_words_of, normalise_nom, numeros, words

LETTERS_MIN, LONG_LETTERS = 4, 8  # shorter names differ by one letter too often to be alike
TRUNCATED_MIN = 20  # letters of a name that a system may have cut
_LOST = re.compile("[?\ufffd]+")  # what systems write in the place of a letter that they have not
ONE_YEAR = (364, 365, 366)
START_GAP = timedelta(days=7)  # two sources tell one contract as starting this close (docs/domaine.md, "Contrats")
OWN_CONTRAT = frozenset({"numero", "employeur"})  # one contract in common
OVERLAP = timedelta(days=60)  # nobody is an apprentice of two employers at once for longer


class Level(Enum):
    """What a score allows: to join, to join and say so, or only to offer."""

    CERTAIN = "CERTAIN"
    PROBABLE = "PROBABLE"
    A_CONFIRMER = "A_CONFIRMER"


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
        """The level of a score; None when there is nothing to offer."""
        if score >= self.certain:
            return Level.CERTAIN
        if score >= self.probable:
            return Level.PROBABLE
        return Level.A_CONFIRMER if score >= self.a_confirmer else None


@lru_cache(maxsize=1)
def weights() -> Weights:
    """The reviewed weights that ship with the gateway."""
    read = tomllib.loads((Path(__file__).parent / "poids.toml").read_text(encoding="utf-8"))
    return Weights(**read["seuils"], poids=read["poids"])


@dataclass(frozen=True, slots=True)
class Similarity:
    """The score of two records, in bits, and what it is made of: what was compared, and how far it agrees."""

    score: float
    agreements: tuple[tuple[str, str], ...]


def compare(left: Traits, right: Traits) -> Similarity:
    """Compare two records."""
    levels = agreements(left, right)
    rules = weights()
    score = rules.a_priori + sum(rules.poids[criterion][accord] for criterion, accord in levels)
    return Similarity(min(score, _cap(dict(levels), rules)), levels)


def _cap(levels: Mapping[str, str], rules: Weights) -> float:
    """The highest score allowed: who bears another first name, or the other sex, is joined by no likeness.

    Twins share a surname, a birth date, a home, often a school and a phone; a contract may be typed on the other's file.
    """
    if levels.get("sexe") == "autre":
        return rules.probable - 1
    proven = levels.get("ine") == "identique"
    identity = [levels["nom"], levels["prenom"], levels["naissance"]]
    # A father and his son may share a name, a phone and a home: of two wholly different births, only what is one person's
    # by nature says that one is a mistake.
    if levels["naissance"] == "autre" and not proven and levels.get("contrat") not in OWN_CONTRAT:
        return rules.probable - 1
    if identity.count("autre") > 1 or (levels["prenom"] == "autre" and not proven):
        return rules.probable - 1
    return float("inf")


Identity = tuple[str, str, date]  # surname, first name, birth


def is_one_identity(left: Identity, right: Identity) -> bool:
    """Whether two identities under one key of one installation may be one person corrected: two of the three are alike."""
    others = [_name(left[0], right[0]), _name(left[1], right[1]), _birth(left[2], right[2])].count("autre")
    return others < 2


def agreements(left: Traits, right: Traits) -> tuple[tuple[str, str], ...]:
    """The level of each criterion that both records tell."""
    order, name, prenom = _names(left, right)
    levels = {"ordre": order, "nom": name, "prenom": prenom, "naissance": _birth(left.naissance, right.naissance)}
    for criterion in ("sexe", "telephone", "courriel", "ine"):
        told, also_told = getattr(left, criterion), getattr(right, criterion)
        if told and also_told:
            levels[criterion] = "identique" if told == also_told else "autre"
    if left.code_postal and right.code_postal:
        levels["domicile"] = _home(left.code_postal, right.code_postal)
    if (cfa := _cfa(left.cfas, right.cfas)) is not None:
        levels["cfa"] = cfa
    if left.contrats and right.contrats:
        levels["contrat"] = _contrat(left.contrats, right.contrats)
    return tuple(levels.items())


def _names(left: Traits, right: Traits) -> tuple[str, str, str]:
    """Order, surname, first name; inverted when that is where they agree."""
    if left.letters == right.letters and left.prenom_letters == right.prenom_letters:
        return "droit", "identique", "identique"
    if left.letters == right.prenom_letters and left.prenom_letters == right.letters:
        return "inverse", "identique", "identique"
    straight = _best(left.noms, right.noms), _name(left.prenom, right.prenom)
    crossed = _best(left.noms, (right.prenom,)), _best((left.prenom,), right.noms)
    if sum(map(_WEAKNESS.__getitem__, crossed)) < sum(map(_WEAKNESS.__getitem__, straight)):
        return "inverse", *crossed
    return "droit", *straight


_WEAKNESS = {"identique": 0, "proche": 1, "partie": 2, "autre": 3}


def _best(names: tuple[str, ...], others: tuple[str, ...]) -> str:
    return min((_name(name, other) for name in names for other in others), key=_WEAKNESS.__getitem__)


@lru_cache(maxsize=131_072)
def _name(left: str, right: str) -> str:
    """Two names: the same letters, a slip of the hand, a part of the other (compound, cut short), or another name."""
    left_letters, right_letters = normalise_nom(left), normalise_nom(right)
    if left_letters == right_letters or full_words_of(left) == full_words_of(right):
        return "identique"
    if _near(left_letters, right_letters) or _lost_letters(left, right_letters) or _lost_letters(right, left_letters):
        return "proche"
    left_words, right_words = frozenset(words(left)), frozenset(words(right))
    short, long = sorted((left_letters, right_letters), key=len)
    if left_words < right_words or right_words < left_words or (len(short) >= TRUNCATED_MIN and long.startswith(short)):
        return "partie"
    return "autre"


def _lost_letters(nom: str, letters: str) -> bool:
    """Whether a name that lost letters on its way (Zo?, Ma\ufffdva) may be this one: the others are in their places."""
    told = _LOST.split(nom)
    if len(told) == 1:
        return False
    parts = [normalise_nom(part) for part in told]
    return len("".join(parts)) >= 2 and bool(re.fullmatch("[A-Z]{0,2}".join(parts), letters))


def _near(left: str, right: str) -> bool:
    """A letter beside, two in a long name; MARTIN and MARTINEZ are two names."""
    letters = min(len(left), len(right))
    typos = 0 if letters < LETTERS_MIN else 1 if letters < LONG_LETTERS else 2
    return OSA.distance(left, right, score_cutoff=typos) <= typos


def _birth(left: date, right: date) -> str:
    """The same day; day and month exchanged; a slip in one of its parts, ten days beside at most, or a year; another."""
    if left == right:
        return "identique"
    if (left.year, left.day, left.month) == (right.year, right.month, right.day):
        return "jour_mois"
    common = (left.year == right.year) + (left.month == right.month) + (left.day == right.day)
    gap = abs((left - right).days)
    return "proche" if common == 2 or gap <= 10 or gap in ONE_YEAR else "autre"


def _home(left: str, right: str) -> str:
    return "identique" if left == right else "departement" if left[:2] == right[:2] else "autre"


def _cfa(left: frozenset[str], right: frozenset[str]) -> str | None:
    """Like with like: a CFA told by its UAI on one side and by its SIRET on the other is not told to be another."""
    if left & right:
        return "commun"
    return "autre" if {len(key) for key in left} & {len(key) for key in right} else None


def _contrat(contrats: tuple[ContratTraits, ...], others: tuple[ContratTraits, ...]) -> str:
    """One contract in common by number, by employer and start, by start alone; two that cannot be one person's; others."""
    if numeros(contrats) & numeros(others):
        return "numero"
    pairs = [(left, right) for left in contrats for right in others]
    # No number is common: two contracts that both have one are two.
    starts = [(left, right) for left, right in pairs if _same_start(left, right) and not (left.numero and right.numero)]
    if any(left.siren and left.siren == right.siren for left, right in starts):
        return "employeur"
    if any(not left.siren or not right.siren for left, right in starts):
        return "debut"
    return "incompatible" if any(_incompatibles(*pair) for pair in pairs) else "autre"


def _same_start(left: ContratTraits, right: ContratTraits) -> bool:
    return bool(left.debut and right.debut and abs(left.debut - right.debut) <= START_GAP)


def _incompatibles(left: ContratTraits, right: ContratTraits) -> bool:
    """Two employers at once for too long."""
    if not (left.debut and left.fin and right.debut and right.fin) or (left.siren and left.siren == right.siren):
        return False
    return min(left.fin, right.fin) - max(left.debut, right.debut) > OVERLAP

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

from gateway.domain.names import prenom_level, surname_level
from gateway.domain.official_numbers import ContratTraits, Traits, numeros
from gateway.domain.text import is_placeholder_birth

ONE_YEAR = (364, 365, 366)
GENERATION = 14  # years that part a parent from a child at least
START_GAP = timedelta(days=7)  # two sources tell one contract as starting this close (docs/domaine.md, "Contrats")
OWN_CONTRAT = frozenset({"numero", "employeur"})  # one contract in common
OTHER_CONTRAT = frozenset({"autre", "incompatible"})  # none
IDENTITY = ("nom", "prenom", "naissance")
EXACT = ("identique", "identique", "identique")
UNTOLD = frozenset({"autre", "absent"})  # nothing in common: told otherwise, or not told
SAME_PRENOM = frozenset({"identique", "variante"})
NEEDS_PROOF = frozenset({"voisin", "absent"})  # first names that twins may bear
NEEDS_WITNESS = frozenset({"partie", "diminutif", "initiale"})  # first names that stand for several
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
    """The highest score allowed: what only looks like one person is joined by no sum."""
    identity = levels["nom"], levels["prenom"], levels["naissance"]
    if (identity == EXACT and levels.get("sexe") != "autre") or "dossier" in levels:  # most pairs that are compared
        return float("inf")
    return rules.probable - 1 if _is_another(levels) or not _is_witnessed(levels) else float("inf")


def _is_another(levels: Mapping[str, str]) -> bool:
    """Whether something says that they are two: the sexes, two of name, first name and birth, or the first name alone.

    Twins share a surname, a birth date, a home, often a school and a phone; a contract may be typed on the other's file.
    """
    if levels.get("sexe") == "autre":
        return True
    told = [levels["nom"], levels["prenom"], levels["naissance"]]
    if sum(map(UNTOLD.__contains__, told)) > 1:
        return True
    return levels["prenom"] == "autre" and levels.get("ine") != "identique"


def _is_witnessed(levels: Mapping[str, str]) -> bool:
    """Whether what is not told, or only about the same, is said to be the same by something that kin do not share."""
    nom, prenom, naissance = levels["nom"], levels["prenom"], levels["naissance"]
    # By nature of one person: brothers, a father and his son share names, a phone, a home.
    if levels.get("ine") == "identique" or levels.get("contrat") in OWN_CONTRAT:
        return True
    if nom == "absent" or prenom in NEEDS_PROOF:
        return False
    if naissance in UNTOLD:  # a father and his son do not begin at one school on one day
        begun_together = levels.get("contrat") == "debut" and levels.get("cfa") == "commun"
        # A whole class begins on one day: only the very names tell one of it from another.
        return naissance == "absent" and nom == "identique" and prenom in SAME_PRENOM and begun_together
    against = levels.get("cfa") == "autre" or levels.get("contrat") in OTHER_CONTRAT
    if naissance != "identique" and prenom not in SAME_PRENOM:
        return False
    if naissance == "proche" and against:
        return False
    return prenom not in NEEDS_WITNESS or (not against and _is_supported(levels))


def _is_supported(levels: Mapping[str, str]) -> bool:
    """Whether the CFA, which has a record for each of two twins, or the telephone and the e-mail speak: one may be a family's."""
    return levels.get("cfa") == "commun" or levels.get("telephone") == levels.get("courriel") == "identique"


Identity = tuple[str, str, date]  # surname, first name, birth


def is_one_identity(left: Identity, right: Identity) -> bool:
    """Whether two identities under one key of one installation may be one person corrected: two of the three are alike."""
    levels = surname_level(left[0], right[0]), prenom_level(left[1], right[1]), _birth(left[2], right[2])
    return _identity_holds(dict(zip(IDENTITY, levels, strict=True)))


def _identity_holds(levels: Mapping[str, str]) -> bool:
    return sum(levels[criterion] == "autre" for criterion in IDENTITY) < 2


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
    # Of one number an installation gives two identities: nobody says whose it is, nor does a second one that has its numbers.
    if left.dossier and left.dossier == right.dossier and _identity_holds(levels):
        levels["dossier"] = "numero"
    # Few differ, and links are kept by the thousand: one object each.
    return tuple(_LEVELS.setdefault(level, level) for level in levels.items())


_LEVELS: dict[tuple[str, str], tuple[str, str]] = {}


def _names(left: Traits, right: Traits) -> tuple[str, str, str]:
    """Order, surname, first name; inverted when that is where they agree."""
    if left.letters and left.prenom_letters:
        if left.letters == right.letters and left.prenom_letters == right.prenom_letters:
            return "droit", "identique", "identique"
        if left.letters == right.prenom_letters and left.prenom_letters == right.letters:
            return "inverse", "identique", "identique"
    straight = _best(left.noms, right.noms), prenom_level(left.prenom, right.prenom)
    crossed = _best(left.noms, (right.prenom,)), _best((left.prenom,), right.noms)
    if sum(map(_WEAKNESS.__getitem__, crossed)) < sum(map(_WEAKNESS.__getitem__, straight)):
        return "inverse", *crossed
    return "droit", *straight


_WEAKNESS = {"identique": 0, "variante": 1, "proche": 1, "autre": 3} | dict.fromkeys(
    ("partie", "diminutif", "initiale", "voisin", "absent"), 2
)


def _best(names: tuple[str, ...], others: tuple[str, ...]) -> str:
    return min((surname_level(name, other) for name in names for other in others), key=_WEAKNESS.__getitem__)


def _birth(left: date, right: date) -> str:
    """The same day; day and month exchanged; a slip in one of its parts, ten days beside at most, or a year; another."""
    if left == right:
        return "absent" if is_placeholder_birth(left) else "identique"
    if is_placeholder_birth(left) or is_placeholder_birth(right):
        return "absent"
    if (left.year, left.day, left.month) == (right.year, right.month, right.day):
        return "jour_mois"
    if abs(left.year - right.year) >= GENERATION:  # a father and his son may be born on one day of the year
        return "autre"
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

"""How alike two names are: what people, keyboards, scanners and software make of one name (docs/domaine.md, "Identité").

What is known of first names is data (`prenoms.toml`). Pure; knows names alone, not whose they are, and weighs nothing.
"""

import re
import tomllib
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import combinations
from pathlib import Path

from rapidfuzz.distance import OSA

from gateway.domain.official_numbers import PARTICLES, full_words_of, normalise_nom, words
from gateway.domain.text import is_placeholder_name

LETTERS_MIN, LONG_LETTERS = 4, 8  # shorter names differ by one letter too often to be alike
CUT_MIN, CUT_PRENOM_MIN = 8, 5  # letters that are left of a name that a system cut
PARTICLE_MIN = 4  # letters behind a particle that is glued to its name
_LOST = re.compile("[?\ufffd]+")  # what systems write in the place of a letter that they have not
_DIGITS = str.maketrans("0123568", "OIZESGB")  # what a scanner reads for letters
_READ_AS = (("RN", "M"), ("VV", "W"), ("CL", "D"), ("LI", "U"))  # the same, of two letters
_SOUNDS = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        ("PH", "F"),
        ("(?<!^)(?<![CS])H", ""),
        ("[YJ]", "I"),
        ("OU|OO|W", "U"),
        ("SS|Z|C(?=[EI])", "S"),
        ("CK|QU|Q|C(?!H)", "K"),
        ("([B-DF-HJ-NP-TV-Z])\\1+", "\\1"),
    )
)
_ACCENTED = frozenset("ACEIOU")  # letters that bear marks in French names: software loses them whole
_PARTICLES = re.compile(f"^(?:{'|'.join(sorted(PARTICLES - {'D', 'L'}, key=len))})+")

_READ: dict[str, str] = tomllib.loads((Path(__file__).parent / "prenoms.toml").read_text(encoding="utf-8"))
_SAME = {name: line.split()[0] for line in _READ["variantes"].splitlines() for name in line.split()}
_BORNE = frozenset(_READ["portes"].split()).union(_SAME)


def _own(prenom: str) -> str:
    """One writing for all those of a first name."""
    return _SAME.get(prenom, prenom)


def _short_forms() -> Iterator[tuple[str, str]]:
    for line in filter(None, _READ["diminutifs"].splitlines()):
        short, _, full = line.partition(":")
        yield from ((_own(short), _own(name)) for name in full.split())


_SHORT = frozenset(_short_forms())
_FULL = _BORNE.union(*_SHORT)


@lru_cache(maxsize=131_072)
def surname_level(left: str, right: str) -> str:
    """Two surnames: the same letters; a slip of a hand or of a machine; a part of the other; another; `absent` untold."""
    if (common := _same_or_untold(left, right)) is not None:
        return common
    ones, others = normalise_nom(left), normalise_nom(right)
    if _near(ones, others) or _slipped(left, right) or _sounds_alike(ones, others) or _particle(ones, others):
        return "proche"
    return "partie" if _has_part(left, right) or _is_cut(ones, others, CUT_MIN) else "autre"


@lru_cache(maxsize=131_072)
def prenom_level(left: str, right: str) -> str:
    """Two first names: as surnames are; or two writings of one, its short form, its initial; or two names that look alike."""
    if (common := _same_or_untold(left, right)) is not None:
        return common
    ones, others = normalise_nom(left), normalise_nom(right)
    return next(level for level, is_met in _PRENOM_LEVELS if is_met(left, right, ones, others))


def _same_or_untold(left: str, right: str) -> str | None:
    if is_placeholder_name(words(left)) or is_placeholder_name(words(right)):
        return "absent"
    same = normalise_nom(left) == normalise_nom(right) or full_words_of(left) == full_words_of(right)
    return "identique" if same else None


def _is_variant(_left: str, _right: str, ones: str, others: str) -> bool:
    return _own(ones) == _own(others)


def _is_slip(left: str, right: str, ones: str, others: str) -> bool:
    borne = {ones, others} & _FULL
    if len(borne) == 2:  # neither is a slip of the other, unless a letter is seen to be lost
        return _lost_letters(left, others) or _lost_letters(right, ones)
    alike = _near(ones, others, LETTERS_MIN - len(borne)) or _sounds_alike(ones, others)
    return alike or _slipped(left, right)


def _is_short(_left: str, _right: str, ones: str, others: str) -> bool:
    own, others_own = _own(ones), _own(others)
    return (own, others_own) in _SHORT or (others_own, own) in _SHORT


def _is_initial(left: str, right: str, _ones: str, _others: str) -> bool:
    """J. of Jules, J.-P. or JP of Jean-Pierre."""
    short, long = sorted((words(left), words(right)), key=lambda told: len("".join(told)))
    letters = "".join(short)
    is_initials = len(letters) in {len(short), len(long)}
    return is_initials and "".join(word[0] for word in long).startswith(letters)


def _is_part(left: str, right: str, ones: str, others: str) -> bool:
    short = min(ones, others, key=len)
    return _has_part(left, right) or (short not in _FULL and _is_cut(ones, others, CUT_PRENOM_MIN))


_PRENOM_LEVELS: tuple[tuple[str, Callable[[str, str, str, str], bool]], ...] = (
    ("variante", _is_variant),
    ("initiale", _is_initial),
    ("partie", _is_part),
    ("diminutif", _is_short),
    ("proche", _is_slip),
    ("voisin", lambda _left, _right, ones, others: _near(ones, others)),
    ("autre", lambda *_: True),
)


def _near(left: str, right: str, shortest: int = LETTERS_MIN) -> bool:
    """A letter beside, two in a long name; MARTIN and MARTINEZ are two names."""
    letters = min(len(left), len(right))
    typos = 0 if letters < shortest else 1 if letters < LONG_LETTERS else 2
    return OSA.distance(left, right, score_cutoff=typos) <= typos


def _slipped(left: str, right: str) -> bool:
    """What a machine makes of a name: letters lost, letters read for others."""
    ones, others = normalise_nom(left), normalise_nom(right)
    if _lost_letters(left, others) or _lost_letters(right, ones) or _without_accented(ones, others):
        return True
    return _as_read(left) == _as_read(right)


def _lost_letters(nom: str, letters: str) -> bool:
    """Whether a name that lost letters on its way (Zo?, Ma\ufffdva) may be this one: the others are in their places."""
    told = _LOST.split(nom)
    if len(told) == 1:
        return False
    parts = [normalise_nom(part) for part in told]
    return len("".join(parts)) >= 2 and bool(re.fullmatch("[A-Z]{0,2}".join(parts), letters))


def _without_accented(left: str, right: str) -> bool:
    """Whether one is the other without one or two letters that bear accents: ZO of Zoé, JRME of Jérôme."""
    short, long = sorted((left, right), key=len)
    number = len(long) - len(short)
    if number not in (1, 2) or len(short) < number + 1:
        return False
    lost = (rank for rank, letter in enumerate(long) if letter in _ACCENTED)
    return any(_without(long, ranks) == short for ranks in combinations(lost, number))


def _without(letters: str, ranks: tuple[int, ...]) -> str:
    return "".join(letter for rank, letter in enumerate(letters) if rank not in ranks)


@lru_cache(maxsize=65_536)
def _as_read(nom: str) -> str:
    """The letters as a scanner confuses them: MART1N, BEMARD."""
    letters = normalise_nom(nom.translate(_DIGITS) if any(map(str.isdigit, nom)) else nom)
    for two, one in _READ_AS:
        letters = letters.replace(two, one)
    return letters


@lru_cache(maxsize=65_536)
def _sound(letters: str) -> str:
    """About how a name is said in French, whatever alphabet it came from: YOUCEF and YOUSSEF. Final letters count."""
    for pattern, sound in _SOUNDS:
        letters = pattern.sub(sound, letters)
    return letters


def _sounds_alike(left: str, right: str) -> bool:
    return min(len(left), len(right)) >= LETTERS_MIN and _sound(left) == _sound(right)


def _particle(left: str, right: str) -> bool:
    """DELATOUR is LA TOUR, ELAMRANI is AMRANI."""
    bare, others = _PARTICLES.sub("", left), _PARTICLES.sub("", right)
    return bare == others and len(bare) >= PARTICLE_MIN


def _has_part(left: str, right: str) -> bool:
    ones, others = frozenset(words(left)), frozenset(words(right))
    return ones < others or others < ones


def _is_cut(left: str, right: str, letters: int) -> bool:
    short, long = sorted((left, right), key=len)
    return len(short) >= letters and long.startswith(short)

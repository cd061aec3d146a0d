"""Text from outside: strict JSON, and what partners' systems write in the place of what was meant. Pure; knows no noun, no
source and no field.

Letters that they spoil are restored, and a name is shown in order (docs/domaine.md, "Écriture"). That decides nothing of who is
who: names are compared by their letters alone, never as they are shown.

Values that they give where they know nothing of somebody designate nobody ("Identité"): names, days, numbers and addresses
(`postiches.toml`). This is said of one value alone: whether it is a placeholder never depends on what else is read.
"""

import json
import math
import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Callable
from datetime import date
from functools import lru_cache
from html import unescape
from itertools import product
from pathlib import Path
from typing import Any, NoReturn

LOST = "\ufffd"  # a letter that some system lost: kept, so that it is seen and counted
_TIMES = 3  # a text goes through one system that spoils it, sometimes two
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
# Zero-width marks, soft hyphen, marks of direction, controls but for tabulation and ends of lines.
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_FOLLOWING = bytes(range(0x80, 0xC0)).decode("cp1252", "ignore")
_SPOILT = re.compile(f"Ã[\x80-\xbf{_FOLLOWING}]")  # no French word has these two letters
_C1 = re.compile("[\x80-\x9f]")  # controls that nobody types: letters of Windows read as latin-1
_SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_LEAD = f"[ÂÃÄÅâ][\x80-\xbf{_FOLLOWING}]"  # how a UTF-8 letter begins, when it is read as Windows letters
_SPOILT_LEAD = re.compile(_LEAD)
# Whatever a repair could touch: a text without any of these is as it should be.
_TOUCHED = "[\u0300-\u036f\ufffd]|&[#A-Za-z]|" + _LEAD
_SUSPECT = re.compile(
    _TOUCHED
    + "|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\xa0\xad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff\ud800-\udfff]"
)
_SUSPECT_WRITTEN = re.compile(_TOUCHED + r"|\\")  # Python writes what cannot be printed behind a backslash
_SUSPECT_BEGINS = re.compile(r"[\u0300-\u036f\ufffd&ÂÃÄÅâ\\]")  # a set of letters is looked for far faster than choices
_SURROGATE = re.compile("[\ud800-\udfff]")
_HALF_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


def restore(text: str, repairs: Counter[str]) -> str:
    """The text as it was meant, in composed letters (NFC); each repair counted by kind."""
    if not _SUSPECT.search(text):
        return text
    text = without_half_characters(text)
    for kind, mend in _MENDS:
        own = mend(text)
        if own != text:
            repairs[kind] += 1
            text = own
    if LOST in text:
        repairs["lettre_perdue"] += 1
    return unicodedata.normalize("NFC", _SPACES.sub(" ", text))


def without_half_characters(text: str) -> str:
    """Halves of characters, which nothing can write, as lost letters."""
    return _SURROGATE.sub(LOST, text)


def is_suspect(document: Any) -> bool:
    """Whether a repair could touch a text of a document: most rows are as they should be, and are not walked."""
    written = str(document)
    return bool(_SUSPECT_BEGINS.search(written) and _SUSPECT_WRITTEN.search(written))


def through(value: Any, mend: Callable[[str], str]) -> Any:
    """A document, each of its texts and names repaired, at any depth. A copy."""
    if isinstance(value, str):
        return mend(value)
    if isinstance(value, dict):
        return {mend(key) if isinstance(key, str) else key: through(inside, mend) for key, inside in value.items()}
    return [through(inside, mend) for inside in value] if isinstance(value, list) else value


def _unescaped(text: str) -> str:
    for _ in range(_TIMES):
        text = _ENTITY.sub(lambda entity: unescape(entity[0]), text)
    return text


def _of_windows(text: str) -> str:
    """Windows letters that were read as latin-1, which has controls in their place."""
    return _C1.sub(lambda letter: letter[0].encode("latin-1").decode("cp1252", "replace"), text)


def _read_once(text: str) -> str:
    """UTF-8 that was read as Windows letters, read again: the whole text, or the pairs that no French word has."""
    for _ in range(_TIMES):
        if not _SPOILT_LEAD.search(text):
            break
        text = _told_once(text) or _SPOILT.sub(lambda pair: _told_once(pair[0]) or pair[0], text)
    return text


def _told_once(text: str) -> str | None:
    """The text in UTF-8, where all of it says so and is of a western alphabet then; None elsewhere."""
    try:
        own = b"".join(map(_windows_byte, text)).decode("utf-8")
    except UnicodeError:
        return None
    return own if all(_is_western(letter) for letter in own) else None


def _windows_byte(letter: str) -> bytes:
    return letter.encode("latin-1" if "\x80" <= letter <= "\x9f" else "cp1252")


def _is_western(letter: str) -> bool:
    """Of an alphabet with latin letters, or a mark that Windows has too."""
    return letter < "\u0250" or "\u1e00" <= letter < "\u1f00" or letter in _FOLLOWING


_MENDS = (
    ("entite", _unescaped),
    ("encodage", _read_once),
    ("encodage", _of_windows),
    ("invisible", lambda text: _UNSEEN.sub("", text)),
)

_WORD = re.compile(r"[^\W\d_]+")
_PARTICLES = frozenset({"de", "du", "des"})  # small wherever they stand: du Plessis, Saint-Jean-de-Luz
_INNER_PARTICLES = frozenset({"den", "der"})  # small behind another word: Van den Berg
# One capital, at its head; small for a particle, or for what an apostrophe follows; or a second capital that is its own.
_IN_ORDER = re.compile(r"(?:Mc|Mac|De|Di|Du|La|Le|Van|Fitz)?[A-ZÀ-ÖØ-ÞŒŠŽŸ][^\W\d_A-ZÀ-ÖØ-ÞŒŠŽŸ]*")


@lru_cache(maxsize=65_536)
def shown_name(nom: str) -> str:
    """A name in order: a capital at the head of each word, none inside, French particles small.

    One that is in order stays as it was told: only its bearer knows d'Artagnan from D'Angelo.
    """
    told = " ".join(nom.replace("’", "'").split())
    found = list(_WORD.finditer(told))
    if all(_is_in_order(word[0], told[word.end() : word.end() + 1]) for word in found):
        return told
    return _WORD.sub(lambda word: _in_order(word[0].lower(), word.start() == 0, len(found) == 1), told)


def _is_in_order(word: str, following: str) -> bool:
    return (
        bool(_IN_ORDER.fullmatch(word))
        or word in _PARTICLES | _INNER_PARTICLES
        or (following == "'" and len(word) == 1)
    )


def _in_order(word: str, first: bool, alone: bool) -> str:
    if (word in _PARTICLES and not alone) or (word in _INNER_PARTICLES and not first):
        return word
    if word.startswith("mc") and len(word) > len("mc") + 1:
        return f"Mc{word[2:].capitalize()}"
    return word.capitalize()


_NOBODY = tomllib.loads((Path(__file__).parent / "postiches.toml").read_text(encoding="utf-8"))
_EMPTY_WORDS = frozenset(str(_NOBODY["noms"]).split())
_TOKENS = frozenset(str(_NOBODY["courriels"]).split())
_ONE_LETTER = re.compile(r"([A-Z])\1+")  # XX, ZZZ
NOBODY_BEFORE = 1920  # nobody born before is an apprentice
_DAYS = frozenset(_NOBODY["jours"])


def _runs() -> frozenset[str]:
    """Numbers that a finger makes: one digit, one pair, digits in order."""
    last_digits = ["12345678", "23456789", "98765432", "87654321", *(digit * 8 for digit in "0123456789")]
    typed = {f"0{kind}{last}" for kind, last in product("1234567", last_digits)}
    return frozenset(typed | {f"0{digit}" * 5 for digit in "1234567"} | {"0102030405", "0123456789"})


_NUMBERS = _runs()


@lru_cache(maxsize=65_536)
def is_placeholder_name(words: tuple[str, ...]) -> bool:
    """Whether all the words of a name (`identifiers.words`) stand in the place of a name: INCONNU, TEST, XXX."""
    in_order = "".join(words)
    return in_order in _EMPTY_WORDS or (
        bool(words) and all(w in _EMPTY_WORDS or _ONE_LETTER.fullmatch(w) for w in words)
    )


def is_placeholder_birth(day: date) -> bool:
    """1900-01-01 and what other systems take for an empty day."""
    return day.year < NOBODY_BEFORE or day in _DAYS


def is_placeholder_number(telephone: str) -> bool:
    """A number of ten digits that was typed to fill a field: 0600000000, 0606060606, 0612345678."""
    return telephone in _NUMBERS


def is_role_address(courriel: str) -> bool:
    """An address that is a desk's, or nobody's: accueil@, secretariat.cfa@, aucun@."""
    local = courriel.partition("@")[0].rstrip("0123456789")
    return not _TOKENS.isdisjoint(local.replace("-", ".").replace("_", ".").split("."))


def strict_json(text: str) -> Any:
    """The document of a strict JSON text. Raises ValueError, without any value of the text.

    Refused, as two readers could understand it differently (RFC 8259; I-JSON, RFC 7493): a key given twice, NaN and infinities
    (`1e999` is one), an integer of thousands of digits, nesting deeper than Python's stack. The rest is for its reader to check.
    """
    try:
        return _STRICT_JSON.decode(text)
    except RecursionError:
        raise ValueError("too deep") from None


def has_lone_surrogate(text: str, document: Any) -> bool:
    """True when UTF-8 cannot write the document back: an escape of `text` is half a character (or it is too deep to tell)."""
    if not _HALF_ESCAPE.search(text):
        return False
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError):
        return True
    return False


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate key")
    return members


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError("not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("not a finite number")
    return number


_STRICT_JSON = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_float=_finite)

"""Identifiers of the field: their forms, checksums and normal forms (docs/domaine.md). Pure; knows no source.

A `normalise_…` function returns None for what cannot be made valid: one bad optional value never loses a record.
"""

import re

from stdnum import luhn

UAI_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"  # no I, O, Q
SIREN_LA_POSTE = "356000000"
NULL_SIREN = "000000000"  # passes Luhn; typed to get past a form
_INE = re.compile(r"[0-9]{9}[A-Z]{2}|[0-9_]{10}[A-Z]|[0-9]{4}A[0-9]{5}[A-Z]")
_COURRIEL = re.compile(r"[^@\s,;:<>()\"]+@(?:[a-z0-9-]+\.)+[a-z0-9-]{2,}")


def is_valid_uai(text: str) -> bool:
    """Seven digits and the letter that their value modulo 23 gives."""
    return bool(re.fullmatch(r"[0-9]{7}[A-Z]", text)) and UAI_LETTERS[int(text[:7]) % 23] == text[7]


def normalise_uai(text: str | None) -> str | None:
    """Upper case, lost leading zeros given back."""
    form = re.sub(r"\s", "", text or "").upper().rjust(8, "0")
    return form if is_valid_uai(form) else None


def is_valid_siret(text: str) -> bool:
    """Fourteen digits, Luhn, a SIREN that is not zero; La Poste's may have a digit sum divisible by five instead."""
    if not re.fullmatch(r"[0-9]{14}", text):
        return False
    la_poste = text.startswith(SIREN_LA_POSTE) and sum(map(int, text)) % 5 == 0
    return la_poste or (siren(text) != NULL_SIREN and bool(luhn.is_valid(text)))


def normalise_siret(text: str | None) -> str | None:
    """Blanks, dots and dashes dropped; 9 to 14 digits padded on the left."""
    form = re.sub(r"[\s.\-]", "", text or "")
    padded = form.rjust(14, "0")
    return padded if len(form) >= 9 and is_valid_siret(padded) else None


def siren(siret: str) -> str:
    """The legal unit of an establishment."""
    return siret[:9]


def is_valid_code_insee(text: str) -> bool:
    return bool(re.fullmatch(r"([0-9]{2}|2A|2B)[0-9]{3}", text))


def is_valid_code_postal(text: str) -> bool:
    return bool(re.fullmatch(r"[0-9]{5}", text))


def normalise_code_postal(value: object) -> str | None:
    """A number or a text, whose leading zero may be lost."""
    text = re.sub(r"\s", "", str(value if value is not None else ""))
    return text.rjust(5, "0") if re.fullmatch(r"[0-9]{4,5}", text) and text.strip("0") else None


def normalise_telephone(text: str | None) -> str | None:
    """First valid number of a field that may hold several, as ten national digits: 0XXXXXXXXX, overseas ones too.

    Numbers of other countries, and of special services (08), cannot be a young person's here: None.
    """
    chunks = re.split(r"[/;,|]|\bou\b", text or "")
    return next(filter(None, (_national(re.sub(r"[^0-9+]", "", chunk.replace("(0)", ""))) for chunk in chunks)), None)


def _national(raw: str) -> str | None:
    national = re.sub(r"^(?:\+|00)(?:33|262|508|590|594|596)0?([1-9][0-9]{8})$", r"0\1", raw)
    return national if re.fullmatch(r"0[1-79][0-9]{8}", national) else None


def normalise_ine(text: str | None) -> str | None:
    """RNIE, BEA or apprenticeship form; none has a public checksum."""
    form = re.sub(r"\s", "", text or "").upper()
    return form if _INE.fullmatch(form) else None


def normalise_rncp(text: str | None) -> str | None:
    """ "35316" and "RNCP35316" are the same."""
    found = re.fullmatch(r"(?:RNCP)?([0-9]{2,5})", re.sub(r"\s", "", text or "").upper())
    return f"RNCP{found.group(1)}" if found else None


def normalise_cfd(text: str | None) -> str | None:
    """Eight characters, the middle three being digits (speciality); lost leading zeros given back."""
    form = re.sub(r"\s", "", text or "").upper().rjust(8, "0")
    return form if re.fullmatch(r"[A-Z0-9]{3}[0-9]{3}[A-Z0-9]{2}", form) and form.strip("0") else None


def normalise_naf(text: str | None) -> str | None:
    """10.71D → 1071D."""
    form = re.sub(r"[\s.]", "", text or "").upper()
    return form if re.fullmatch(r"[0-9]{4}[A-Z]", form) else None


def normalise_courriel(text: str | None) -> str | None:
    """Lower case; its form is checked simply, and its domain must be plain ASCII."""
    form = (text or "").strip().lower()
    return form if _COURRIEL.fullmatch(form) else None

"""Identifiers of the field: their forms, checksums and normal forms (docs/domaine.md). Pure; knows no source.

A `normaliser_…` function returns None for what cannot be made valid: one bad optional value never loses a record.
"""

import re

from stdnum import luhn

LETTRES_UAI = "ABCDEFGHJKLMNPRSTUVWXYZ"  # no I, O, Q
SIREN_LA_POSTE = "356000000"
SIREN_NUL = "000000000"  # passes Luhn; typed to get past a form
_INE = re.compile(r"[0-9]{9}[A-Z]{2}|[0-9_]{10}[A-Z]|[0-9]{4}A[0-9]{5}[A-Z]")
_COURRIEL = re.compile(r"[^@\s,;:<>()\"]+@(?:[a-z0-9-]+\.)+[a-z0-9-]{2,}")


def uai_valide(texte: str) -> bool:
    """Seven digits and the letter that their value modulo 23 gives."""
    return bool(re.fullmatch(r"[0-9]{7}[A-Z]", texte)) and LETTRES_UAI[int(texte[:7]) % 23] == texte[7]


def normaliser_uai(texte: str | None) -> str | None:
    """Upper case, lost leading zeros given back."""
    propre = re.sub(r"\s", "", texte or "").upper().rjust(8, "0")
    return propre if uai_valide(propre) else None


def siret_valide(texte: str) -> bool:
    """Fourteen digits, Luhn, a SIREN that is not zero; La Poste's may have a digit sum divisible by five instead."""
    if not re.fullmatch(r"[0-9]{14}", texte):
        return False
    if texte.startswith(SIREN_LA_POSTE) and sum(map(int, texte)) % 5 == 0:
        return True
    return siren(texte) != SIREN_NUL and bool(luhn.is_valid(texte))


def normaliser_siret(texte: str | None) -> str | None:
    """Blanks, dots and dashes dropped; 9 to 14 digits padded on the left."""
    propre = re.sub(r"[\s.\-]", "", texte or "")
    if not 9 <= len(propre) <= 14:
        return None
    propre = propre.rjust(14, "0")
    return propre if siret_valide(propre) else None


def siren(siret: str) -> str:
    """The legal unit of an establishment."""
    return siret[:9]


def code_insee_valide(texte: str) -> bool:
    return bool(re.fullmatch(r"([0-9]{2}|2A|2B)[0-9]{3}", texte))


def code_postal_valide(texte: str) -> bool:
    return bool(re.fullmatch(r"[0-9]{5}", texte))


def normaliser_code_postal(valeur: object) -> str | None:
    """A number or a text, whose leading zero may be lost."""
    texte = re.sub(r"\s", "", str(valeur if valeur is not None else ""))
    return texte.rjust(5, "0") if re.fullmatch(r"[0-9]{4,5}", texte) and texte.strip("0") else None


def normaliser_telephone(texte: str | None) -> str | None:
    """First valid number of a field that may hold several, as ten national digits: 0XXXXXXXXX, overseas ones too.

    Numbers of other countries, and of special services (08), cannot be a young person's here: None.
    """
    for morceau in re.split(r"[/;,|]|\bou\b", texte or ""):
        national = _national(re.sub(r"[^0-9+]", "", morceau.replace("(0)", "")))
        if national:
            return national
    return None


def _national(brut: str) -> str | None:
    international = re.fullmatch(r"(?:\+|00)(?:33|262|508|590|594|596)0?([1-9][0-9]{8})", brut)
    if international:
        brut = "0" + international.group(1)
    return brut if re.fullmatch(r"0[1-79][0-9]{8}", brut) else None


def ine_valide(texte: str) -> bool:
    """RNIE, BEA or apprenticeship form; none has a public checksum."""
    return bool(_INE.fullmatch(texte))


def normaliser_ine(texte: str | None) -> str | None:
    propre = re.sub(r"\s", "", texte or "").upper()
    return propre if ine_valide(propre) else None


def normaliser_rncp(texte: str | None) -> str | None:
    """ "35316" and "RNCP35316" are the same."""
    trouve = re.fullmatch(r"(?:RNCP)?([0-9]{2,5})", re.sub(r"\s", "", texte or "").upper())
    return f"RNCP{trouve.group(1)}" if trouve else None


def normaliser_cfd(texte: str | None) -> str | None:
    """Eight characters, the middle three being digits (speciality); lost leading zeros given back."""
    propre = re.sub(r"\s", "", texte or "").upper().rjust(8, "0")
    return propre if re.fullmatch(r"[A-Z0-9]{3}[0-9]{3}[A-Z0-9]{2}", propre) and propre.strip("0") else None


def normaliser_naf(texte: str | None) -> str | None:
    """10.71D → 1071D."""
    propre = re.sub(r"[\s.]", "", texte or "").upper()
    return propre if re.fullmatch(r"[0-9]{4}[A-Z]", propre) else None


def normaliser_courriel(texte: str | None) -> str | None:
    """Lower case; its form is checked simply, and its domain must be plain ASCII."""
    propre = (texte or "").strip().lower()
    return propre if _COURRIEL.fullmatch(propre) else None

"""What designates and tells apart: identifiers of the field, their forms, checksums and normal forms (docs/domaine.md), and the
identity of a person as text that can be compared. Pure; knows no noun and no source.

How alike two records are is `similarity`; who is joined with whom is `matching`.

A `normalise_…` function of an identifier returns None for what cannot be made valid: one bad optional value never loses a
record.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from anyascii import anyascii
from stdnum import luhn

from gateway.domain.text import is_placeholder_name, is_placeholder_number, is_role_address

_OTHERS = re.compile(r"[^A-Z]+")
PARTICLES = frozenset(
    {"D", "DE", "DA", "DI", "DO", "DU", "DES", "DEL", "DOS", "LA", "LE", "LES", "L", "EL", "AL", "VAN"}
)

CIVILITIES = frozenset({"M", "MR", "MME", "MLLE", "MONSIEUR", "MADAME", "MADEMOISELLE"})  # typed into a name

UAI_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"  # no I, O, Q
SIREN_LA_POSTE = "356000000"
NULL_SIREN = "000000000"  # passes Luhn; typed to get past a form
# Metropolitan ones, Corsica's two, overseas departments and collectivities (docs/domaine.md, Territoires).
DEPARTEMENTS = frozenset(
    {f"{code:02}" for code in range(1, 96) if code != 20}
    | {"2A", "2B", *(f"{code}" for code in (*range(971, 979), 984, 986, 987, 988, 989))}
)
SIRET_DIGITS_MIN = 12  # a spreadsheet loses the leading zeros of a SIRET, two at most; nine digits are a SIREN
_BLANKS = re.compile(r"[\s.\-\u2010-\u2015]")
# Department on three characters, year, month, rank (NC or two digits), serial.
_NUMERO = re.compile(r"(?:0(?!00)[0-9]{2}|02[AB]|9[78][0-9])20[0-9]{2}(?:0[1-9]|1[0-2])(?:[0-9]{2}|NC)[0-9]{4}")
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
    """Blanks, dots and dashes dropped; 12 to 14 digits padded on the left. Fewer are another number, a SIREN often."""
    form = _BLANKS.sub("", text or "")
    padded = form.rjust(14, "0")
    return padded if len(form) >= SIRET_DIGITS_MIN and is_valid_siret(padded) else None


def normalise_siren(text: str | None) -> str | None:
    """A legal unit, told in the place of an establishment: it tells two employers apart, and is no SIRET."""
    form = _BLANKS.sub("", text or "")
    valid = re.fullmatch(r"[0-9]{9}", form) and form != NULL_SIREN and luhn.is_valid(form)
    return form if valid else None


def siren(siret: str) -> str:
    """The legal unit of an establishment."""
    return siret[:9]


def is_valid_code_insee(text: str) -> bool:
    return bool(re.fullmatch(r"([0-9]{2}|2A|2B)[0-9]{3}", text))


def normalise_code_insee(text: str | None) -> str | None:
    """Any case; a leading zero that a number lost given back."""
    form = re.sub(r"\s", "", text or "").upper()
    form = form.rjust(5, "0") if re.fullmatch(r"[0-9]{4}", form) else form
    return form if is_valid_code_insee(form) else None


def normalise_departement(text: str) -> str | None:
    """The code of a department that exists, told on two or three characters: 60, 060, 2a, 02A, 974."""
    form = re.sub(r"\s", "", text).upper()
    form = form[1:] if re.fullmatch(r"0[0-9][0-9AB]", form) else form.rjust(2, "0")
    return form if form in DEPARTEMENTS else None


def normalise_numero_contrat(text: str | None) -> str | None:
    """The number that the registry gives a contract, of fifteen characters; lost leading zeros given back."""
    form = re.sub(r"[\s./_\-\u2010-\u2015]", "", text or "").upper()
    padded = form.rjust(15, "0")
    return padded if _NUMERO.fullmatch(padded) else None


def numero_key(numero: str) -> str:
    """What two writings of one contract number share; a number of another form is compared as it is written."""
    return normalise_numero_contrat(numero) or numero.strip().casefold()


def is_valid_code_postal(text: str) -> bool:
    return bool(re.fullmatch(r"[0-9]{5}", text))


def normalise_code_postal(value: object) -> str | None:
    """A number or a text, whose leading zero may be lost."""
    text = re.sub(r"\s", "", str(value if value is not None else ""))
    return text.rjust(5, "0") if re.fullmatch(r"[0-9]{4,5}", text) and text.strip("0") else None


def told_code_postal(value: object) -> str | None:
    """As it is told: of four digits, only a town says whether a zero was lost or the home is abroad (territoire.resolve)."""
    form = normalise_code_postal(value)
    return form.removeprefix("0") if form and len(re.sub(r"\s", "", str(value))) == 4 else form


def normalise_telephone(text: str | None) -> str | None:
    """First valid number of a field that may hold several, as ten national digits: 0XXXXXXXXX, overseas ones too.

    Numbers of other countries, and of special services (08), cannot be a young person's here: None.
    """
    return next(filter(None, map(_national, _numbers(text or ""))), None)


def _numbers(cell: str) -> Iterator[str]:
    """What may be a number in a cell: all of it; between two words or marks; between two dashes; two of ten digits in a row."""
    cell = cell.replace("(0)", "")
    if not re.search(r"[^\W\d_]", cell):
        yield cell
    for run in re.findall(r"\+?[0-9][0-9 .\u00a0\u202f()\-\u2010-\u2015]*", cell):
        yield run
        yield from re.split(r"\s+[\-\u2010-\u2015]\s+", run)
        digits = re.sub(r"[^0-9]", "", run)
        if len(digits) == 20 and _national(digits[10:]):
            yield digits[:10]


def _national(written: str) -> str | None:
    raw = re.sub(r"[^0-9+]", "", written)
    national = re.sub(r"^(?:\+|00)?(?:33|262|508|590|594|596)0?([1-9][0-9]{8})$", r"0\1", raw)
    national = national.rjust(10, "0") if re.fullmatch(r"[1-79][0-9]{8}", national) else national
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
    """First valid address of a field that may hold several, lower case; its form is checked simply, and its domain must be
    plain ASCII."""
    return next((chunk for chunk in _addresses(text or "") if _COURRIEL.fullmatch(chunk)), None)


def _addresses(cell: str) -> Iterator[str]:
    for chunk in re.split(r"[;,/|<>()\[\]\r\n\t]|\s+(?:ou|et|puis|-)\s+", cell.lower()):
        told = re.sub(r"^(?:mailto|e-?mail|mail|courriel)\s*:\s*", "", chunk.strip()).strip().rstrip(".")
        words = told.split()
        # An address that a blank cuts is nobody's: of several words, each must be one.
        yield from words if all("@" in word for word in words) else [told]


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
    """The words that tell one name from another: without particles and civilities, unless nothing else is there (`Le Da`)."""
    told = words(nom)
    return frozenset(word for word in told if word not in PARTICLES and word not in CIVILITIES) or frozenset(told)


@lru_cache(maxsize=65_536)
def _told_letters(nom: str) -> str:
    return "" if is_placeholder_name(words(nom)) else normalise_nom(nom)


@lru_cache(maxsize=65_536)
def _told_words(nom: str) -> frozenset[str]:
    return frozenset() if is_placeholder_name(words(nom)) else full_words_of(nom)


@lru_cache(maxsize=65_536)
def _told_words_of(noms: tuple[str, ...], prenom: str) -> frozenset[str]:
    """Of all the names of somebody; one set for the records of one person, which mostly write them alike."""
    return _told_words(prenom).union(*map(_told_words, noms))


@lru_cache(maxsize=8_192)
def _one_set(keys: frozenset[str]) -> frozenset[str]:
    """The same object for equal sets: the people of a CFA hold one between them."""
    return keys


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
    `noms` holds the surname first, then others the record gives (usage, birth). `dossier`: the numbering that its key is of and
    that key, where another installation of the same CFA has that numbering too. Never written to once made; what is
    compared most is made with it. What stands in the place of a value (INCONNU, 0600000000, accueil@) is not told.
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
    dossier: tuple[str, str] | None = None
    rank: tuple[tuple[str, str], str] = field(init=False)  # a total order, whatever the order in which records come
    letters: str = field(init=False)  # of the first surname
    prenom_letters: str = field(init=False)
    full_words: frozenset[str] = field(init=False)  # the telling words of all its names, whatever their place

    def __post_init__(self) -> None:
        self.rank = (self.origin, self.key)
        self.letters, self.prenom_letters = _told_letters(self.noms[0]), _told_letters(self.prenom)
        self.full_words, self.cfas = _told_words_of(self.noms, self.prenom), _one_set(self.cfas)
        if self.telephone and is_placeholder_number(self.telephone):
            self.telephone = None
        if self.courriel and is_role_address(self.courriel):
            self.courriel = None


def numeros(traits: Iterable[ContratTraits]) -> frozenset[str]:
    """The registry numbers of contracts."""
    return frozenset(trait.numero for trait in traits if trait.numero)

"""The faults of the matrix, and what each does to the rows of each partner. Knows the dialects, not the gateway."""

from dataclasses import dataclass, field
from typing import Any

from tests.matrix.oracle import Outcome

ALIVE_ONES = ("ypareo", "gestibase", "aimaira", "imilo")  # asked when a query comes
PARTNERS = (*ALIVE_ONES, "registre", "referentiel")
INDISPONIBLE, TIMEOUT, INVALID = "SOURCE_INDISPONIBLE", "SOURCE_DELAI_DEPASSE", "SOURCE_INVALIDE"

# A field that a row cannot do without, and one that it can, where the dialect has them.
IDENTITE = {
    "ypareo": "nomApprenant",
    "gestibase": "Elève date naissance",  # in a CSV a name of another type is still a text
    "aimaira": "Nom",
    "imilo": "nomNaissance",
    "registre": "detailContrat",
    "referentiel": "code",
}
ORNAMENT = {
    "ypareo": "codeCivilite",
    "gestibase": "Sexe",
    "aimaira": "GenreMale",
    "imilo": "mail",
    "registre": "employeur",
    "referentiel": "nature",
}
CARRIER = {"ypareo": "apprenants", "aimaira": "Apprenant", "imilo": "dossiers"}  # the operation that holds those rows


@dataclass(frozen=True)
class Cell:
    """A fault as it is armed, what it does to a partner's rows, and the codes it may be named by."""

    nom: str
    kind: str
    value: Any = None
    sort: Outcome = Outcome.KEPT_ROWS
    codes: frozenset[str] = frozenset({INDISPONIBLE})
    rest: dict[str, Any] = field(default_factory=dict)
    exceptions: dict[str, Outcome] = field(default_factory=dict)

    def become(self, partner: str) -> Outcome:
        return self.exceptions.get(partner, self.sort)


def _served(nom: str, kind: str, value: Any = None, **rest: Any) -> Cell:
    return Cell(nom, kind, value, Outcome.SERVED, rest=rest)


def _depending_on(nom: str, kind: str, value: Any = None, **rest: Any) -> Cell:
    return Cell(nom, kind, value, Outcome.DEPENDING_ON, frozenset({INDISPONIBLE, TIMEOUT, INVALID}), rest)


def _invalid(nom: str, kind: str, value: Any = None, **exceptions: Outcome) -> Cell:
    return Cell(nom, kind, value, codes=frozenset({INVALID}), exceptions=exceptions)


def _is_late(nom: str, kind: str, value: Any = None) -> Cell:
    return Cell(nom, kind, value, codes=frozenset({TIMEOUT, INDISPONIBLE}))


TLS = tuple(Cell(f"tls {default}", "tls", default) for default in ("self_signed", "expired", "wrong_host", "tls_1_1"))
CELLS = (
    _served("latency 50 ms", "latency", 50),
    _served("pareto", "pareto", 5),
    _served("bimodal", "latency", 300, probability=0.05),
    _served("slow start", "slow_start", 1),
    _is_late("hang", "hang"),
    Cell("refuse", "refuse"),
    Cell("reset before", "reset", "before"),
    Cell("reset in head", "reset", "head"),
    Cell("reset in body", "reset", "body", codes=frozenset({INVALID})),
    _invalid("truncate", "truncate"),
    _is_late("drip", "drip", 250),
    Cell("length too short", "wrong_length", "short", codes=frozenset({INDISPONIBLE, INVALID})),
    _is_late("length too long", "wrong_length", "long"),
    Cell("500", "error", 500),
    Cell("503", "error", 503),
    Cell("401", "error", 401),
    _invalid("404", "error", 404),
    Cell("error mix", "error_mix", codes=frozenset({INDISPONIBLE, INVALID})),
    Cell("429 in 1 s", "rate_limit", codes=frozenset({INDISPONIBLE, TIMEOUT})),
    Cell("429 at a date", "rate_limit", "date"),
    Cell("429 absurd", "rate_limit", "absurd"),
    Cell("429 negative", "rate_limit", "negative"),
    _invalid("malformed", "malformed"),
    _invalid("HTML", "malformed", "html"),
    _invalid("latin-1", "malformed", "latin1"),
    _invalid("NaN", "malformed", "nan"),
    _invalid("null", "malformed", "null"),
    _invalid("empty", "malformed", "empty", imilo=Outcome.TOLD_ABSENT),
    _invalid("bomb", "bomb"),
    Cell("oversized", "oversized", codes=frozenset({INVALID, TIMEOUT})),
    _depending_on("repeated page", "repeat_page"),
    _served("rows twice", "duplicate_rows"),
    _served("new field", "drift", "new"),
    _invalid("field missing", "drift", "missing:identite"),
    _invalid("field of another type", "drift", "type:identite"),
    _served("unknown code", "drift", "code:ornement"),
    _invalid("other capitals", "drift", "case"),
    _invalid("wrong tenant", "wrong_tenant"),
    _served("stale", "stale"),
    _served("a day ahead", "clock_skew", 86_400),
    _served("a day behind", "clock_skew", -86_400),
    _invalid("redirect elsewhere", "redirect", "http://127.0.0.1:9/"),
    _invalid("redirect to itself", "redirect"),
    Cell("flapping, down", "flapping", 3600),
    _depending_on("flapping", "flapping", 1),
    _depending_on("500, one in three", "error", 500, probability=0.3),
    _depending_on("reset, one in three", "reset", "body", probability=0.3),
    _depending_on("500, the first", "error", 500, nth=1),
    _depending_on("truncate, the third", "truncate", nth=3),
    *TLS,
)


def fault(cell: Cell, partner: str) -> dict[str, Any]:
    """The fault as the control API takes it: fields by name, and aimed at the operation that holds the rows."""
    value, rest = cell.value, dict(cell.rest)
    if cell.kind == "drift":
        champs = IDENTITE if "identite" in value else ORNAMENT
        value = value.replace("identite", champs[partner]).replace("ornement", champs[partner])
        if partner in CARRIER:
            rest["operation"] = CARRIER[partner]
    return {"partner": partner, "kind": cell.kind, "value": value, **rest}

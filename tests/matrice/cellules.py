"""The faults of the matrix, and what each does to the rows of each partner. Knows the dialects, not the gateway."""

from dataclasses import dataclass, field
from typing import Any

from tests.matrice.oracle import Sort

VIVANTS = ("ypareo", "gestibase", "aimaira", "imilo")  # asked when a query comes
PARTENAIRES = (*VIVANTS, "registre", "referentiel")
INDISPONIBLE, DELAI, INVALIDE = "SOURCE_INDISPONIBLE", "SOURCE_DELAI_DEPASSE", "SOURCE_INVALIDE"

# A field that a row cannot do without, and one that it can, where the dialect has them.
IDENTITE = {
    "ypareo": "nomApprenant",
    "gestibase": "Elève date naissance",  # in a CSV a name of another type is still a text
    "aimaira": "Nom",
    "imilo": "nomNaissance",
    "registre": "detailContrat",
    "referentiel": "code",
}
ORNEMENT = {
    "ypareo": "codeCivilite",
    "gestibase": "Sexe",
    "aimaira": "GenreMale",
    "imilo": "mail",
    "registre": "employeur",
    "referentiel": "nature",
}
PORTEUSE = {"ypareo": "apprenants", "aimaira": "Apprenant", "imilo": "dossiers"}  # the operation that holds those rows


@dataclass(frozen=True)
class Cellule:
    """A fault as it is armed, what it does to a partner's rows, and the codes it may be named by."""

    nom: str
    kind: str
    value: Any = None
    sort: Sort = Sort.RETENUES
    codes: frozenset[str] = frozenset({INDISPONIBLE})
    reste: dict[str, Any] = field(default_factory=dict)
    exceptions: dict[str, Sort] = field(default_factory=dict)

    def devenir(self, partenaire: str) -> Sort:
        return self.exceptions.get(partenaire, self.sort)


def _servie(nom: str, kind: str, value: Any = None, **reste: Any) -> Cellule:
    return Cellule(nom, kind, value, Sort.SERVIES, reste=reste)


def _selon(nom: str, kind: str, value: Any = None, **reste: Any) -> Cellule:
    return Cellule(nom, kind, value, Sort.SELON, frozenset({INDISPONIBLE, DELAI, INVALIDE}), reste)


def _invalide(nom: str, kind: str, value: Any = None, **exceptions: Sort) -> Cellule:
    return Cellule(nom, kind, value, codes=frozenset({INVALIDE}), exceptions=exceptions)


def _tarde(nom: str, kind: str, value: Any = None) -> Cellule:
    return Cellule(nom, kind, value, codes=frozenset({DELAI, INDISPONIBLE}))


TLS = tuple(Cellule(f"tls {defaut}", "tls", defaut) for defaut in ("self_signed", "expired", "wrong_host", "tls_1_1"))
CELLULES = (
    _servie("latency 50 ms", "latency", 50),
    _servie("pareto", "pareto", 5),
    _servie("bimodal", "latency", 300, probability=0.05),
    _servie("slow start", "slow_start", 1),
    _tarde("hang", "hang"),
    Cellule("refuse", "refuse"),
    Cellule("reset before", "reset", "before"),
    Cellule("reset in head", "reset", "head"),
    Cellule("reset in body", "reset", "body", codes=frozenset({INVALIDE})),
    _invalide("truncate", "truncate"),
    _tarde("drip", "drip", 250),
    Cellule("length too short", "wrong_length", "short", codes=frozenset({INDISPONIBLE, INVALIDE})),
    _tarde("length too long", "wrong_length", "long"),
    Cellule("500", "error", 500),
    Cellule("503", "error", 503),
    Cellule("401", "error", 401),
    _invalide("404", "error", 404),
    Cellule("error mix", "error_mix", codes=frozenset({INDISPONIBLE, INVALIDE})),
    Cellule("429 in 1 s", "rate_limit", codes=frozenset({INDISPONIBLE, DELAI})),
    Cellule("429 at a date", "rate_limit", "date"),
    Cellule("429 absurd", "rate_limit", "absurd"),
    Cellule("429 negative", "rate_limit", "negative"),
    _invalide("malformed", "malformed"),
    _invalide("HTML", "malformed", "html"),
    _invalide("latin-1", "malformed", "latin1"),
    _invalide("NaN", "malformed", "nan"),
    _invalide("null", "malformed", "null"),
    _invalide("empty", "malformed", "empty", imilo=Sort.DITES_ABSENTES),
    _invalide("bomb", "bomb"),
    Cellule("oversized", "oversized", codes=frozenset({INVALIDE, DELAI})),
    _selon("repeated page", "repeat_page"),
    _servie("rows twice", "duplicate_rows"),
    _servie("new field", "drift", "new"),
    _invalide("field missing", "drift", "missing:identite"),
    _invalide("field of another type", "drift", "type:identite"),
    _servie("unknown code", "drift", "code:ornement"),
    _invalide("other capitals", "drift", "case"),
    _invalide("wrong tenant", "wrong_tenant"),
    _servie("stale", "stale"),
    _servie("a day ahead", "clock_skew", 86_400),
    _servie("a day behind", "clock_skew", -86_400),
    _invalide("redirect elsewhere", "redirect", "http://127.0.0.1:9/"),
    _invalide("redirect to itself", "redirect"),
    Cellule("flapping, down", "flapping", 3600),
    _selon("flapping", "flapping", 1),
    _selon("500, one in three", "error", 500, probability=0.3),
    _selon("reset, one in three", "reset", "body", probability=0.3),
    _selon("500, the first", "error", 500, nth=1),
    _selon("truncate, the third", "truncate", nth=3),
    *TLS,
)


def panne(cellule: Cellule, partenaire: str) -> dict[str, Any]:
    """The fault as the control API takes it: fields by name, and aimed at the operation that holds the rows."""
    value, reste = cellule.value, dict(cellule.reste)
    if cellule.kind == "drift":
        champs = IDENTITE if "identite" in value else ORNEMENT
        value = value.replace("identite", champs[partenaire]).replace("ornement", champs[partenaire])
        if partenaire in PORTEUSE:
            reste["operation"] = PORTEUSE[partenaire]
    return {"partner": partenaire, "kind": cellule.kind, "value": value, **reste}

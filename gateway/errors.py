"""Every error of the gateway, as a tree. Knows nothing of HTTP libraries nor of GraphQL's.

ErreurPasserelle
├── ErreurAppelant            shown to the caller: a code of the closed list, a French message, no value
│   ├── NonAuthentifie        NON_AUTHENTIFIE
│   │   └── AuthentificationForteRequise   NON_AUTHENTIFIE, the token tells no second factor
│   ├── RequeteInvalide       REQUETE_INVALIDE
│   ├── DocumentInconnu       PERSISTED_QUERY_NOT_FOUND
│   ├── RequeteTropCouteuse   REQUETE_TROP_COUTEUSE
│   ├── ArgumentRefuse        ARGUMENT_REFUSE
│   ├── FinaliteRequise       FINALITE_REQUISE
│   ├── QuotaAtteint          QUOTA_ATTEINT, and when to come back
│   └── CurseurInvalide       CURSEUR_INVALIDE
├── ErreurSource              a partner failed; the answer goes on without it and names it
│   ├── SourceIndisponible    SOURCE_INDISPONIBLE
│   │   ├── SourceFermee      SOURCE_INDISPONIBLE, outside its opening hours
│   │   ├── SourceRefusee     SOURCE_INDISPONIBLE, our access is refused
│   │   ├── SourceSuspendue   SOURCE_INDISPONIBLE, left alone after its failures
│   │   └── SourceMenagee     SOURCE_INDISPONIBLE, one query asked enough of it
│   ├── SourceDelaiDepasse    SOURCE_DELAI_DEPASSE
│   └── SourceInvalide        SOURCE_INVALIDE
│       └── SourceEnQuarantaine  SOURCE_INVALIDE, answered for others
├── LiensIndisponibles        the ledger of links did not answer; ids go on without it, and it is counted
├── RegistreIndisponible      the copy of the registry did not answer: one source is missing, SOURCE_INDISPONIBLE
├── FuiteArretee              ERREUR_INTERNE: the sentinel fired, nothing was sent
├── Sature                    too many requests are under way, or wait for the same (503): later, and others go on
├── JournalIndisponible       nothing nominative leaves without its entry (503); the rest goes on
└── ErreurConfiguration       the process does not start; one line says why, naming file and key
"""

from enum import StrEnum


class Code(StrEnum):
    """The closed list of error codes (GRAPH.graphql, ANSWERS 19), and the one that Apollo's protocol fixes."""

    NON_AUTHENTIFIE = "NON_AUTHENTIFIE"
    CHAMP_REFUSE = "CHAMP_REFUSE"
    ARGUMENT_REFUSE = "ARGUMENT_REFUSE"
    FINALITE_REQUISE = "FINALITE_REQUISE"
    QUOTA_ATTEINT = "QUOTA_ATTEINT"
    REQUETE_TROP_COUTEUSE = "REQUETE_TROP_COUTEUSE"
    REQUETE_INVALIDE = "REQUETE_INVALIDE"
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
    CURSEUR_INVALIDE = "CURSEUR_INVALIDE"
    SOURCE_INDISPONIBLE = "SOURCE_INDISPONIBLE"
    SOURCE_DELAI_DEPASSE = "SOURCE_DELAI_DEPASSE"
    SOURCE_INVALIDE = "SOURCE_INVALIDE"
    ERREUR_INTERNE = "ERREUR_INTERNE"


class ErreurPasserelle(Exception):
    """Root of the tree. The message is in French and carries no value of a person."""


class ErreurAppelant(ErreurPasserelle):
    """The caller's: its message is safe to return as it is."""

    code = Code.REQUETE_INVALIDE


class NonAuthentifie(ErreurAppelant):
    code = Code.NON_AUTHENTIFIE


class AuthentificationForteRequise(NonAuthentifie):
    """The register asks for a second factor that the token does not tell (RFC 9470)."""


class RequeteInvalide(ErreurAppelant):
    code = Code.REQUETE_INVALIDE


class DocumentInconnu(ErreurAppelant):
    """No document has that hash. Clients know the message by heart, and send the text: it is not translated."""

    code = Code.PERSISTED_QUERY_NOT_FOUND

    def __init__(self) -> None:
        super().__init__("PersistedQueryNotFound")


class RequeteTropCouteuse(ErreurAppelant):
    code = Code.REQUETE_TROP_COUTEUSE


class ArgumentRefuse(ErreurAppelant):
    code = Code.ARGUMENT_REFUSE


class FinaliteRequise(ErreurAppelant):
    code = Code.FINALITE_REQUISE


class QuotaAtteint(ErreurAppelant):
    """Too much was asked or read: nothing of the answer leaves. `reessayer_dans`: seconds."""

    code = Code.QUOTA_ATTEINT

    def __init__(self, message: str, reessayer_dans: int) -> None:
        super().__init__(message)
        self.reessayer_dans = reessayer_dans


class CurseurInvalide(ErreurAppelant):
    code = Code.CURSEUR_INVALIDE


class ErreurSource(ErreurPasserelle):
    """A partner failed. `source` is the partner's configured name, never its URL."""

    code = Code.SOURCE_INDISPONIBLE

    def __init__(self, source: str, message: str) -> None:
        super().__init__(message)
        self.source = source


class SourceIndisponible(ErreurSource):
    """Refused, unreachable or overloaded. `reessayer_dans`: seconds to wait when the partner told it, else None."""

    code = Code.SOURCE_INDISPONIBLE

    def __init__(self, source: str, message: str, reessayer_dans: float | None = None) -> None:
        super().__init__(source, message)
        self.reessayer_dans = reessayer_dans


class SourceFermee(SourceIndisponible):
    """The partner says it is closed and when it opens again (503 with Retry-After): `reessayer_dans` is set."""


class SourceRefusee(SourceIndisponible):
    """The partner refuses our access: asking again changes nothing."""


class SourceSuspendue(SourceIndisponible):
    """Not asked: it failed too much. `reessayer_dans` is when it may be tried."""


class SourceMenagee(SourceIndisponible):
    """Not asked: the query had already as many tenants asked as one may."""


class SourceDelaiDepasse(ErreurSource):
    code = Code.SOURCE_DELAI_DEPASSE


class SourceInvalide(ErreurSource):
    code = Code.SOURCE_INVALIDE


class SourceEnQuarantaine(SourceInvalide):
    """Not asked: it answered for other tenants. What it said before is not shown either."""


class LiensIndisponibles(ErreurPasserelle):
    """The ledger of links cannot be read or written."""


class RegistreIndisponible(ErreurPasserelle):
    """The store of the registry cannot be read."""


class FuiteArretee(ErreurPasserelle):
    """What was about to leave held something its caller may not read. `coordonnee` says where; no value anywhere."""

    def __init__(self, coordonnee: str) -> None:
        super().__init__(f"{coordonnee} : non accordé, rien n'est envoyé")
        self.coordonnee = coordonnee


class ErreurConfiguration(ErreurPasserelle):
    """Wrong or missing configuration: stops the start with one line naming the file and the key."""


class ClesIndisponibles(ErreurPasserelle):
    """No key set can be trusted: the service is unavailable (503), which says nothing of the token (not 401)."""


class Sature(ErreurPasserelle):
    """Too many requests are under way, or wait for the same thing: this one is turned away instead of waiting."""


class JournalIndisponible(ErreurPasserelle):
    """The entry of an answer could not be written: nothing of a person may leave (SECURITY L03)."""

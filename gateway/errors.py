"""Every error of the gateway, as a tree. Knows nothing of HTTP libraries nor of GraphQL's.

GatewayError
├── CallerError            shown to the caller: a code of the closed list, a French message, no value
│   ├── Unauthenticated        NON_AUTHENTIFIE
│   │   └── StrongAuthenticationRequired  NON_AUTHENTIFIE, the token tells no second factor
│   ├── InvalidRequest         REQUETE_INVALIDE
│   ├── UnknownDocument        PERSISTED_QUERY_NOT_FOUND
│   ├── TooCostlyRequest       REQUETE_TROP_COUTEUSE
│   ├── ArgumentRefused        ARGUMENT_REFUSE
│   ├── FinaliteRequired       FINALITE_REQUISE
│   ├── QuotaReached           QUOTA_ATTEINT, and when to come back
│   ├── InvalidCursor          CURSEUR_INVALIDE
│   ├── StatisticsUnavailable  STATISTIQUES_INDISPONIBLES, no snapshot may be told
│   └── WriteRefused           what forbids a write as a whole: nothing is written, and the answer is null
│       └── KeyReused              CLE_REUTILISEE, the key served for something else
├── SourceError            a partner failed; the answer goes on without it and names it
│   ├── SourceUnavailable      SOURCE_INDISPONIBLE
│   │   ├── SourceClosed           SOURCE_INDISPONIBLE, outside its opening hours
│   │   ├── SourceDenied           SOURCE_INDISPONIBLE, our access is refused
│   │   ├── SourceSuspended        SOURCE_INDISPONIBLE, left alone after its failures
│   │   ├── SourceSpared           SOURCE_INDISPONIBLE, one query asked enough of it
│   │   └── OutOfFiles             SOURCE_INDISPONIBLE, this process may open no more: nothing is known of the partner
│   ├── SourceTimedOut         SOURCE_DELAI_DEPASSE
│   └── SourceInvalid          SOURCE_INVALIDE
│       └── SourceQuarantined      SOURCE_INVALIDE, answered for others
├── LinksUnavailable       the ledger of links did not answer; ids go on without it, and it is counted
├── RegistryUnavailable    the copy of the registry did not answer: one source is missing, SOURCE_INDISPONIBLE
├── BlocksUnavailable      the counts of statistics did not answer: no figure is told
├── LeakStopped            ERREUR_INTERNE: the sentinel fired, nothing was sent
├── KeysUnavailable        no key set can be trusted (503): it is not the token's fault
├── ClientsUnavailable     the register of callers no longer reads (503): nobody is known
├── Overloaded             too many requests are under way, or wait for the same thing (503)
├── ClockNotBelieved       the clock jumped ahead: what is too old by it is kept, and the operator is asked
├── WritesUnavailable      ECRITURE_INDISPONIBLE (503): what is written could not be kept, and is not acknowledged
├── JournalUnavailable     nothing nominative leaves without its entry (503); the rest goes on
├── CommandFailed          a command of the operator stops, and its configuration is right; one line says why
└── ConfigurationError     the process does not start; one line says why, naming file and key
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum


class Code(StrEnum):
    """The closed list of error codes (docs/erreurs.md), and the one that Apollo's protocol fixes."""

    NON_AUTHENTIFIE = "NON_AUTHENTIFIE"
    CHAMP_REFUSE = "CHAMP_REFUSE"
    ARGUMENT_REFUSE = "ARGUMENT_REFUSE"
    FINALITE_REQUISE = "FINALITE_REQUISE"
    QUOTA_ATTEINT = "QUOTA_ATTEINT"
    REQUETE_TROP_COUTEUSE = "REQUETE_TROP_COUTEUSE"
    REQUETE_INVALIDE = "REQUETE_INVALIDE"
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
    CURSEUR_INVALIDE = "CURSEUR_INVALIDE"
    STATISTIQUES_INDISPONIBLES = "STATISTIQUES_INDISPONIBLES"
    ACTE_REFUSE = "ACTE_REFUSE"
    CLE_REUTILISEE = "CLE_REUTILISEE"
    ECRITURE_INDISPONIBLE = "ECRITURE_INDISPONIBLE"
    EVENEMENTS_INDISPONIBLES = "EVENEMENTS_INDISPONIBLES"
    SOURCE_INDISPONIBLE = "SOURCE_INDISPONIBLE"
    SOURCE_DELAI_DEPASSE = "SOURCE_DELAI_DEPASSE"
    SOURCE_INVALIDE = "SOURCE_INVALIDE"
    ERREUR_INTERNE = "ERREUR_INTERNE"


class TokenFault(StrEnum):
    """Why a caller is not identified (docs/emetteurs/README.md): the operator's log, the count and `error_description` say
    the same word. ASCII: RFC 6750 §3 leaves no other choice to a header."""

    ABSENT = "preuve_absente"
    TWICE = "deux_preuves"
    API_KEY = "cle_api_refusee"
    UNREADABLE = "jeton_illisible"
    HEADER = "parametre_non_admis"
    TYPE = "type_non_admis"
    ALGORITHM = "algorithme_non_admis"
    ISSUER = "emetteur_inconnu"
    KEY = "signataire_inconnu"
    SIGNATURE = "signature_fausse"
    CLAIM = "champ_mal_dit"
    AUDIENCE = "destinataire_autre"
    EARLY = "pas_encore_valable"
    EXPIRED = "jeton_fini"
    LIFE = "vie_trop_longue"
    LOGIN = "jeton_de_connexion"
    BOUND = "jeton_attache"
    INACTIVE = "jeton_inactif"
    CLIENT = "client_inconnu"
    ACCOUNT = "compte_non_dit"
    SECOND_FACTOR = "second_facteur_non_dit"


class GatewayError(Exception):
    """Root of the tree. The message is in French and carries no value of a person."""


class CallerError(GatewayError):
    """The request is refused. The message is safe to return as it is."""

    code = Code.REQUETE_INVALIDE


class Unauthenticated(CallerError):
    """Nobody known asks. The body says the same whatever is wrong; `fault` is the reason, `detail` what it is about, for the
    operator: a key id, a claim's name."""

    code = Code.NON_AUTHENTIFIE

    def __init__(self, fault: TokenFault, detail: str = "") -> None:
        super().__init__("Jeton d'accès absent, invalide ou expiré.")
        self.fault, self.detail = fault, detail


class StrongAuthenticationRequired(Unauthenticated):
    """The register asks for a second factor that the token does not tell (RFC 9470)."""

    def __init__(self) -> None:
        super().__init__(TokenFault.SECOND_FACTOR)
        self.args = ("Une authentification à deux facteurs est requise pour ce client.",)


class InvalidRequest(CallerError):
    """What was sent is not an operation of this graph."""


class UnknownDocument(CallerError):
    """No document has that hash. Clients know the message by heart, and send the text: it is not translated."""

    code = Code.PERSISTED_QUERY_NOT_FOUND

    def __init__(self) -> None:
        super().__init__("PersistedQueryNotFound")


class TooCostlyRequest(CallerError):
    code = Code.REQUETE_TROP_COUTEUSE


class ArgumentRefused(CallerError):
    code = Code.ARGUMENT_REFUSE


class FinaliteRequired(CallerError):
    code = Code.FINALITE_REQUISE


class QuotaReached(CallerError):
    """Too much was asked or read: nothing of the answer leaves. `retry_after`: seconds."""

    code = Code.QUOTA_ATTEINT

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class InvalidCursor(CallerError):
    code = Code.CURSEUR_INVALIDE


class StatisticsUnavailable(CallerError):
    code = Code.STATISTIQUES_INDISPONIBLES


class WriteRefused(CallerError):
    """The operation writes nothing, and answers null: its act, its purpose or a field that it selects is refused."""

    def __init__(self, message: str, code: Code) -> None:
        super().__init__(message)
        self.code = code


class KeyReused(WriteRefused):
    """The key of an earlier write, with another input."""

    def __init__(self) -> None:
        super().__init__("Cette clé a déjà servi pour autre chose : en choisir une nouvelle.", Code.CLE_REUTILISEE)


class SourceError(GatewayError):
    """A partner failed. `source` is the partner's configured name, never its URL. `retry_after`: seconds to wait, when known."""

    code = Code.SOURCE_INDISPONIBLE
    statut = 0  # of HTTP, where one was told

    def __init__(self, source: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.source, self.retry_after = source, retry_after


class SourceUnavailable(SourceError):
    """Refused, unreachable or overloaded. `retry_after` is what the partner told."""


class SourceClosed(SourceUnavailable):
    """The partner says it is closed and when it opens again (503 with Retry-After): `retry_after` is set."""


class SourceDenied(SourceUnavailable):
    """The partner refuses our access: asking again changes nothing."""


class SourceSuspended(SourceUnavailable):
    """Not asked: it failed too much. `retry_after` is when it may be tried."""


class SourceSpared(SourceUnavailable):
    """Not asked: the query had already as many tenants asked as one may."""


class OutOfFiles(SourceUnavailable):
    """Not asked: the system lets this process open no more files. It says nothing of the partner."""


class SourceTimedOut(SourceError):
    code = Code.SOURCE_DELAI_DEPASSE


class SourceInvalid(SourceError):
    code = Code.SOURCE_INVALIDE


class SourceQuarantined(SourceInvalid):
    """Not asked: it answered for other tenants. What it said before is not shown either."""


class LinksUnavailable(GatewayError):
    """The ledger of links cannot be read or written."""


class RegistryUnavailable(GatewayError):
    """The store of the registry cannot be read."""


class BlocksUnavailable(GatewayError):
    """The store of statistics cannot be read."""


class LeakStopped(GatewayError):
    """An answer about to leave held something its caller may not read. `coordinate` says where; no value anywhere."""

    def __init__(self, coordinate: str) -> None:
        super().__init__(f"{coordinate} : non accordé, rien n'est envoyé")
        self.coordinate = coordinate


class CommandFailed(GatewayError):
    """What an operator asked cannot be done, though the configuration is right: a partner is closed, nobody bears that id."""


class ConfigurationError(GatewayError):
    """Wrong or missing configuration: stops the start with one line naming the file and the key. `others`: further lines, of what
    was found wrong at the same time; only the check of a configuration tells them."""

    def __init__(self, line: str, others: Sequence[str] = ()) -> None:
        super().__init__(line)
        self.others = tuple(others)


class KeysUnavailable(GatewayError):
    """No key set can be trusted: the service is unavailable (503), which says nothing of the token (not 401)."""


class ClientsUnavailable(GatewayError):
    """The register of callers did not read for too long: nobody is admitted by what it was (503)."""


class Overloaded(GatewayError):
    """Too many requests are under way, or wait for the same thing: this one is turned away instead of waiting."""


class JournalUnavailable(GatewayError):
    """The entry of an answer could not be written: nothing of a person may leave (docs/security.md L03)."""


class WritesUnavailable(GatewayError):
    """The store of writes does not answer: nothing is acknowledged."""


class ClockNotBelieved(GatewayError):
    """The clock is far beyond what was last seen: nothing is forgotten by it before an operator confirms it (L07)."""

    def __init__(self, last: datetime, now: datetime) -> None:
        super().__init__(
            f"l'horloge dit {now:%Y-%m-%d}, {(now - last).days} jours après ce qui fut vu en dernier ({last:%Y-%m-%d}) : "
            "rien n'est oublié. Si elle est juste, le confirmer par « python -m gateway journal purger --confirmer »"
        )

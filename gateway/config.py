"""The gateway's own configuration, as one record. Unknown keys are refused; secrets come from the environment only."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Self

from pydantic import (
    Field,
    HttpUrl,
    IPvAnyNetwork,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveInt,
    StringConstraints,
    model_validator,
)

from gateway.domain.days import clock, parse_instant
from gateway.domain.seal import Sealer, TurningSealer, key_bytes
from gateway.environment import ENVIRONMENT
from gateway.errors import ConfigurationError
from gateway.issuer_settings import IssuerSettings
from gateway.state_settings import StateSettings
from gateway.toml_file import StrictModel, read_toml


class DataSettings(StrictModel):
    """Where the stores (registry, links, journal) and the referential are kept; relative to the configuration file."""

    dossier: Path


class ResponseSettings(StrictModel):
    """Bounds of an answer."""

    delai_secondes: float = 3.0


class JournalSettings(StrictModel):
    """How long readings are kept (docs/security.md, Journal: 6 to 12 months, 36 where a convention demands it)."""

    conservation_jours: PositiveInt = 365


class ClientsSettings(StrictModel):
    """The register of callers. `illisible_secondes`: how long the last good one outlives a file that no longer reads."""

    illisible_secondes: PositiveInt = 900


class SignInSettings(StrictModel):
    """Where the GraphiQL page sends whoever wants a token (authorization code with PKCE): the provider's two addresses and
    the page's own public client id. Nothing secret: all of it is in the page."""

    autorisation: HttpUrl
    jeton: HttpUrl
    client: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,200}$")]
    portee: str = "openid"


class SecurityContact(StrictModel):
    """Who is told of a vulnerability of this service, until when that is sure, and what is done of it (RFC 9116)."""

    contact: Annotated[str, StringConstraints(pattern=r"^(mailto|https|tel):[!-~]{3,200}$")]
    expire: date
    politique: HttpUrl | None = None


class HttpSettings(StrictModel):
    """The edge. `hotes`: the names this gateway answers to, beside the address it listens on. `origines`: the web
    origins whose pages may call it (none: no CORS). `hsts_secondes`: 0, no Strict-Transport-Security. `graphiql`: serve
    the page; a production that has no integrators at work leaves it closed. `connexion`: how the page gets a token by itself.
    `documentation`: serve the site of documentation. `mandataires`: the proxies, by address or network, whose X-Forwarded-For
    is believed. `securite`: what `/.well-known/security.txt` tells."""

    hotes: frozenset[Annotated[str, StringConstraints(pattern=r"^[^\s*/@]+$", to_lower=True)]] = frozenset(
        {"localhost", "127.0.0.1", "[::1]"}
    )
    origines: tuple[Annotated[str, StringConstraints(pattern=r"^https?://[^\s*/@]+$")], ...] = ()
    hsts_secondes: NonNegativeInt = 0
    graphiql: bool = False
    documentation: bool = False
    connexion: SignInSettings | None = None
    mandataires: tuple[IPvAnyNetwork, ...] = ()
    securite: SecurityContact | None = None


class AdminSettings(StrictModel):
    """Where metrics and the details of health are served; 0: any free port, told in the log. ADMIN_HOST and ADMIN_PORT come
    before it: processes that share a configuration directory cannot share a port."""

    hote: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 9090


class ReceptionSettings(StrictModel):
    """Whether ERPs may transmit dossiers (docs/reception.md). Off, the address does not exist and nothing is kept."""

    active: bool = False


class StreamSettings(StrictModel):
    """How many streams of events may be open at once (docs/evenements.md): of an account, of an organisation, in a process."""

    par_compte: PositiveInt = 4
    par_organisation: PositiveInt = 500
    par_processus: PositiveInt = 3000


class StatisticsSettings(StrictModel):
    """Figures for those who steer. `page`: serve the public page; `theme`: a folder whose `style.css` dresses it. `pas`, `seuil`:
    the step by which counts are protected, and the fewest persons of a block shown; they may be raised, never lowered
    (docs/statistiques.md, Secret). `mois`: how many months a night counts anew."""

    page: bool = False
    theme: Path | None = None
    mois: Annotated[int, Field(ge=1, le=60)] = 24
    pas: Annotated[int, Field(ge=5, le=100)] = 5
    seuil: Annotated[int, Field(ge=11, le=1000)] = 11


class TracesSettings(StrictModel):
    """Where spans of requests are sent (OTLP, JSON over HTTP); nowhere: none is made. `part`: of the requests that nothing
    distinguishes."""

    adresse: HttpUrl | None = None
    part: Annotated[float, Field(ge=0.0, le=1.0)] = 0.01


class ShutdownSettings(StrictModel):
    """How the process ends: `preavis_secondes`, during which it says that it is not ready and still serves."""

    preavis_secondes: NonNegativeFloat = 5.0


class PartnersSettings(StrictModel):
    """The partners without which the gateway starts all the same, when their files are wrong."""

    facultatifs: frozenset[str] = frozenset()


ConnectorName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
Admitted = Annotated[str, StringConstraints(pattern=r"^(sha256:[0-9a-f]{64}|paquet)$")]


class GatewayFile(StrictModel):
    """`gateway.toml`. `connecteurs`: those that may run in it, no part of it: the digest of a file, or `paquet` if installed."""

    jetons: IssuerSettings | None = None
    emetteurs: tuple[IssuerSettings, ...] = ()
    donnees: DataSettings
    reponse: ResponseSettings = ResponseSettings()
    journal: JournalSettings = JournalSettings()
    clients: ClientsSettings = ClientsSettings()
    http: HttpSettings = HttpSettings()
    admin: AdminSettings = AdminSettings()
    reception: ReceptionSettings = ReceptionSettings()
    arret: ShutdownSettings = ShutdownSettings()
    traces: TracesSettings = TracesSettings()
    flux: StreamSettings = StreamSettings()
    statistiques: StatisticsSettings = StatisticsSettings()
    etat: StateSettings = StateSettings()
    connecteurs: dict[ConnectorName, Admitted] = Field(default_factory=dict)
    partenaires: PartnersSettings = PartnersSettings()

    @property
    def issuers(self) -> tuple[IssuerSettings, ...]:
        """All who sign callers' tokens: `[jetons]`, and each `[[emetteurs]]`."""
        return (self.jetons, *self.emetteurs) if self.jetons else self.emetteurs

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        names = [issuer.emetteur for issuer in self.issuers]
        if not names:
            raise ValueError("aucun émetteur de jetons : une table [jetons], ou des [[emetteurs]]")
        if len(set(names)) != len(names):
            raise ValueError("emetteurs : un même émetteur est donné deux fois")
        if sum(issuer.introspection is not None for issuer in self.issuers) > 1:
            # An opaque token does not say whose it is, and another's is not to be shown to anybody.
            raise ValueError("emetteurs : un seul peut être interrogé ([introspection])")
        return self


@dataclass(frozen=True, slots=True)
class Configuration:
    """What `server/services.py` needs to build the gateway: the file, and what the environment says."""

    root: Path
    file: GatewayFile
    sealer: Sealer  # GATEWAY_CLES; ids and stand-ins by GATEWAY_CLE_IDENTIFIANTS
    fixed_now: datetime | None  # GATEWAY_NOW
    candidate: Path | None  # GATEWAY_POLITIQUE_CANDIDATE: a candidate access policy
    host: str
    port: int
    admin_host: str
    admin_port: int
    cache: str  # GATEWAY_CACHE_URL
    processus: int  # GATEWAY_PROCESSUS: how many share the partners' quotas
    cache_sealers: tuple[Sealer, ...]  # the one that seals, then those that still open
    journal_sealers: tuple[Sealer, ...] = ()  # GATEWAY_CLES_JOURNAL: the one that is to sign, then those that verify
    encryption_sealers: tuple[Sealer, ...] = ()  # GATEWAY_CLES_CHIFFREMENT: that of `/jwks`, then those that open
    introspection_secret: str = ""  # what the issuer that is asked about tokens knows us by
    statistics_key: bytes | None = None  # GATEWAY_CLE_STATISTIQUES; without it, nothing protected is told

    def __repr__(self) -> str:
        return f"Configuration({self.root})"

    @property
    def now(self) -> Callable[[], datetime]:
        """The gateway's clock: the system's, or the fixed GATEWAY_NOW."""
        return clock(self.fixed_now)

    @property
    def donnees(self) -> Path:
        """Directory of the stores (registry, links, journal) and of the referential."""
        return self.root / self.file.donnees.dossier


def config_folder(environ: Mapping[str, str] = ENVIRONMENT) -> Path:
    """The configuration directory named by GATEWAY_CONFIG. Raises ConfigurationError."""
    return Path(_require(environ, "GATEWAY_CONFIG"))


def load(environ: Mapping[str, str] = ENVIRONMENT) -> Configuration:
    """Read the configuration directory named by GATEWAY_CONFIG. Raises ConfigurationError with one clear line."""
    root = config_folder(environ)
    file = read_toml(root / "gateway.toml", GatewayFile)
    return Configuration(
        root=root,
        file=file,
        sealer=TurningSealer(_stable_sealer(environ), _ring(environ, "GATEWAY_CLES")),
        journal_sealers=_ring(environ, "GATEWAY_CLES_JOURNAL"),
        encryption_sealers=_ring(environ, "GATEWAY_CLES_CHIFFREMENT", "GATEWAY_CLE_IDENTIFIANTS"),
        fixed_now=_instant(environ.get("GATEWAY_NOW")),
        candidate=Path(text) if (text := environ.get("GATEWAY_POLITIQUE_CANDIDATE")) else None,
        host=environ.get("HOST", "127.0.0.1"),
        port=_number(environ, "PORT", 8000, (0, 65535)),
        admin_host=environ.get("ADMIN_HOST", file.admin.hote),
        admin_port=_number(environ, "ADMIN_PORT", file.admin.port, (0, 65535)),
        processus=_number(environ, "GATEWAY_PROCESSUS", 1, (1, 1000)),
        cache=environ.get("GATEWAY_CACHE_URL", "memory://"),
        cache_sealers=_ring(environ, "GATEWAY_CACHE_CLES"),
        introspection_secret=next(
            (_require(environ, one.introspection.secret) for one in file.issuers if one.introspection), ""
        ),
        statistics_key=_statistics_key(environ.get("GATEWAY_CLE_STATISTIQUES")),
    )


def _require(environ: Mapping[str, str], name: str) -> str:
    if not environ.get(name):
        raise ConfigurationError(f"variable d'environnement {name} : absente")
    return environ[name]


def _stable_sealer(environ: Mapping[str, str]) -> Sealer:
    """The one that seals ids. Raises ConfigurationError."""
    name = "GATEWAY_CLE_IDENTIFIANTS" if environ.get("GATEWAY_CLE_IDENTIFIANTS") else "GATEWAY_CLE"
    return _sealer(name, _require(environ, name))


def _ring(environ: Mapping[str, str], *variables: str) -> tuple[Sealer, ...]:
    """The keys that the first of them gives, or the one of all that is not said otherwise. Raises ConfigurationError."""
    variable = next(filter(environ.get, variables), "")
    if not variable:
        return (_sealer("GATEWAY_CLE", _require(environ, "GATEWAY_CLE")),)
    return tuple(_sealer(variable, part) for part in environ[variable].split(","))


def _sealer(variable: str, text: str) -> Sealer:
    try:
        return Sealer.from_text(text.strip())
    except ValueError:
        raise ConfigurationError(f"variable d'environnement {variable} : 32 octets en base64url attendus") from None


def _statistics_key(text: str | None) -> bytes | None:
    try:
        return key_bytes(text.strip()) if text else None
    except ValueError:
        raise ConfigurationError(
            "variable d'environnement GATEWAY_CLE_STATISTIQUES : 32 octets en base64url attendus"
        ) from None


def _instant(text: str | None) -> datetime | None:
    try:
        return parse_instant(text) if text else None
    except ValueError as error:
        raise ConfigurationError("variable d'environnement GATEWAY_NOW : date ou instant RFC 3339 attendu") from error


def _number(environ: Mapping[str, str], name: str, default: int, bounds: tuple[int, int]) -> int:
    low, high = bounds
    text = environ.get(name, str(default))
    if not text.isdecimal() or not low <= int(text) <= high:
        raise ConfigurationError(f"variable d'environnement {name} : nombre de {low} à {high} attendu")
    return int(text)

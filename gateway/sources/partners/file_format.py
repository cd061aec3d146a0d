"""The format of a partner's TOML file: one strict model, unknown keys refused. Knows no environment and does no I/O."""

import ipaddress
import re
from datetime import date, time
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, HttpUrl, StringConstraints, model_validator

from gateway.connectors.table.dialect import Dialect
from gateway.connectors.table.engine import TABLE
from gateway.toml_file import StrictModel

DEFAULT_ACCESS = "defaut"


def base_url_of(url: str) -> str:
    """An absolute URL that credentials may be sent to: https, or http to this machine; no user, query, fragment."""
    try:
        parties = urlsplit(url)
        port = parties.port
    except ValueError:  # a malformed address or port, told in English
        raise ValueError("URL mal formée") from None
    if parties.scheme not in {"http", "https"} or not parties.hostname or port == 0:
        raise ValueError("URL http(s) absolue attendue")
    if parties.username is not None or parties.query or parties.fragment or "\\" in url or not url.isprintable():
        raise ValueError("URL sans compte, ni requête, ni fragment attendue")
    if set(re.findall(r"\{[^}]*\}", url)) - {"{code}"} or "{" in parties.netloc:
        raise ValueError("seul {code} peut être remplacé, dans le chemin")
    if parties.scheme == "http" and not _is_loopback(parties.hostname):
        raise ValueError("https exigé hors de la boucle locale")
    return url


def _is_loopback(hote: str) -> bool:
    try:
        return ipaddress.ip_address(hote).is_loopback
    except ValueError:
        return hote == "localhost"


def _spelled(pattern: str, expected: str) -> AfterValidator:
    """Refuses, in French, what is not spelled so."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(expected)
        return text

    return AfterValidator(check)


Url = Annotated[str, AfterValidator(base_url_of)]
PartnerName = Annotated[str, _spelled(r"[a-z][a-z0-9-]{0,39}", "minuscules, chiffres et tirets attendus, 40 au plus")]
HeaderName = Annotated[str, _spelled(r"[A-Za-z0-9-]{1,64}", "nom d'en-tête ou de paramètre attendu")]
HeaderValue = Annotated[str, StringConstraints(pattern=r"^[ -~]*$", max_length=500)]
# Its value would else be shown, in what says that there is no such variable.
SecretName = Annotated[
    str,
    _spelled(r"(?:[A-Z_][A-Z0-9_]*)?", "nom d'une variable d'environnement attendu, en majuscules, et non le secret"),
]
Headers = dict[HeaderName, HeaderValue]


class _Access(StrictModel):
    """What every access has: the variable that holds its secret, headers set on every request."""

    secret: SecretName = ""
    entetes: Headers = Field(default_factory=dict)


class KeyTable(_Access):
    """A key in a header or in the query."""

    type: Literal["entete", "parametre"]
    nom: HeaderName


class AuthorizationTable(_Access):
    """The Authorization header: `basic` (the secret is "login:password") or `porteur` (Bearer)."""

    type: Literal["basic", "porteur"]


class OAuth2Table(_Access):
    """OAuth2 client credentials: a token asked of `url_jeton` with the client's id and secret, in the header or in the form, for
    a scope if the partner wants one. The tenants' file may give each a client of its own."""

    type: Literal["oauth2"]
    url_jeton: Url
    client: str = ""
    portee: str = ""
    authentification: Literal["basic", "post"] = "basic"


AccessTable = KeyTable | AuthorizationTable | OAuth2Table


class LimitsTable(StrictModel):
    """What we allow ourselves at this partner, and what we accept from it."""

    simultanes: int = Field(default=4, ge=1, le=256)
    par_seconde: float = Field(default=20.0, gt=0, allow_inf_nan=False)
    par_minute_locataire: float = Field(default=6000.0, gt=0, allow_inf_nan=False)  # quota of one tenant's credential
    delai_secondes: float = Field(default=30.0, gt=0, le=3600, allow_inf_nan=False)
    octets_max: int = Field(default=20_000_000, ge=1)
    pages_max: int = Field(default=200, ge=1)
    locataires_par_requete: int = Field(default=200, ge=1)  # asked for one query; the rest is left to what comes next


class CacheTable(StrictModel):
    """What the age of a kept answer allows, in seconds. The bounds are those of nominative data (docs/fiabilite.md)."""

    duree_secondes: float = Field(default=300.0, gt=0, le=900)  # younger: served as it is
    perime_secondes: float = Field(default=900.0, gt=0, le=900)  # younger: served, and asked again behind
    secours_secondes: float = Field(default=3600.0, gt=0, le=3600)  # younger: served when the partner fails
    absence_secondes: float = Field(default=60.0, gt=0, le=60)  # younger, an answer without any record is fresh
    plancher_secondes: float = Field(default=10.0, ge=0, le=900)  # younger: fresh, whatever freshness a caller asks for

    @model_validator(mode="after")
    def _order(self) -> "CacheTable":
        if not self.duree_secondes <= self.perime_secondes <= self.secours_secondes:
            raise ValueError("duree_secondes ≤ perime_secondes ≤ secours_secondes attendu")
        return self


class OpeningTable(StrictModel):
    """Opening hours, Europe/Paris; `fin` before `debut` means past midnight."""

    debut: time
    fin: time


class HarvestTable(StrictModel):
    """What a harvest covers."""

    depuis: date
    fenetre_jours: int = Field(default=59, ge=1, le=59)


class EventsTable(StrictModel):
    """The partner tells what changes: by a queue, read every `periode_secondes`, or by calls that `secret` signs."""

    secret: SecretName = ""
    periode_secondes: float = Field(default=1.0, ge=0.1, le=60)


class NetworkKeys(StrictModel):
    """How somebody is reached. `mandataire`: the proxy that is asked in the place of the address; `autorites`: PEM file of the
    authorities that certify it, and they alone; `certificat`, `cle_certificat`: PEM files of the certificate that we show, and
    of its key."""

    mandataire: HttpUrl | None = None
    autorites: Path | None = None
    certificat: Path | None = None
    cle_certificat: Path | None = None

    @model_validator(mode="after")
    def _key_of_something(self) -> Self:
        if self.cle_certificat and not self.certificat:
            raise ValueError("cle_certificat demande « certificat », le certificat dont elle est la clé")
        return self


def _named_accesses(given: Any) -> Any:
    if isinstance(given, dict) and isinstance(given.get("type"), str):
        raise ValueError("acces.defaut = { type = … } attendu : un accès a un nom")
    return given


class PartnerFile(NetworkKeys):
    """`partenaires/<nom>.toml`."""

    nom: PartnerName
    genre: str = TABLE
    base_url: Url
    locataires: str = ""
    acces: Annotated[
        dict[str, Annotated[AccessTable, Field(discriminator="type")]], BeforeValidator(_named_accesses)
    ] = Field(default_factory=dict)
    limites: LimitsTable = LimitsTable()
    cache: CacheTable = CacheTable()
    ouverture: OpeningTable | None = None
    moisson: HarvestTable | None = None
    evenements: EventsTable | None = None
    trace: bool = False  # it is told the trace of each request, to go on with it
    ecritures: bool = False  # what is written through the gateway is said to it, where its connector can
    dialecte: Dialect | None = None

    @model_validator(mode="after")
    def _coherent(self) -> "PartnerFile":
        if self.genre == TABLE and self.dialecte is None:
            raise ValueError("[dialecte] attendu, la table de ce que dit le partenaire ; ou « genre », son connecteur")
        if self.genre != TABLE and self.dialecte is not None:
            raise ValueError(f"[dialecte] ou genre « {self.genre} » : l'un des deux")
        if self.dialecte and (others := set(self.acces) - {DEFAULT_ACCESS}):
            raise ValueError(f"« acces.{min(others)} » : une table n'a qu'un accès, « acces.{DEFAULT_ACCESS} »")
        return self

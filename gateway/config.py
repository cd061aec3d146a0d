"""The gateway's own configuration, as one record. Unknown keys are refused; secrets come from the environment only."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import HttpUrl, NonNegativeFloat, NonNegativeInt, PositiveInt, StringConstraints

from gateway.domain.clock import clock, parse_instant
from gateway.domain.sceau import Sceau
from gateway.errors import ErreurConfiguration
from gateway.toml_file import StrictModel, read_toml


class Jetons(StrictModel):
    """Who signs the callers' tokens, and for whom."""

    emetteur: str
    audience: str
    jwks_url: HttpUrl


class Donnees(StrictModel):
    """Where the stores (registry, links, journal) and the referential are kept; relative to the configuration file."""

    dossier: Path


class Reponse(StrictModel):
    """Bounds of an answer."""

    delai_secondes: float = 3.0


class Journal(StrictModel):
    """How long readings are kept (SECURITY §3.1: 6 to 12 months, 36 where a convention demands it)."""

    conservation_jours: PositiveInt = 365


class Http(StrictModel):
    """The edge. `hotes`: the names this gateway answers to, beside the address it listens on. `origines`: the web
    origins whose pages may call it (none: no CORS). `hsts_secondes`: 0, no Strict-Transport-Security. `graphiql`: serve
    the page; a production that has no integrators at work leaves it closed."""

    hotes: frozenset[Annotated[str, StringConstraints(pattern=r"^[^\s*/@]+$", to_lower=True)]] = frozenset(
        {"localhost", "127.0.0.1", "[::1]"}
    )
    origines: tuple[Annotated[str, StringConstraints(pattern=r"^https?://[^\s*/@]+$")], ...] = ()
    hsts_secondes: NonNegativeInt = 0
    graphiql: bool = False


class Arret(StrictModel):
    """How the process ends: `preavis_secondes`, during which it says that it is not ready and still serves."""

    preavis_secondes: NonNegativeFloat = 5.0


class Fichier(StrictModel):
    """`gateway.toml`."""

    jetons: Jetons
    donnees: Donnees
    reponse: Reponse = Reponse()
    journal: Journal = Journal()
    http: Http = Http()
    arret: Arret = Arret()


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything the composition root needs to build the gateway."""

    racine: Path
    fichier: Fichier
    sceau: Sceau
    fige: datetime | None  # GATEWAY_NOW
    candidate: Path | None  # GATEWAY_POLITIQUE_CANDIDATE: an access policy on trial
    hote: str
    port: int
    cache: str  # GATEWAY_CACHE_URL
    processus: int  # GATEWAY_PROCESSUS: how many share the partners' quotas
    sceaux_cache: tuple[Sceau, ...]  # the one that seals, then those that still open

    def __repr__(self) -> str:
        return f"Configuration({self.racine})"

    @property
    def maintenant(self) -> Callable[[], datetime]:
        """The gateway's clock: the system's, or the fixed GATEWAY_NOW."""
        return clock(self.fige)

    @property
    def donnees(self) -> Path:
        """Directory of the stores (registry, links, journal) and of the referential."""
        return self.racine / self.fichier.donnees.dossier


def charger(environ: Mapping[str, str] = os.environ) -> Configuration:
    """Read the configuration directory named by GATEWAY_CONFIG. Raises ErreurConfiguration with one clear line."""
    racine = Path(_exiger(environ, "GATEWAY_CONFIG"))
    cle = _exiger(environ, "GATEWAY_CLE")
    return Configuration(
        racine=racine,
        fichier=read_toml(racine / "gateway.toml", Fichier),
        sceau=_sceau("GATEWAY_CLE", cle),
        fige=_instant(environ.get("GATEWAY_NOW")),
        candidate=Path(texte) if (texte := environ.get("GATEWAY_POLITIQUE_CANDIDATE")) else None,
        hote=environ.get("HOST", "127.0.0.1"),
        port=_number(environ, "PORT", 8000, (0, 65535)),
        processus=_number(environ, "GATEWAY_PROCESSUS", 1, (1, 1000)),
        cache=environ.get("GATEWAY_CACHE_URL", "memory://"),
        sceaux_cache=tuple(_sceau("GATEWAY_CACHE_CLES", c) for c in environ.get("GATEWAY_CACHE_CLES", cle).split(",")),
    )


def _exiger(environ: Mapping[str, str], nom: str) -> str:
    if not environ.get(nom):
        raise ErreurConfiguration(f"variable d'environnement {nom} : absente")
    return environ[nom]


def _sceau(variable: str, texte: str) -> Sceau:
    try:
        return Sceau.depuis_texte(texte.strip())
    except ValueError:
        raise ErreurConfiguration(f"variable d'environnement {variable} : 32 octets en base64url attendus") from None


def _instant(text: str | None) -> datetime | None:
    try:
        return parse_instant(text) if text else None
    except ValueError as error:
        raise ErreurConfiguration("variable d'environnement GATEWAY_NOW : date ou instant RFC 3339 attendu") from error


def _number(environ: Mapping[str, str], name: str, default: int, bounds: tuple[int, int]) -> int:
    low, high = bounds
    text = environ.get(name, str(default))
    if not text.isdecimal() or not low <= int(text) <= high:
        raise ErreurConfiguration(f"variable d'environnement {name} : nombre de {low} à {high} attendu")
    return int(text)

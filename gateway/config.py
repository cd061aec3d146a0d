"""The gateway's own configuration, as one record. Unknown keys are refused; secrets come from the environment only."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

from pydantic import HttpUrl, NonNegativeFloat, NonNegativeInt, PositiveInt, StringConstraints

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

    def maintenant(self) -> datetime:
        """The gateway's now: the system's clock, or the fixed GATEWAY_NOW."""
        return self.fige or datetime.now(UTC)

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
        port=_port(environ.get("PORT", "8000")),
        processus=_processus(environ.get("GATEWAY_PROCESSUS", "1")),
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


def _instant(texte: str | None) -> datetime | None:
    if not texte:
        return None
    try:
        if len(texte) == 10:
            jour = date.fromisoformat(texte)
            return datetime(jour.year, jour.month, jour.day, 12, tzinfo=UTC)
        instant = datetime.fromisoformat(texte)
    except ValueError as erreur:
        raise ErreurConfiguration("variable d'environnement GATEWAY_NOW : date ou instant RFC 3339 attendu") from erreur
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _port(texte: str) -> int:
    if not texte.isdigit() or not 0 <= int(texte) <= 65535:
        raise ErreurConfiguration("variable d'environnement PORT : nombre de 0 à 65535 attendu")
    return int(texte)


def _processus(texte: str) -> int:
    if not texte.isdigit() or not 1 <= int(texte) <= 1000:
        raise ErreurConfiguration("variable d'environnement GATEWAY_PROCESSUS : nombre de 1 à 1000 attendu")
    return int(texte)

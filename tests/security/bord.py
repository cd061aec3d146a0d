"""A gateway in this process, in its production profile, asked through ASGI: as thousands of bodies want it."""

import asyncio
import json
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Message, Receive

from fixtures.monde import Monde
from gateway.app import application
from gateway.composition import build_state
from gateway.config import charger
from gateway.sante import Sante
from gateway.services import construire_services

ADRESSE = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Recue:
    """An answer as it came."""

    statut: int
    entetes: Mapping[str, str]
    corps: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.corps)

    @property
    def codes(self) -> list[str]:
        return [erreur["extensions"]["code"] for erreur in self.json.get("errors", [])]


@dataclass(frozen=True, slots=True)
class Bord:
    """The application, the loop it lives in, its configuration directory, and the bearer token of `ml`."""

    app: ASGIApp
    boucle: asyncio.Runner
    dossier: Path
    environnement: Mapping[str, str]
    jeton: str

    def graphql(self, document: object, **entetes: str) -> Recue:
        """The answer to a JSON body, by `ml` unless `entetes` says otherwise (`_` stands for `-`; "" leaves one out)."""
        return self.appeler(json.dumps(document).encode(), **entetes)

    def demander(self, requete: str, **entetes: str) -> Recue:
        return self.graphql({"query": requete}, **entetes)

    def appeler(self, corps: bytes = b"", methode: str = "POST", chemin: str = "/graphql", **entetes: str) -> Recue:
        return self.boucle.run(self.appel(corps, methode, chemin, **entetes))

    async def appel(self, corps: bytes, methode: str = "POST", chemin: str = "/graphql", **entetes: str) -> Recue:
        """The same from within the loop, for many."""
        bons = {
            "host": ADRESSE,
            "content-type": "application/json",
            "authorization": f"Bearer {self.jeton}",
            **{nom.replace("_", "-"): valeur for nom, valeur in entetes.items()},
        }
        paires = [(nom.encode(), valeur.encode("latin-1")) for nom, valeur in bons.items() if valeur]
        return await echanger(self.app, methode, chemin, paires, corps)


def ouverte() -> Sante:
    """The health of a process that opened and lacks nothing."""
    sante = Sante({}, {}, time.monotonic)
    sante.ouvrir(())
    return sante


async def echanger(
    app: ASGIApp, methode: str, chemin: str, entetes: list[tuple[bytes, bytes]], corps: Receive | bytes = b""
) -> Recue:
    """One request, its body given or coming as it will, and its whole answer."""
    recus: list[Message] = []
    nom, _, parametres = chemin.partition("?")

    async def recevoir() -> Message:
        return {"type": "http.request", "body": corps, "more_body": False}

    async def envoyer(message: Message) -> None:
        recus.append(message)

    scope = {
        "type": "http",
        "method": methode,
        "path": nom,
        "raw_path": nom.encode(),
        "root_path": "",
        "query_string": parametres.encode(),
        "headers": entetes,
        "scheme": "http",
        "server": (ADRESSE, 80),
        "http_version": "1.1",
    }
    await app(scope, recevoir if isinstance(corps, bytes) else corps, envoyer)
    tetes = {nom.decode(): valeur.decode("latin-1") for nom, valeur in recus[0]["headers"]}
    return Recue(recus[0]["status"], tetes, b"".join(message.get("body", b"") for message in recus[1:]))


@contextmanager
def ouvrir(monde: Monde, dossier: Path) -> Iterator[Bord]:
    """The gateway of that world over a copy of its configuration, with the page closed."""
    assert monde.dossier is not None
    shutil.copytree(monde.dossier / "partenaires", dossier / "partenaires")
    shutil.copy(monde.dossier / "clients.toml", dossier)
    texte = (monde.dossier / "gateway.toml").read_text(encoding="utf-8")
    texte = texte.replace('dossier = "donnees"', f'dossier = "{monde.dossier / "donnees"}"')
    (dossier / "gateway.toml").write_text(texte.replace("graphiql = true", "graphiql = false"), encoding="utf-8")
    environnement = {**monde.environnement, "GATEWAY_CONFIG": str(dossier)}
    with asyncio.Runner() as boucle:
        services = construire_services(charger(environnement), environnement)
        state = build_state(services)
        boucle.run(services.registre.ouvrir())
        boucle.run(services.gardien.ouvrir())
        state.health.ouvrir(())
        try:
            yield Bord(application(state), boucle, dossier, environnement, monde.jeton("ml"))
        finally:
            boucle.run(services.fermer())

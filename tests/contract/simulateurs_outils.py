"""Simulators of the handmade population on a free loopback port, and a client that asks no proxy."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from fixtures.controle import application
from fixtures.population.modele import Population
from fixtures.serveurs import HOTE, Serveurs, reserver
from fixtures.simulateurs.application import Partenaires
from fixtures.simulateurs.commun import Contexte, locataires
from fixtures.telecommande import Telecommande, client_http


@dataclass(frozen=True, slots=True)
class Banc:
    """Running simulators."""

    http: httpx.Client
    controle: Telecommande
    population: Population
    port: int

    def secret(self, systeme: str, uai: str) -> str:
        return next(une.secret for une in locataires(self.population, systeme) if une.uai == uai)

    def ypareo(self, ressource: str, uai: str, **params: str) -> httpx.Response:
        chemin = f"/ypareo/{uai.lower()}/index.php/r/v1/{ressource}"
        return self.http.get(chemin, params=params, headers={"X-Auth-Token": self.secret("ypareo", uai)})

    def gestibase(self, uai: str, **params: int) -> httpx.Response:
        return self.http.get("/gestibase/export/eleves.csv", params={"cle": self.secret("gestibase", uai), **params})

    def aimaira(self, entite: str, uai: str, **params: int) -> httpx.Response:
        options = {f"${nom}": valeur for nom, valeur in params.items()}
        entetes = {"X-ApiKey": self.secret("aimaira", uai)}
        return self.http.get(f"/aimaira/{uai.lower()}/GraphV1/{entite}", params=options, headers=entetes)


@contextmanager
def banc(population: Population, quota_gestibase: int = 60) -> Iterator[Banc]:
    prise = reserver(0)
    port = prise.getsockname()[1]
    partenaires = Partenaires(Contexte(population, quota_gestibase=quota_gestibase))
    app = application(partenaires, lambda p: iter([{"nom": une.nom} for une in p.personnes]))
    url = f"http://{HOTE}:{port}"
    with Serveurs([(prise, app)]), client_http(url) as http, Telecommande(url) as controle:
        controle.regler(datetime.combine(population.aujourdhui, datetime.min.time().replace(hour=12), UTC))
        yield Banc(http, controle, population, port)


def lignes_ypareo(reponse: httpx.Response) -> list[dict[str, Any]]:
    """The rows of a list endpoint, whether it answered a list or an object keyed by code."""
    corps = reponse.json()
    return list(corps.values()) if isinstance(corps, dict) else list(corps)

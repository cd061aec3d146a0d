"""Simulators of the handmade population on a free loopback port, and a client that asks no proxy."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from fixtures.control import application
from fixtures.population.model import Population
from fixtures.remote_control import RemoteControl, client_http
from fixtures.servers import HOST, Servers, reserve
from fixtures.simulators.application import Partners
from fixtures.simulators.common import Context, tenants


@dataclass(frozen=True, slots=True)
class RunningSimulators:
    """Running simulators."""

    http: httpx.Client
    check: RemoteControl
    population: Population
    port: int

    def secret(self, system: str, uai: str) -> str:
        return next(one.secret for one in tenants(self.population, system) if one.uai == uai)

    def ypareo(self, resource: str, uai: str, **params: str) -> httpx.Response:
        path = f"/ypareo/{uai.lower()}/index.php/r/v1/{resource}"
        return self.http.get(path, params=params, headers={"X-Auth-Token": self.secret("ypareo", uai)})

    def gestibase(self, uai: str, **params: int) -> httpx.Response:
        return self.http.get("/gestibase/export/eleves.csv", params={"cle": self.secret("gestibase", uai), **params})

    def aimaira(self, entity: str, uai: str, **params: int) -> httpx.Response:
        options = {f"${name}": value for name, value in params.items()}
        headers = {"X-ApiKey": self.secret("aimaira", uai)}
        return self.http.get(f"/aimaira/{uai.lower()}/GraphV1/{entity}", params=options, headers=headers)


@contextmanager
def running_simulators(population: Population, quota_gestibase: int = 60) -> Iterator[RunningSimulators]:
    taken = reserve(0)
    port = taken.getsockname()[1]
    partners = Partners(Context(population, quota_gestibase=quota_gestibase))
    app = application(partners, lambda p: iter([{"nom": one.nom} for one in p.persons]))
    url = f"http://{HOST}:{port}"
    with Servers([(taken, app)]), client_http(url) as http, RemoteControl(url) as check:
        check.set_pragmas(datetime.combine(population.today, datetime.min.time().replace(hour=12), UTC))
        yield RunningSimulators(http, check, population, port)


def ypareo_rows(reponse: httpx.Response) -> list[dict[str, Any]]:
    """The rows of a list endpoint, whether it answered a list or an object keyed by code."""
    body = reponse.json()
    return list(body.values()) if isinstance(body, dict) else list(body)

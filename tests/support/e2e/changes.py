"""A change made at a partner, and how long a gateway takes to show it: what the tests of events share."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from fixtures.gateway_process import LaunchedGateway
from fixtures.population.model import Account
from fixtures.world import World
from tests.support.e2e.queries import until_complete
from tests.support.figures import note
from tests.support.today import TODAY

LIST = """query L($n: Int!) { ruptures(first: $n) { edges { node { date cause contrat { cfa { uai } }
  jeune { nom dateNaissance suivi { situation } } } } } }"""
PROMISED = 5.0  # seconds
RIGHT_SOURCES = 60.0  # a busy machine: what is judged is that it is seen, and the figure is printed

View = list[dict[str, Any]]


def read(world: World, gateway: LaunchedGateway) -> View:
    response = until_complete(gateway, world.token("ml"), LIST, n=100)
    return [edge["node"] for edge in response["data"]["ruptures"]["edges"]]


def wait(view: Callable[[], bool]) -> float:
    """Seconds until it is seen, asked again and again as a page that refreshes would."""
    debut = time.monotonic()
    while not view():
        assert time.monotonic() - debut < RIGHT_SOURCES, "never seen"
        time.sleep(0.05)
    return time.monotonic() - debut


def suivi(nodes: View, account: Account) -> str | None:
    who = (account.person.nom, account.person.date_naissance.isoformat())
    found = [n["jeune"]["suivi"] for n in nodes if (n["jeune"]["nom"], n["jeune"]["dateNaissance"]) == who]
    return found[0]["situation"] if found and found[0] else None


def followed(world: World, nodes: View) -> Account:
    """A person of that list with a follow-up."""
    code = world.clients["ml"].organisation
    return next(account for account in world.population.accounts["imilo"][code] if suivi(nodes, account) is not None)


def write_suivi(world: World, *processus: LaunchedGateway) -> list[float]:
    """Seconds until each process shows a follow-up written at i-milo, and told three times."""
    nodes = read(world, processus[0])
    account = followed(world, nodes)
    situation = "AUTRE" if suivi(nodes, account) == "REORIENTATION" else "REORIENTATION"
    for one in processus:
        assert suivi(read(world, one), account) not in (None, situation)
    world.check.change("imilo", account.key, "situation", situation, times=3)
    return [wait(partial(suivi_is, world, one, account, situation)) for one in processus]


def suivi_is(world: World, gateway: LaunchedGateway, account: Account, situation: str) -> bool:
    return suivi(read(world, gateway), account) == situation


def enter_rupture(world: World, day: date, *processus: LaunchedGateway) -> list[float]:
    """Seconds until each process shows a rupture typed at Aimaira, and told three times."""
    uai, account = broken_off(world, processus[0])
    for one in processus:
        assert not _rupture_le(world, one, (uai, account), day)
    world.check.change("aimaira", f"{uai}/{account.key}", "rupture", day.isoformat(), times=3)
    return [wait(partial(_rupture_le, world, one, (uai, account), day)) for one in processus]


def broken_off(world: World, gateway: LaunchedGateway) -> tuple[str, Account]:
    """A person of Aimaira whose rupture the list shows, with the CFA."""
    nodes = read(world, gateway)
    return next(
        (uai, account)
        for uai, accounts in world.population.accounts["aimaira"].items()
        for account in accounts
        if any(_its_own(node, uai, account) for node in nodes)
    )


def _rupture_le(world: World, gateway: LaunchedGateway, record: tuple[str, Account], day: date) -> bool:
    return any(node["date"] == day.isoformat() and _its_own(node, *record) for node in read(world, gateway))


def _its_own(node: dict[str, Any], uai: str, account: Account) -> bool:
    who = (account.person.nom, account.person.date_naissance.isoformat())
    return node["contrat"]["cfa"]["uai"] == uai and (node["jeune"]["nom"], node["jeune"]["dateNaissance"]) == who


def tell(what: str, delays: list[float]) -> None:
    note(f"{what} → visible : {', '.join(f'{timeout:.1f}' for timeout in delays)} s (promis ≤ {PROMISED:.0f} s)")


@contextmanager
def small_world(record: Path) -> Iterator[World]:
    """A small world whose partners tell their changes, for one file of tests alone: its people change."""
    world = World.generated(record, jeunes=600, departements=("02",), today=TODAY, noise=0.0)
    world.evenements = True
    with world:
        yield world

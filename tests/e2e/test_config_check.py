"""`config check --en-ligne` before a start: each of those a gateway asks is told, whether it answers or not."""

from collections.abc import Iterator

import pytest

from fixtures import gateway_process
from fixtures.world import World


@pytest.fixture
def sound(world: World) -> Iterator[None]:
    yield
    world.check.lift_faults()


def checked(world: World, **env: str) -> tuple[int, list[str]]:
    told = gateway_process.run(("config", "check", "--en-ligne"), {**world.environment, **env})
    assert told.stderr == ""
    return told.returncode, told.stdout.splitlines()


def test_all_that_a_gateway_asks_answers(world: World, redis_url: str) -> None:
    code, told = checked(world, GATEWAY_CACHE_URL=redis_url)
    assert code == 0
    assert told[0] == f"émetteur {world.identity_url} : répond"
    assert told[1] == "GATEWAY_CACHE_URL : répond"
    partners = ("aimaira", "digiforma", "gestibase", "imilo", "referentiel", "registre", "scform", "ypareo")
    assert told[2:] == [*(f"partenaire {name} : répond" for name in partners), "configuration sans faute"]


def test_each_that_does_not_is_named_with_its_reason(world: World, sound: None) -> None:
    world.check.fault("gestibase", "refuse")
    absent = {
        "GATEWAY_CACHE_URL": "redis://127.0.0.1:1/0",
        "GATEWAY_JOURNAL_URL": "postgresql://compte:motdepasse@127.0.0.1:1/base",
    }
    code, told = checked(world, **absent)
    assert (code, told[-1]) == (1, "3 ne répond(ent) pas")
    silent = [line for line in told if not line.endswith(": répond")][:-1]
    assert [line.split(" : ")[0] for line in silent] == [
        "GATEWAY_JOURNAL_URL",
        "GATEWAY_CACHE_URL",
        "partenaire gestibase",
    ]
    assert all(line.partition(" : ")[2] for line in silent)
    assert "motdepasse" not in "".join(told)

"""What earlier versions wrote opens with the code of the day: ids, cursors, keys, journal, registry, links, referential, Redis.

The shared cache is not kept: it may start empty.
"""

import asyncio
import base64
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import redis

from gateway.cache.factory import open_cache
from gateway.cache.sealed import SealedCodec
from gateway.config import load
from gateway.domain.seal import OpaqueIds, Sealer
from gateway.redis_client import open_redis
from gateway.sources.codec import codec
from gateway.sources.harvest.referentiel import _reread
from gateway.sources.http.issuers import JwksFile
from gateway.sources.resilience.budgets import Departure, WindowQuota
from gateway.sources.resilience.shared_pacing import SharedPacer
from gateway.sources.units import UnitResult
from gateway.stores.quota_counters import Allowance, RateLimits
from gateway.stores.registry import RegistryStore
from gateway.stores.shared_counters import SharedCounters
from tests.at_rest.opened import KINDS, VERSIONS, Migrated, Opened, answers, as_written, ask, run
from tests.at_rest.record import CLIENT, LEASED, MARKED
from tests.support.databases import read
from tests.support.redis_server import redis_breaker

VERSION_DIRECTORIES = sorted(VERSIONS.glob("v*"))
BEFORE_HISTORIES = VERSIONS / "v0.1.0"
PSEUDONYM = re.compile("[0-9a-f]{32}")
SHORT_WINDOW = b"passerelle:d:{aimaira}"  # a second long: a version that was not asking just then kept none
RECORD_KEYS = "SELECT cle, objet FROM liens"
LEAST_TTL = 600  # seconds: what was about to expire when it was written must last as long as a test


@pytest.fixture(params=VERSION_DIRECTORIES, ids=lambda version: version.name)
def version(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


@pytest.fixture(params=KINDS)
def data(version: Path, tmp_path: Path, request: pytest.FixtureRequest, migrated: Migrated) -> Iterator[Opened]:
    with migrated.opened(version, tmp_path, request.param) as copy:
        yield copy


def test_some_version_is_kept() -> None:
    assert [version.name for version in VERSION_DIRECTORIES] == ["v0.1.0", "v0.2.0"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_former_version_wrote_is_refused_until_it_is_migrated(tmp_path: Path, kind: str) -> None:
    with as_written(BEFORE_HISTORIES, tmp_path, kind) as data:
        for command in (("serve",), ("journal", "verifier"), ("moisson",)):
            refused = run({**data.environment, "PORT": "0", "ADMIN_PORT": "0"}, *command)
            store = "registre" if command == ("moisson",) else "journal"
            line = f"configuration : {store} : base antérieure à cette passerelle ; la migrer : « python -m gateway base migrer »"
            assert (refused.returncode, refused.stderr.splitlines()[-1]) == (2, line)
        assert len(data.command("base", "migrer").splitlines()) == (3 if kind == "sqlite" else 8)
        assert data.command("journal", "verifier") == data.expected["verified"]


def test_the_journal_verifies_through_its_anchor(data: Opened) -> None:
    assert data.command("journal", "verifier", "--ancre", data.expected["anchor"]) == data.expected["verified"]


def test_the_readers_of_a_person_are_told(data: Opened) -> None:
    told = _readings(data.command("journal", "personne", data.expected["ids"]["jeunes"][0]).splitlines())
    assert told == _readings(data.expected["readers"])
    assert len(told) >= 2


def _readings(lines: list[str]) -> list[tuple[datetime, list[str]]]:
    """What lines tell, whichever version wrote them: 0.1.0 gave no header and no name, and the time of Greenwich."""
    rows = [line.split("\t") for line in lines if not line.startswith("quand\t")]
    return [(datetime.fromisoformat(when), others[:7]) for when, *others in rows]


def test_ids_cursors_and_the_api_key_go_on(data: Opened) -> None:
    """The registry alone is asked, and links tell whose id it is: nothing new is linked."""
    before = _links(data)
    with data.gateway() as gateway:
        told = answers(gateway, data.expected["cle_api"], data.expected)
        moi = ask(gateway, data.expected["cle_api"], "{ moi { profil } }")
    assert _without_case(told) == _without_case(data.expected["answers"])  # names are shown in order since
    assert any(jeune and jeune["nom"] and jeune["contrats"] for jeune in told["jeunes"].values())
    assert any(told["nodes"].values())
    assert told["after"]["edges"]
    assert moi["moi"]["profil"] == "SI_PARTENAIRE"
    assert before
    assert _links(data) == before
    assert data.command("journal", "verifier", "--ancre", data.expected["anchor"]) != data.expected["verified"]


def _without_case(value: Any) -> Any:
    """The same, its names whatever their capitals."""
    if isinstance(value, dict):
        names = {"nom", "prenom"}
        return {k: v.casefold() if k in names and isinstance(v, str) else _without_case(v) for k, v in value.items()}
    return [_without_case(one) for one in value] if isinstance(value, list) else value


def test_every_row_of_the_registry_opens(data: Opened, caplog: pytest.LogCaptureFixture) -> None:
    cfas = [cfa for (cfa,) in read(_base(data, "registre.sqlite"), "SELECT DISTINCT cfa FROM registre_lignes")]
    rows = read(_base(data, "registre.sqlite"), "SELECT count(*) FROM registre_lignes")[0][0]
    read_rows = asyncio.run(_registry_rows(data, [cfa for cfa in cfas if cfa]))
    assert read_rows == rows > 50
    assert "altérée" not in caplog.text


async def _registry_rows(data: Opened, cfas: list[str]) -> int:
    registry = RegistryStore(_base(data, "registre.sqlite"), _sealer(data))
    try:
        await registry.open()
        contrats = await registry.contrats([], cfas, [])
        return sum(len(registry.payloads(contrat)) for contrat in contrats)
    finally:
        await registry.close()


def test_the_referential_and_the_key_set_are_read(version: Path, tmp_path: Path, migrated: Migrated) -> None:
    with migrated.opened(version, tmp_path, "sqlite") as data:
        configuration = load(data.environment)
        referentiel = _reread(configuration.donnees / "referentiel.json")
        kept = JwksFile(configuration.donnees / "jwks.scelle", configuration.sealer, data.expected["issuer"])
        read_at, key_set = kept.resume() or (0, b"")
    assert referentiel.communes
    assert referentiel.missions_locales
    assert referentiel.organismes
    assert read_at > 1_700_000_000
    assert json.loads(key_set)["keys"]


def test_redis_is_understood(version: Path, tmp_path: Path, redis_url: str, migrated: Migrated) -> None:
    """What was kept, under the names of today: each is found again, a caller's minute and a tenant's go on."""
    kept = json.loads((version / "redis.json").read_text(encoding="utf-8"))
    url = f"{redis_url.removesuffix('/0')}/200"
    with migrated.opened(version, tmp_path, "sqlite") as data, closing(redis.Redis.from_url(url)) as client:
        client.flushdb()
        _restore(client, kept, _name_of_today(data))
        before = set(client.scan_iter())
        spent, waited = asyncio.run(_understood(url, data, kept))
        assert set(client.scan_iter()) <= before | {SHORT_WINDOW}, "a name was not found again"
    assert 0 < spent < 10_000
    assert not waited.permit


def test_minutes_under_the_names_of_before_start_again(tmp_path: Path, redis_url: str, migrated: Migrated) -> None:
    """Tenants and callers have had names that tell nothing since: nothing is spent, and what stood there is left alone."""
    kept = json.loads((BEFORE_HISTORIES / "redis.json").read_text(encoding="utf-8"))
    url = f"{redis_url.removesuffix('/0')}/201"
    with migrated.opened(BEFORE_HISTORIES, tmp_path, "sqlite") as data, closing(redis.Redis.from_url(url)) as client:
        client.flushdb()
        _restore(client, kept, lambda name: name)
        before = set(client.scan_iter())
        spent, waited = asyncio.run(_understood(url, data, kept))
        assert before <= set(client.scan_iter())
    assert spent == 0
    assert waited.permit


async def _understood(url: str, data: Opened, kept: dict[str, Any]) -> tuple[int, Departure]:
    """What a caller has spent of its minute, and when a tenant may be asked."""
    await _cache_goes_on(url, data, kept)
    limit = 10**12
    async with open_redis(url) as client:
        shared_pacer = SharedPacer(client, redis_breaker(), _sealed_codec(data).name)
        counters = RateLimits(SharedCounters(client, redis_breaker()))
        balance = await counters.balance(Allowance("cout", limit), _caller(data, CLIENT))
        full = (WindowQuota(1000, 1.0), WindowQuota(1, 36_000.0))  # of the partner, of its tenant
        waited = await shared_pacer.depart("aimaira", "0029003A", full)
    assert waited is not None
    return limit - balance.left, waited


async def _cache_goes_on(url: str, data: Opened, kept: dict[str, Any]) -> None:
    """Marks and leases hold; a tag keeps its generation."""
    sealed_codec = _sealed_codec(data)
    cache = open_cache(open_redis(url), sealed_codec, redis_breaker())
    try:
        assert await cache.mark(MARKED) == kept["mark"]
        assert await cache.acquire(LEASED, 60.0) is None
        kept_generation = kept["keys"][f"passerelle:g:{sealed_codec.name('aimaira')}"]["base64"][0]
        assert await cache.generation("aimaira") == base64.b64decode(kept_generation).decode()
    finally:
        await cache.aclose()


def _sealed_codec(data: Opened) -> SealedCodec:
    return SealedCodec([_sealer(data)], codec(UnitResult))


def _caller(data: Opened, client: str) -> str:
    return OpaqueIds(_sealer(data)).stand_in(f"client/{client}")


def _name_of_today(data: Opened) -> Callable[[str], str]:
    """The name that a key has had since tenants and callers stand there by their pseudonyms, and all under one prefix."""

    def name_today(name: str) -> str:
        partner, _, tenant = name.rpartition(":")
        if name.startswith("passerelle:d:") and not PSEUDONYM.fullmatch(tenant):
            return f"{partner}:{_sealed_codec(data).name(tenant)}"
        if name.startswith("LIMITS:"):
            window, allowance, client, rest = name.split("/", 3)
            return f"passerelle:c:{window.removeprefix('LIMITS:')}/{allowance}/{_caller(data, client)}/{rest}"
        return name

    return name_today


def _restore(client: Any, kept: dict[str, Any], renamed: Callable[[str], str]) -> None:
    """As they were, departures moved to now."""
    since = round((time.time() - kept["written_at"]) * 1_000_000)
    for former, key in kept["keys"].items():
        name = renamed(former)
        values = [base64.b64decode(value) for value in key["base64"]]
        if key["type"] == "list":
            client.rpush(name, *(str(int(value) + since) for value in values))
        else:
            client.set(name, values[0])
        client.expire(name, max(key["ttl"], LEAST_TTL))


def _links(data: Opened) -> set[tuple[Any, ...]]:
    return set(read(_base(data, "liens.sqlite"), RECORD_KEYS))


def _base(data: Opened, file: str) -> str:
    sqlite = f"sqlite+aiosqlite:///{data.record / 'donnees' / file}"
    return data.environment.get("GATEWAY_DATABASE_URL", sqlite)


def _sealer(data: Opened) -> Sealer:
    return Sealer.from_text(data.environment["GATEWAY_CLE"])


@pytest.mark.parametrize("version", VERSION_DIRECTORIES[-1:], ids=lambda version: version.name, indirect=True)
def test_keys_turn_and_what_was_given_goes_on(data: Opened) -> None:
    """As docs/exploitation.md has it: the new key beside the former one, `cle tourner`, then without the former one."""
    former, new = data.environment["GATEWAY_CLE"], base64.urlsafe_b64encode(b"n" * 32).decode()
    both = {"GATEWAY_CLES": f"{new},{former}", "GATEWAY_CLES_JOURNAL": f"{new},{former}"}
    told = run({**data.environment, **both}, "cle", "tourner")
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.splitlines()[0] == "journal : signé désormais par la première clé de GATEWAY_CLES_JOURNAL"
    assert told.stdout.splitlines()[-1] == "GATEWAY_CLES : la première clé scelle tout ; les autres peuvent être ôtées"
    alone = {**both, "GATEWAY_CLES": new, "GATEWAY_CLE_IDENTIFIANTS": former, "GATEWAY_CACHE_CLES": new}
    turned = {name: value for name, value in data.environment.items() if name != "GATEWAY_CLE"} | alone
    after = Opened(data.record, turned, data.expected)
    assert after.command("journal", "verifier", "--ancre", data.expected["anchor"]) == data.expected["verified"]
    with after.gateway() as gateway:
        answered = answers(gateway, data.expected["cle_api"], data.expected)
    assert _without_case(answered) == _without_case(data.expected["answers"])
    assert after.command("journal", "verifier", "--ancre", data.expected["anchor"]) != data.expected["verified"]
    former_alone = run({**turned, "GATEWAY_CLES_JOURNAL": former}, "journal", "recompter")
    assert (former_alone.returncode, former_alone.stderr.startswith("configuration : journal : scellé par")) == (
        2,
        True,
    )

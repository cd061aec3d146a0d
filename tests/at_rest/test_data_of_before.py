"""What earlier versions wrote opens with the code of the day: ids, cursors, keys, journal, registry, links, referential, Redis.

The shared cache is not kept: it may start empty.
"""

import asyncio
import base64
import json
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import redis

from gateway.cache.coffre import Coffre
from gateway.cache.ouverture import ouvrir_cache
from gateway.config import charger
from gateway.domain.sceau import Sceau
from gateway.sources.codec import codec
from gateway.sources.departs import Departs
from gateway.sources.referentiel import _relire
from gateway.sources.resilience.cadence import Quota
from gateway.sources.unites import Resultat
from gateway.stores.cles import ReserveDeCles
from gateway.stores.debits import Debit, Debits
from gateway.stores.registre import Registre
from tests.at_rest.opened import KINDS, VERSIONS, Opened, answers, ask, opened
from tests.at_rest.record import CLIENT, LEASED, MARKED
from tests.bases import lire

VERSION_DIRECTORIES = sorted(VERSIONS.glob("v*"))
RECORD_KEYS = "SELECT cle, objet FROM liens"
LEAST_TTL = 600  # seconds: what was about to expire when it was written must last as long as a test


@pytest.fixture(params=VERSION_DIRECTORIES, ids=lambda version: version.name)
def version(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


@pytest.fixture(params=KINDS)
def data(version: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Opened]:
    with opened(version, tmp_path, request.param) as copie:
        yield copie


def test_some_version_is_kept() -> None:
    assert [version.name for version in VERSION_DIRECTORIES][:1] == ["v0.1.0"]


def test_the_journal_verifies_through_its_anchor(data: Opened) -> None:
    assert data.command("journal", "verifier", "--ancre", data.expected["anchor"]) == data.expected["verified"]


def test_the_readers_of_a_person_are_told(data: Opened) -> None:
    told = data.command("journal", "personne", data.expected["ids"]["jeunes"][0]).splitlines()
    assert told == data.expected["readers"]
    assert len(told) >= 2


def test_ids_cursors_and_the_api_key_go_on(data: Opened) -> None:
    """The registry alone is asked, and links tell whose id it is: nothing new is linked."""
    before = _links(data)
    with data.gateway() as passerelle:
        told = answers(passerelle, data.expected["cle_api"], data.expected)
        moi = ask(passerelle, data.expected["cle_api"], "{ moi { profil } }")
    assert told == data.expected["answers"]
    assert any(jeune and jeune["nom"] and jeune["contrats"] for jeune in told["jeunes"].values())
    assert any(told["nodes"].values())
    assert told["after"]["edges"]
    assert moi["moi"]["profil"] == "SI_PARTENAIRE"
    assert before
    assert _links(data) == before
    assert data.command("journal", "verifier", "--ancre", data.expected["anchor"]) != data.expected["verified"]


def test_every_row_of_the_registry_opens(data: Opened, caplog: pytest.LogCaptureFixture) -> None:
    cfas = [cfa for (cfa,) in lire(_base(data, "registre.sqlite"), "SELECT DISTINCT cfa FROM registre_lignes")]
    rows = lire(_base(data, "registre.sqlite"), "SELECT count(*) FROM registre_lignes")[0][0]
    read = asyncio.run(_registry_rows(data, [cfa for cfa in cfas if cfa]))
    assert read == rows > 50
    assert "altérée" not in caplog.text


async def _registry_rows(data: Opened, cfas: list[str]) -> int:
    registre = Registre(_base(data, "registre.sqlite"), _sealer(data))
    try:
        await registre.ouvrir()
        contrats = await registre.contrats([], cfas, [])
        return sum(len(registre.charges(contrat)) for contrat in contrats)
    finally:
        await registre.fermer()


def test_the_referential_and_the_key_set_are_read(version: Path, tmp_path: Path) -> None:
    with opened(version, tmp_path, "sqlite") as data:
        configuration = charger(data.environment)
        referentiel = _relire(configuration.donnees / "referentiel.json")
        read_at, key_set = ReserveDeCles(configuration.donnees / "jwks.scelle", configuration.sceau).reprendre() or (
            0,
            b"",
        )
    assert referentiel.communes
    assert referentiel.missions_locales
    assert referentiel.organismes
    assert read_at > 1_700_000_000
    assert json.loads(key_set)["keys"]


def test_redis_is_understood(version: Path, tmp_path: Path, url_redis: str) -> None:
    kept = json.loads((version / "redis.json").read_text(encoding="utf-8"))
    url = f"{url_redis.removesuffix('/0')}/200"
    with opened(version, tmp_path, "sqlite") as data, closing(redis.Redis.from_url(url)) as client:
        client.flushdb()
        _restore(client, kept)
        before = set(client.scan_iter())
        asyncio.run(_understood(url, data, kept))
        assert set(client.scan_iter()) == before, "a name of before was not found again"


async def _understood(url: str, data: Opened, kept: dict[str, Any]) -> None:
    await _cache_goes_on(url, data, kept)
    debits = Debits(url)
    try:
        limite = 10**12
        assert 0 < limite - (await debits.solde(Debit("cout", limite), CLIENT)).reste < 10_000
    finally:
        await debits.fermer()
    departs = Departs(url)
    try:
        full = (Quota(1000, 1.0), Quota(1, 36_000.0))  # of the partner, of its tenant
        waited = await departs.partir("aimaira", "0029003A", full)
    finally:
        await departs.aclose()
    assert waited is not None
    assert not waited.permis


async def _cache_goes_on(url: str, data: Opened, kept: dict[str, Any]) -> None:
    """Marks and leases hold; a tag keeps its generation."""
    coffre = Coffre([_sealer(data)], codec(Resultat))
    cache = ouvrir_cache(url, coffre)
    try:
        assert await cache.marque(MARKED) == kept["mark"]
        assert await cache.prendre(LEASED, 60.0) is None
        kept_generation = kept["keys"][f"passerelle:g:{coffre.nom('aimaira')}"]["base64"][0]
        assert await cache.generation("aimaira") == base64.b64decode(kept_generation).decode()
    finally:
        await cache.aclose()


def _restore(client: Any, kept: dict[str, Any]) -> None:
    """As they were, departures moved to now."""
    since = round((time.time() - kept["written_at"]) * 1_000_000)
    for nom, key in kept["keys"].items():
        values = [base64.b64decode(value) for value in key["base64"]]
        if key["type"] == "list":
            client.rpush(nom, *(str(int(value) + since) for value in values))
        else:
            client.set(nom, values[0])
        client.expire(nom, max(key["ttl"], LEAST_TTL))


def _links(data: Opened) -> set[tuple[Any, ...]]:
    return set(lire(_base(data, "liens.sqlite"), RECORD_KEYS))


def _base(data: Opened, fichier: str) -> str:
    sqlite = f"sqlite+aiosqlite:///{data.dossier / 'donnees' / fichier}"
    return data.environment.get("GATEWAY_DATABASE_URL", sqlite)


def _sealer(data: Opened) -> Sceau:
    return Sceau.depuis_texte(data.environment["GATEWAY_CLE"])

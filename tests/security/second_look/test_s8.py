"""S8: nothing at rest names whom it should not: questions in the journal, callers and tenants in Redis; counters are proven."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import redis
from sqlalchemy import text

from fixtures.world import World
from gateway.audit.entries import act
from gateway.auth.authentication.clients import DEFAULTS, caps, windows
from gateway.auth.policy.rules import Profil
from gateway.domain.quota_rules import CountUnder
from gateway.domain.seal import Sealer
from gateway.stores.derive_counts import count_again
from gateway.stores.journal import Journal, JournalEntry
from gateway.stores.journal_queries import verify_counts
from tests.support.databases import BASES, read, write
from tests.support.security.accounts import FewPersons, few_persons, refusal
from tests.support.unit.accounts import account
from tests.support.unit.links import T0

KEYS = "quota_personnes_jour = 6\nintrouvables_10_minutes = 5"
AGENT = "prenom.nom.du.conseiller"
COUNTS_FAULT = "les compteurs des quotas ne correspondent pas aux entrées"
ALTERATIONS = (
    "DELETE FROM quota_lues",
    "DELETE FROM quota_lues WHERE portee = 'ORGANISATION'",
    "UPDATE quota_lues SET jour = '2020-01-01'",
    "UPDATE quota_lues SET qui = qui || 'x' WHERE portee = 'COMPTE'",
    "UPDATE quota_lues SET personne = personne + 1 WHERE portee = 'CLIENT'",
)


@pytest.fixture(scope="module", params=BASES)
def few(
    request: pytest.FixtureRequest, world: World, tmp_path_factory: pytest.TempPathFactory, redis_url: str
) -> Iterator[FewPersons]:
    """Each test reads as an agent of its own."""
    base = str(request.param)
    cache = f"{redis_url.removesuffix('/0')}/{80 + BASES.index(base)}"
    with few_persons(world, tmp_path_factory.mktemp("s8"), base, cache, KEYS) as opened:
        yield opened


def test_s8_what_is_at_rest_names_no_caller_no_tenant_and_no_id(few: FewPersons) -> None:
    with closing(redis.Redis.from_url(few.environment["GATEWAY_CACHE_URL"])) as client:
        assert refusal(few.read("ml", AGENT, [*few.ids[:5], "inconnu"])) is None
        kept = [bytes(name).decode() for name in client.scan_iter()]
        tenants = {
            line.split(",")[0]
            for file in Path(few.environment["GATEWAY_CONFIG"]).glob("partenaires/*.csv")
            for line in file.read_text().split()
        }
        assert len(tenants) > 5
        assert any(":d:" in name for name in kept)
        assert any("introuvables" in name for name in kept)
        named = ("ml", AGENT, "si-partenaire", *tenants)
        assert [name for name in kept for part in name.replace(":", "/").split("/") if part in named] == []
        code, told = few.command("personne", few.ids[0])
        assert (code, AGENT in told, told.count("\n")) == (0, True, told.count("\n"))
        (asked,) = (
            content
            for (written,) in read(few.environment["GATEWAY_JOURNAL_URL"], "SELECT contenu FROM journal_entrees")
            if (content := json.loads(written))["acte"] == "CONSULTATION"
        )
        assert len(asked["identifiant"]) == 16
        assert few.ids[0] not in json.dumps(asked)


def test_s8_counters_that_were_taken_away_are_told_and_made_again(few: FewPersons) -> None:
    journal = few.environment["GATEWAY_JOURNAL_URL"]
    assert refusal(few.read("ml", "x", few.ids[:5])) is None
    before = sorted(read(journal, "SELECT portee, qui, personne, jour FROM quota_lues"))
    assert few.command("verifier")[0] == 0
    write(journal, "DELETE FROM quota_lues")
    assert few.command("verifier") == (1, COUNTS_FAULT)
    assert few.command("recompter") == (0, f"{len(before)} compteur(s) refait(s)")
    assert sorted(read(journal, "SELECT portee, qui, personne, jour FROM quota_lues")) == before
    assert few.command("verifier")[0] == 0


@pytest.mark.anyio
async def test_s8_every_alteration_of_a_counter_is_told(url: str) -> None:
    journal, day = Journal(url, Sealer(bytes(range(32)))), T0.date()
    await journal.open()
    for agent in "ab":
        own = caps(DEFAULTS, Profil.MISSION_LOCALE, account(agent), "ML/59", day)
        content = act("LECTURE", T0, fiches=True, comptes={cap.scope: cap.who for cap in own})
        shown = ("p", f"p{agent}"), CountUnder(own, "ML/59", 100), (("d",), (f"d{agent}",))
        await journal.append(JournalEntry(content, *shown))
    for alteration in ALTERATIONS:
        assert await verify_counts(journal, windows(day), day) is None
        async with journal.engine.begin() as connection:
            await connection.execute(text(alteration))
        assert await verify_counts(journal, windows(day), day) == COUNTS_FAULT, alteration
        assert await count_again(journal, windows(day), day) == 2 + 2 + 3 + 3 + 1 + 1
    await journal.close()

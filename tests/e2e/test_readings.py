"""Reading, counted and written by a real gateway: nothing nominative leaves before, nothing beyond the quotas."""

import contextlib
import random
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from fixtures.gateway_process import LaunchedGateway, wait
from fixtures.world import World
from gateway.__main__ import main
from gateway.audit.entries import act
from gateway.audit.quotas_and_journal import account_of
from gateway.auth.authentication.clients import ClientQuotas, caps
from gateway.auth.policy.rules import Profil
from gateway.domain.quota_rules import CountUnder
from gateway.domain.seal import OpaqueIds, Sealer
from gateway.edge.guard import VALIDITY
from gateway.stores.journal import Journal, JournalEntry
from gateway.stores.journal_queries import verify_chain
from tests.support.databases import base, write
from tests.support.e2e.queries import ALL, until_complete
from tests.support.e2e.readings import bytes_of, contents, entries, journal_de, request, without_entries
from tests.support.pair import counter, empty_database, metrics, nodes
from tests.support.resilience.lifecycle import ready

RUPTURES = "{ ruptures(first: 3) { edges { node { jeune { id nom telephone ine } } } } }"
ACCOUNT = "{ ruptures { totalCount } }"
FEW = "[clients.ml-quota]\nquota_personnes_jour = 5\nintrouvables_10_minutes = 5\ncout_minute = 3000\n"


Command = Callable[..., tuple[int, str]]


@pytest.fixture
def command(world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """`python -m gateway journal …` in this process: exit code and what it prints."""

    def launch(*arguments: str, **env: str) -> tuple[int, str]:
        for name, value in {**world.environment, **env}.items():
            monkeypatch.setenv(name, value)
        capsys.readouterr()
        return main(["journal", *arguments]), capsys.readouterr().out

    return launch


@pytest.fixture(scope="module")
def few(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration by which `ml-quota` may take little."""
    assert world.record is not None
    record = tmp_path_factory.mktemp("a part")
    shutil.copytree(world.record / "partenaires", record / "partenaires")
    text = (world.record / "gateway.toml").read_text(encoding="utf-8")
    (record / "gateway.toml").write_text(text.replace('"donnees"', f'"{world.record / "donnees"}"'), encoding="utf-8")
    clients = (world.record / "clients.toml").read_text(encoding="utf-8")
    (record / "clients.toml").write_text(clients.replace("[clients.ml-quota]\n", FEW), encoding="utf-8")
    return record


@pytest.fixture(scope="module")
def a_part(world: World, few: Path) -> Iterator[tuple[LaunchedGateway, str]]:
    """A gateway whose journal, at this URL, may be broken, and the gateway killed."""
    with empty_database(world, few) as url, world.gateway(GATEWAY_CONFIG=str(few), GATEWAY_JOURNAL_URL=url) as launched:
        yield launched, url


def test_l03_a_nominative_answer_has_one_entry_and_the_others_none(world: World, gateway: LaunchedGateway) -> None:
    token = world.token("ml", agent="conseillère 12")
    until_complete(gateway, token, RUPTURES)
    response = request(gateway, token, RUPTURES)
    others = [
        request(gateway, token, partner_request) for partner_request in (ACCOUNT, "{ moi { profil } }", "{ inconnu }")
    ]
    results = entries(journal_de(world))
    entry = results[response.headers["x-request-id"]]
    persons = {edge["node"]["jeune"]["id"] for edge in response.json()["data"]["ruptures"]["edges"]}
    assert sum(group["personnes"] for group in entry["groupes"]) == len(persons) == 3
    assert (entry["client"], entry["compte"], entry["finalite"]) == ("ml", "conseillère 12", "ACCOMPAGNEMENT")
    assert entry["organisation"] == world.clients["ml"].organisation
    assert entry["coordonnees"] == {
        "IDENTITE": ["Jeune.nom"],
        "CONTACT": ["Jeune.telephone"],
        "PARCOURS": ["Rupture.jeune"],
    }
    assert entry["refus"] == ["Jeune.ine"]
    assert entry["sources"].keys() == {s["nom"] for s in response.json()["extensions"]["sources"]}
    assert not results.keys() & {other.headers["x-request-id"] for other in others}


MIX = {  # what is asked, and whether the answer shows somebody
    RUPTURES: True,
    ACCOUNT: False,
    "{ a: jeunes(first: 2) { edges { node { id } } } b: ruptures { totalCount } }": True,
    "{ jeunes(first: 2) { edges { node { ine } } } }": False,  # refused: there is no node left
    '{ jeune(id: "inconnu") { nom } }': False,
    "{ ruptures(first: 2) { edges { node { inconnu } } } }": False,
    '{ jeunes(first: 2, after: "faux") { edges { node { nom } } } }': False,
    "{ moi { profil categories } }": False,
    "{ sources { nom } contrats(first: 1) { edges { node { numero } } } }": True,
}


def test_l03_whatever_is_asked_at_once_has_one_entry_if_it_shows_somebody(
    world: World, gateway: LaunchedGateway
) -> None:
    token = world.token("ml")
    until_complete(gateway, token, RUPTURES)
    requests = random.Random(7).choices(list(MIX), k=40)
    with ThreadPoolExecutor(8) as readers:
        responses = list(readers.map(lambda partner_request: request(gateway, token, partner_request), requests))
    written = Counter(content.get("requete") for content in contents(journal_de(world)))
    obtained_rows = [written[response.headers["x-request-id"]] for response in responses]
    assert list(zip(requests, obtained_rows, strict=True)) == [
        (partner_request, int(MIX[partner_request])) for partner_request in requests
    ]


def test_l01_nothing_of_a_person_is_in_the_files_of_the_journal(world: World, gateway: LaunchedGateway) -> None:
    response = until_complete(gateway, world.token("ml"), ALL, n=100, apres=None)
    jeunes = [edge["node"]["jeune"] for edge in response["data"]["ruptures"]["edges"]]
    content = bytes_of(journal_de(world))
    canaries = {
        jeune[champ] for jeune in jeunes for champ in ("id", "courriel", "telephone", "dateNaissance") if jeune[champ]
    }
    assert len(canaries) > len(jeunes)
    assert [canary for canary in canaries if canary.encode() in content] == []
    names = {f"{jeune['prenom']}" for jeune in jeunes} | {jeune["nom"] for jeune in jeunes}
    assert [name for name in names if len(name) > 4 and name.encode() in content] == []


def test_l08_who_read_this_person(world: World, gateway: LaunchedGateway, command: Command) -> None:
    token = world.token("ml", agent='c "7"')
    node = until_complete(gateway, token, RUPTURES)["data"]["ruptures"]["edges"][0]["node"]
    response = request(gateway, token, f'{{ jeune(id: "{node["jeune"]["id"]}") {{ prenom suivi {{ date }} }} }}')
    code, told = command("personne", node["jeune"]["id"])
    assert code == 0
    line = told.splitlines()[-1].split("\t")
    assert line[1:7] == [
        "MISSION_LOCALE", world.clients["ml"].organisation, '"c \\"7\\""', "ml", "ACCOMPAGNEMENT", "Jeune.prenom,Jeune.suivi",
    ]  # fmt: skip
    assert line[7] == response.headers["x-request-id"]
    assert command("personne", "inconnue") == (2, "")


def test_l03_store_down_refuses_what_is_nominative_and_the_rest_goes_on(
    world: World, a_part: tuple[LaunchedGateway, str]
) -> None:
    """Each process by itself: a balancer sends nothing to those that say they are not ready."""
    gateway, journal = a_part
    token = world.token("ml")
    until_complete(gateway, token, RUPTURES)
    with without_entries(journal):
        for node in nodes(gateway):
            refused = request(node, token, RUPTURES)
            assert refused.status_code == 503
            assert refused.json().keys() == {"errors"}
            assert refused.json()["errors"][0]["extensions"]["code"] == "ERREUR_INTERNE"
            assert request(node, token, ACCOUNT).json()["data"]["ruptures"]["totalCount"] > 0
        time.sleep(VALIDITY)  # what a probe found before is believed at most so long
        for node in nodes(gateway):
            assert ready(node.admin_url) == (503, ["journal"])
            assert "passerelle_journal_disponible 0.0" in metrics(node)
    for node in nodes(gateway):
        assert request(node, token, RUPTURES).status_code == 200
        assert "passerelle_journal_disponible 1.0" in metrics(node)
    wait(gateway)  # until a balancer sends requests again


def test_a10_l09_an_account_reads_its_quota_of_distinct_persons_and_no_more(
    world: World, a_part: tuple[LaunchedGateway, str]
) -> None:
    gateway, _ = a_part
    alice, benoit = world.token("ml-quota", agent="alice alice"), world.token("ml-quota", agent="benoit")
    assert until_complete(gateway, alice, RUPTURES)["data"]["ruptures"]["edges"]
    everything = request(gateway, alice, "{ jeunes(first: 20) { edges { node { nom } } } }")
    assert (everything.status_code, everything.json().keys()) == (429, {"errors"})
    assert everything.json()["errors"][0]["extensions"]["code"] == "QUOTA_ATTEINT"
    assert 0 < int(everything.headers["retry-after"]) <= 24 * 3600
    for _ in range(2):  # those already read
        assert request(gateway, alice, RUPTURES).status_code == 200
    assert request(gateway, alice, ACCOUNT).status_code == 200
    assert request(gateway, benoit, RUPTURES).status_code == 200
    assert counter(gateway, 'passerelle_quota_franchi_total{niveau="ALERTE",portee="COMPTE"}') == 2
    assert counter(gateway, 'passerelle_quota_franchi_total{niveau="ARRET",portee="COMPTE"}') == 1
    rows = [line for line in gateway.journal.read_text(encoding="utf-8").splitlines() if "quota COMPTE" in line]
    assert [line.partition("quota ")[2].partition(" requete=")[0] for line in rows] == [
        'COMPTE ALERTE : "alice alice", 3 personnes sur 5',
        'COMPTE ARRET : "alice alice", 3 personnes sur 5',
        'COMPTE ALERTE : "benoit", 3 personnes sur 5',
    ]


def test_a02_an_account_that_guesses_finds_nothing_more(world: World, a_part: tuple[LaunchedGateway, str]) -> None:
    gateway, _ = a_part
    guesser, other = world.token("ml-quota", agent="devin"), world.token("ml-quota", agent="autre")
    owner = until_complete(gateway, other, RUPTURES)["data"]["ruptures"]["edges"][0]["node"]["jeune"]["id"]
    sought = '{ rechercheJeune(nom: "Nemo", prenom: "Ada", dateNaissance: "2006-01-02") { jeune { nom } } }'
    for partner_request in (
        '{ jeune(id: "a") { nom } }',
        '{ contrat(numero: "b") { numero } }',
        sought,
        '{ node(id: "c") { id } }',
    ):
        assert request(gateway, guesser, partner_request).status_code == 200
    assert request(gateway, guesser, f'{{ jeune(id: "{owner}") {{ nom }} }}').json()["data"]["jeune"]
    too_many = request(gateway, guesser, '{ a: rupture(id: "d") { id } b: rupture(id: "e") { id } }')
    assert (too_many.status_code, too_many.json()["errors"][0]["extensions"]["code"]) == (429, "QUOTA_ATTEINT")
    assert 0 < int(too_many.headers["retry-after"]) <= 600
    assert request(gateway, guesser, f'{{ jeune(id: "{owner}") {{ nom }} }}').status_code == 429
    assert request(gateway, other, f'{{ jeune(id: "{owner}") {{ nom }} }}').status_code == 200


def test_a_client_is_told_its_pace_and_stopped_beyond(world: World, a_part: tuple[LaunchedGateway, str]) -> None:
    gateway, _ = a_part
    token = world.token("ml-quota")
    first = request(gateway, token, "{ moi { profil } }")
    assert first.headers["ratelimit-limit"] == "3000"
    rest = int(first.headers["ratelimit-remaining"])
    assert 0 < int(first.headers["ratelimit-reset"]) <= 60
    second = request(gateway, token, "{ moi { profil } }")
    assert int(second.headers["ratelimit-remaining"]) == rest - second.json()["extensions"]["cout"] - 10
    heavy = "{ jeunes(first: 500) { edges { node { id nom prenom age sexe } } } }"  # above three thousand
    refused = request(gateway, token, heavy)
    assert (refused.status_code, refused.json()["errors"][0]["extensions"]["code"]) == (429, "QUOTA_ATTEINT")
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert refused.headers["ratelimit-remaining"] == "0"
    assert request(gateway, token, "{ moi { profil } }").status_code == 429
    assert request(gateway, world.token("ml"), "{ moi { profil } }").status_code == 200


def test_l03_killed_between_the_entry_and_the_answer(
    world: World, a_part: tuple[LaunchedGateway, str], command: Command
) -> None:
    """Whenever its processes die, every answer that left has its entry, and the chain is whole."""
    gateway, journal = a_part
    processes = [node.processus for node in nodes(gateway)]
    token = world.token("ml")
    until_complete(gateway, token, RUPTURES)
    received: list[str] = []

    def read() -> None:
        while any(one.poll() is None for one in processes):
            with contextlib.suppress(httpx.TransportError):
                response = request(gateway, token, RUPTURES)
                received.append(response.headers["x-request-id"])

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    while len(received) < 30 and all(one.poll() is None for one in processes):
        time.sleep(0.001)
    for one in processes:
        one.kill()
    for reader in readers:
        reader.join()
    assert set(received) <= entries(journal).keys()
    code, told = command("verifier", GATEWAY_JOURNAL_URL=journal)
    assert (code, told.startswith("journal intègre, entrées 1 à ")) == (0, True)
    write(journal, "DELETE FROM journal_entrees WHERE numero = 3")
    assert command("verifier", GATEWAY_JOURNAL_URL=journal) == (1, "entrée 3 : manquante\n")


@pytest.mark.anyio
async def test_a10_processes_of_one_postgresql_count_together(world: World, few: Path, tmp_path: Path) -> None:
    """What another process counted, the gateway knows; killed, it leaves a chain that the other goes on with."""
    day = world.population.today
    sealer = Sealer.from_text(world.environment["GATEWAY_CLE"])
    chloe: Any = SimpleNamespace(client="ml-quota", account="chloé")
    who = account_of(OpaqueIds(sealer), chloe.client, chloe.account)
    own = caps(ClientQuotas(persons_a_day=5), Profil.MISSION_LOCALE, who, "MISSION_LOCALE/x", day)
    elsewhere = JournalEntry(act("LECTURE", datetime.now(UTC)), ("p1", "p2", "p3"), CountUnder(own, "x", 100))
    async with base("postgresql", tmp_path) as url:
        other = Journal(url, sealer)
        await other.open()
        await other.append(elsewhere)
        with world.gateway(GATEWAY_JOURNAL_URL=url, GATEWAY_CONFIG=str(few)) as gateway:
            until_complete(gateway, world.token("ml-quota", agent="didier"), RUPTURES)
            assert request(gateway, world.token("ml-quota", agent="chloé"), RUPTURES).status_code == 429
            for node in nodes(gateway):
                node.processus.kill()
        await other.append(elsewhere)
        verification = await verify_chain(other)
        await other.close()
    assert verification.fault is None
    assert verification.last.numero >= 3

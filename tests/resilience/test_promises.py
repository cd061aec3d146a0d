"""The promises of docs/fiabilite.md in real time: a gateway under load while a partner hangs, is slow, dies or comes back.

Minutes long (`make chaos`). Durations are printed beside the number to reach, and never asserted: docs/fiabilite.md.
"""

import shutil
import time
from collections.abc import Iterator

import pytest

from fixtures.gateway_process import LaunchedGateway
from fixtures.world import World
from tests.support.burst import Burst, Dial, Shot, draw_from
from tests.support.figures import note

pytestmark = pytest.mark.chaos
LIGHT = "query L($n: Int!) { ruptures(first: $n) { totalCount complet edges { node { date } } } }"
COMPLETE = """query C($n: Int!) { ruptures(first: $n) { totalCount complet edges { node { date sources
 jeune { nom telephone suivi { situation } } } } } }"""
LIVELY = (
    "duree_secondes = 5.0\nperime_secondes = 5.0\nplancher_secondes = 0"  # partners are asked all along, and waited for
)

DELAYS = {"imilo": 2.0, "gestibase": 5.0}  # seconds for one reading


@pytest.fixture(scope="module")
def lively(world: World, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A configuration whose answers last two seconds, and where two partners have little time to answer."""
    assert world.record is not None
    copy = tmp_path_factory.mktemp("vive")
    shutil.copytree(world.record / "partenaires", copy / "partenaires")
    shutil.copy(world.record / "clients.toml", copy)
    text = (world.record / "gateway.toml").read_text(encoding="utf-8")
    (copy / "gateway.toml").write_text(text.replace('"donnees"', f'"{world.record / "donnees"}"'), encoding="utf-8")
    for file in (copy / "partenaires").glob("*.toml"):
        result = file.read_text(encoding="utf-8").replace("duree_secondes = 300", LIVELY)
        if file.stem in DELAYS:
            result = result.replace("[limites]\n", f"[limites]\ndelai_secondes = {DELAYS[file.stem]}\n")
        file.write_text(result, encoding="utf-8")
    return str(copy)


@pytest.fixture
def launched(world: World, lively: str) -> Iterator[LaunchedGateway]:
    """A gateway of that configuration, warm."""
    with world.gateway(GATEWAY_CONFIG=lively) as one:
        draw_from(one.url, complete(world, 1, 5), light(world, 5, 5))
        yield one
    world.check.lift_faults()


def light(world: World, par_seconde: float, seconds: float) -> Shot:
    """A CFA's own list: its ERP (Ypareo) and the registry."""
    return Shot(world.token("cfa"), LIGHT, {"n": 50}, par_seconde, seconds)


def complete(world: World, par_seconde: float, seconds: float, volley: bool = False) -> Shot:
    """A Mission locale's list: every source."""
    return Shot(world.token("ml"), COMPLETE, {"n": 50}, par_seconde, seconds, volley)


def without_error(*bursts: Burst) -> None:
    """Every answer is one: 200, or 503 for who is turned away."""
    assert [burst.errors for burst in bursts] == [0] * len(bursts)


def test_the_isolation_of_a_hung_partner(world: World, launched: LaunchedGateway) -> None:
    """The same traffic with all partners, then with one that hangs, four times over: the machine drifts too."""
    traffic = light(world, 5, 15), complete(world, 0.2, 15)
    before, everything, during, partial_answers = Burst(), Burst(), Burst(), Burst()
    dial = Dial(launched.admin_url, launched.pid)
    for _ in range(4):
        before, everything = (
            total + one for total, one in zip((before, everything), draw_from(launched.url, *traffic), strict=True)
        )
        world.check.fault("gestibase", "hang")
        ones = draw_from(launched.url, *traffic)
        during, partial_answers = (total + one for total, one in zip((during, partial_answers), ones, strict=True))
        world.check.lift_faults()
    gap = during.percentile(0.99) / before.percentile(0.99) - 1
    note(f"isolement : qui n'use pas du partenaire pendu, avant {before}, pendant {during} : p99 {gap:+.0%} (≤ +10 %)")
    note(
        f"isolement : qui en use, avant {everything}, pendant {partial_answers}, {partial_answers.partial_answers} partielles"
    )
    note(f"sous charge : retard de boucle {dial.loop()} ; calcul {dial.loop('calcul')}")
    note(f"sous charge : mémoire d'un processus {dial.memory():.0f} Mio (≤ 300)")
    without_error(before, during, everything, partial_answers)
    assert "gestibase" not in during.named
    assert "gestibase" in partial_answers.named


def test_a_source_slow_by_ten_seconds(world: World, launched: LaunchedGateway) -> None:
    """Cut at two seconds while its breaker is closed; then not asked, but by a probe."""
    (healthy,) = draw_from(launched.url, complete(world, 0.5, 30))
    world.check.fault("imilo", "latency", 10_000)
    (cut_off,) = draw_from(launched.url, complete(world, 0.5, 20))
    (is_open,) = draw_from(launched.url, complete(world, 0.5, 60))
    more = is_open.percentile(0.5) - healthy.percentile(0.5)
    note(f"source lente de 10 s : composite {cut_off}, {cut_off.percentile(1.0):.0f} ms au plus (≤ 3000)")
    note(f"disjoncteur ouvert : saine {healthy}, ouverte {is_open} : p50 {more:+.0f} ms (≤ +50)")
    without_error(healthy, cut_off, is_open)
    assert is_open.named["imilo"] > len(is_open.durations) / 2


def test_a_fault_of_a_minute_then_the_return(world: World, launched: LaunchedGateway) -> None:
    """The same readers for a minute of health, then for a minute of errors; then the partner is back."""
    shot = complete(world, 0.5, 60)
    world.check.reset_all()
    (sound,) = draw_from(launched.url, shot)
    before = sum(world.check.counters()["ypareo"].values())
    world.check.fault("ypareo", "error", 503)
    world.check.reset_all()
    (during,) = draw_from(launched.url, shot)
    fault = sum(world.check.counters()["ypareo"].values())
    world.check.lift_faults()
    debut, comeback = time.monotonic(), Burst()
    while (seconds := time.monotonic() - debut) < 60:
        (comeback,) = draw_from(launched.url, complete(world, 1, 1))
        if not comeback.named:
            break
    note(f"panne de 60 s : {fault} demandes au partenaire, {before} en une minute saine (≤ 1.2 ×)")
    note(f"retour : liste complète {seconds:.1f} s après (≤ 10)")
    without_error(sound, during, comeback)
    assert fault <= 1.2 * before
    assert not comeback.named


def test_a_thousand_requests_at_once_on_a_hung_partner(world: World, launched: LaunchedGateway) -> None:
    """A hundred wait for it, the others are turned away at once; the readers of others go on (`test_crowd.py`)."""
    (before,) = draw_from(launched.url, light(world, 5, 20))
    world.check.fault("imilo", "hang")
    dial = Dial(launched.admin_url, launched.pid)
    crowd, during = draw_from(launched.url, complete(world, 1000, 1, volley=True), light(world, 5, 20))
    gap = during.percentile(0.99) / before.percentile(0.99) - 1
    note(f"mille d'un coup sur un partenaire pendu : {dict(crowd.statuts)}, {crowd}")
    note(f"les autres : avant {before}, pendant {during}, {dict(during.statuts)} : p99 {gap:+.0%} (inchangé)")
    note(f"mille d'un coup : retard de boucle {dial.loop()} ; {dial.memory():.0f} Mio (≤ 300)")
    without_error(before, crowd, during)
    assert dial.gauge("passerelle_requetes_en_cours") == 0


def test_what_the_gateway_costs(world: World) -> None:
    """The first reading of a cold process, then a warm list: nothing to ask of anybody."""
    with world.gateway() as launched:
        dial = Dial(launched.admin_url, launched.pid)
        (cold,) = draw_from(launched.url, complete(world, 1, 1))
        note(f"à froid : {cold}, retard de boucle {dial.loop()} ; calcul {dial.loop('calcul')}")
        draw_from(launched.url, complete(world, 1, 10), light(world, 5, 10))
        dial = Dial(launched.admin_url, launched.pid)
        (warm,) = draw_from(launched.url, light(world, 100, 30))
        cpu_time = dial.computation() / len(warm.durations)
        note(f"surcoût, 100 requêtes par seconde : {warm} (p50 ≤ 3 ms, p99 ≤ 15 ms), {cpu_time:.1f} ms de processeur")
        note(f"à chaud : retard de boucle {dial.loop()} ; calcul {dial.loop('calcul')}")
        note(f"mémoire d'un processus chaud : {dial.memory():.0f} Mio (≤ 300)")
    without_error(cold, warm)


def test_the_memory_of_all_the_perimetres(world: World) -> None:
    """Every Mission locale of the population reads its whole list, one after the other: each view is kept."""
    codes = sorted(client for client in world.clients if client.startswith("ml-") and client[3:].isdigit())
    with world.gateway() as launched:
        dial = Dial(launched.admin_url, launched.pid)
        for client in codes:
            (one,) = draw_from(launched.url, Shot(world.token(client), COMPLETE, {"n": 50}, 1, 1))
            without_error(one)
        note(f"mémoire d'un processus après {len(codes)} périmètres : {dial.memory():.0f} Mio (≤ 300)")
    assert len(codes) > 10

"""R4: what is kept of what clients send weighs what it is said to weigh, and 512 MiB hold whatever is asked.

The oracle is the memory itself, as the interpreter or the machine counts it.
"""

import gc
import os
import time
import tracemalloc
from collections.abc import Callable
from itertools import count
from random import Random
from threading import Event, Thread

import orjson
import pytest
from graphql import DocumentNode, FieldNode, Location, Token

from gateway.auth.authorization.decision_cache import DecisionCache
from gateway.auth.policy.rules import Profil
from gateway.documents.parse import Documents, PersistedDocuments
from gateway.execution.codegen import compile_operation
from gateway.execution.compiled_operation import EncodedForms
from tests.support.access.tools import POLICY, SCHEMA, viewer
from tests.support.figures import note
from tests.support.security.hostile import Demo, wide_document

BYTES_MAX = 512 * 1024 * 1024
CLIENTS = ("ml", "dreets", "france-travail", "academie", "ddets", "cfa", "si-partenaire", "ml-voisine", "reseau")
TINY = "{ moi { profil } }"


def _memory(work: Callable[[], object]) -> int:
    """What is in memory of what `work` returns, once it is all that is left: done in a copy of this process, which has no other
    thread. Here, a world that other tests left open may allocate meanwhile."""
    reading, writing = os.pipe()
    copy = os.fork()
    if copy == 0:
        try:
            os.write(writing, str(_traced(work)).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as told:
        found = told.read()
    os.waitpid(copy, 0)
    return int(found)


def _traced(work: Callable[[], object]) -> int:
    gc.collect()
    tracemalloc.start()
    held = work()
    gc.collect()
    found, _ = tracemalloc.get_traced_memory()
    assert held is not None
    return found


@pytest.mark.parametrize("text", ["%s", "%s query autre { inconnu }"])
def test_r4_a_document_that_is_done_with_leaves_nothing_for_the_collector(text: str) -> None:
    """What waits for it is memory meanwhile, and stops everybody when it passes: half a million tokens of hostile texts in a
    minute."""
    documents, left = Documents(SCHEMA, str), (DocumentNode, FieldNode, Location, Token)
    documents.validate(TINY)
    gc.collect()
    gc.disable()
    try:
        before = sum(isinstance(each, left) for each in gc.get_objects())
        documents.judge(text % wide_document(Random(1)))
        assert sum(isinstance(each, left) for each in gc.get_objects()) == before
    finally:
        gc.enable()


LIST = '{ jeunes(filtre: {communes: ["44109"]}) { totalCount } }'


@pytest.mark.parametrize(
    ("text", "number"),
    [(wide_document(Random(1)), 10), (TINY, 200), ("{ a" + "é" * 3000, 100), ("{ x }", 200), (LIST, 100)],
)
def test_r4_a_document_weighs_what_it_takes(text: str, number: int) -> None:
    documents = Documents(SCHEMA, str)
    documents.validate(TINY)

    def work() -> Documents:
        for rank in range(number):
            judged = f"# {rank}\n{text}"
            documents.keep(judged, documents.judge(judged))
        return documents

    taken = _memory(work)
    work()
    assert taken <= documents._judged.currsize <= 12 * taken


def test_r4_documents_decisions_and_plans_are_bounded_by_what_they_take() -> None:
    randomness, documents, decisions = Random(2), Documents(SCHEMA, str), DecisionCache(SCHEMA, POLICY)
    readers = [viewer(profil) for profil in (Profil.MISSION_LOCALE, Profil.DREETS)]
    document = documents.read(wide_document(randomness), None)
    for reader in readers:
        decisions.judge(document.tree, document.operation, {}, reader)
    weights = [kept.weight for kept in decisions._known.values()]

    def decide() -> list[object]:
        return [decisions.make(document.tree, document.operation, {}, reader) for reader in readers]

    assert _memory(decide) + _memory(lambda: documents.judge(wide_document(randomness))) <= sum(weights)
    plan = compile_operation(SCHEMA, document, frozenset(), {})
    assert _memory(lambda: compile_operation(SCHEMA, document, frozenset(), {})) <= plan.weight


def test_r4_a_million_tiny_taught_texts_are_not_kept() -> None:
    persisted, who = PersistedDocuments({}), viewer(Profil.MISSION_LOCALE)
    learnt = persisted._learnt

    def work() -> PersistedDocuments:
        for rank in range(3000):
            learnt[who.client, f"{rank:064x}"] = f"{{a{rank}}}"
        return persisted

    taken = _memory(work)
    work()
    assert taken <= learnt.currsize


def test_r4_encoded_forms_are_forgotten_the_oldest_first_and_hold_no_plan() -> None:
    forms, numbers = EncodedForms(bytes_max=100_000), count()
    objects: list[dict[int, orjson.Fragment]] = [{} for _ in range(200)]
    for kept_bytes in objects:
        forms.keep(kept_bytes, next(numbers), b"x" * 1000)
    left = [rank for rank, kept_bytes in enumerate(objects) if kept_bytes]
    assert left == list(range(200 - len(left), 200))
    assert 50 < len(left) <= 100


def _send(served: Demo, seconds: float, clients: int) -> int:
    """Documents like no others, each twice so that its plan is written, for so many seconds; how many were sent."""
    end, sent, stop = time.monotonic() + seconds, count(), Event()

    def work(seed: int) -> None:
        randomness = Random(seed)
        while not stop.is_set():
            text, client = wide_document(randomness, randomness.choice((1, 20, 50))), randomness.choice(CLIENTS)
            for _ in range(2):
                assert served.post(client, text).status_code in (200, 429)
            next(sent)

    for client in CLIENTS:
        served.token(client)
    threads = [Thread(target=work, args=(rank,)) for rank in range(clients)]
    for thread in threads:
        thread.start()
    start = time.monotonic()
    while time.monotonic() < end:
        time.sleep(min(15.0, seconds))
        now = served.resident() / 2**20
        note(f"mémoire : {now:.0f} Mio après {time.monotonic() - start:.0f} s de documents tous différents")
        assert now * 2**20 < BYTES_MAX
    stop.set()
    for thread in threads:
        thread.join()
    return next(sent)


def test_r4_documents_like_no_others_leave_memory_bounded(served: Demo) -> None:
    assert _send(served, 8, 2) > 0


@pytest.mark.chaos
def test_r4_four_minutes_of_documents_like_no_others(served: Demo) -> None:
    sent = _send(served, 240, 4)
    note(f"mémoire : {served.resident() / 2**20:.0f} Mio après {sent} documents de 600 champs")

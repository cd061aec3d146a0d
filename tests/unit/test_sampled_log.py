"""A kind of event writes so many lines a minute, then how many more there were."""

import asyncio
import logging
from collections.abc import Iterator

import pytest

from gateway.edge.sampled_log import KINDS_MAX, LINES, SampledLog


@pytest.fixture
def sampled(caplog: pytest.LogCaptureFixture) -> Iterator[SampledLog]:
    sampled = SampledLog()
    caplog.handler.addFilter(sampled)
    caplog.set_level(logging.INFO)
    yield sampled
    caplog.handler.removeFilter(sampled)


def test_the_first_lines_of_a_kind_then_their_number(sampled: SampledLog, caplog: pytest.LogCaptureFixture) -> None:
    for rank in range(1000):
        logging.getLogger("ici").warning("refus %d", rank)
    logging.getLogger("ici").warning("autre chose")
    assert caplog.messages == [*(f"refus {rank}" for rank in range(LINES)), "autre chose"]
    caplog.clear()
    sampled.tell()
    assert caplog.messages == [f"{1000 - LINES} ligne(s) de plus en une minute : ici refus %d"]
    caplog.clear()
    sampled.tell()
    assert caplog.messages == []
    logging.getLogger("ici").warning("refus %d", 1)
    assert caplog.messages == ["refus 1"]


@pytest.mark.parametrize(
    ("name", "level"), [("gateway.alertes", logging.WARNING), ("ici", logging.INFO), ("ici", logging.CRITICAL)]
)
def test_alerts_information_and_what_is_critical_are_whole(
    sampled: SampledLog, caplog: pytest.LogCaptureFixture, name: str, level: int
) -> None:
    for _ in range(100):
        logging.getLogger(name).log(level, "dit")
    assert caplog.messages == ["dit"] * 100


def test_kinds_without_end_are_one(sampled: SampledLog, caplog: pytest.LogCaptureFixture) -> None:
    for rank in range(2 * KINDS_MAX):
        logging.getLogger("ici").error(f"texte {rank}")
    assert len(caplog.messages) == KINDS_MAX + LINES


def test_what_was_left_out_is_told_each_minute_and_at_the_end(
    sampled: SampledLog, caplog: pytest.LogCaptureFixture
) -> None:
    def flood() -> None:
        for _ in range(LINES + 5):
            logging.getLogger("ici").warning("refus")

    async def sleep(seconds: float) -> None:
        assert seconds == 60
        flood()
        if caplog.messages.count("5 ligne(s) de plus en une minute : ici refus") == 2:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(sampled.watch(sleep))
    assert caplog.messages.count("5 ligne(s) de plus en une minute : ici refus") == 3

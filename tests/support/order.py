"""In which order files of tests are given to the processes that run them: those that last longest first, so that none of them is
begun when nothing else is left (docs/decisions/0162). All others go in the order of folders."""

from collections.abc import Sequence
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent.parent
LONGEST = (
    "e2e/test_event_properties.py",
    "at_rest/test_data_of_before.py",
    "e2e/test_faults.py",
    "e2e/test_event_hazards.py",
    "at_rest/test_backup.py",
    "e2e/test_cache.py",
    "clients/test_streams.py",
    "resilience/test_writes_killed.py",
    "e2e/test_event_stream.py",
    "e2e/test_event_stream_life.py",
    "at_rest/test_upgrade.py",
    "e2e/test_graphiql_events.py",
    "e2e/test_front.py",
    "e2e/test_documentation_pages.py",
    "statistics/test_non_interference.py",
)


def in_order(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """The same tests, by file."""
    ranks = {TESTS / name: rank for rank, name in enumerate(LONGEST)}
    return sorted(items, key=lambda item: ranks.get(item.path, len(ranks)))

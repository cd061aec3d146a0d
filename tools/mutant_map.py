"""A pytest plugin that writes which functions of gateway/ each test enters, and how long it takes: `-p tools.mutant_map`.

Tests that ask a gateway of another process enter none here, so that a mutant is tried by the tests of this process alone.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest

OURS = str(Path(__file__).parent.parent / "gateway") + os.sep
ROOT = str(Path(__file__).parent.parent) + os.sep
OUTPUT = Path(os.environ.get("MUTANTS_MAP", "var/mutants/map.json"))


class FunctionMap:
    """Tests by function, as `file:qualified name`; seconds by test."""

    def __init__(self) -> None:
        self._entered: set[tuple[str, str]] = set()
        self.tests: dict[str, list[str]] = {}
        self.seconds: dict[str, float] = {}

    def see(self, frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(OURS):
            self._entered.add((code.co_filename, code.co_qualname))

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._entered.clear()
        start = time.perf_counter()
        threading.setprofile(self.see)
        sys.setprofile(self.see)
        yield
        sys.setprofile(None)
        threading.setprofile(None)
        self.seconds[item.nodeid] = time.perf_counter() - start
        for file, function in self._entered:
            outermost = function.partition(".<locals>")[0]
            found = self.tests.setdefault(f"{file.removeprefix(ROOT)}:{outermost}", [])
            if item.nodeid not in found[-1:]:
                found.append(item.nodeid)

    def pytest_sessionfinish(self) -> None:
        OUTPUT.parent.mkdir(parents=True, exist_ok=True)
        OUTPUT.write_text(json.dumps({"tests": self.tests, "seconds": self.seconds}))


def pytest_configure(config: pytest.Config) -> None:
    """Begin."""
    config.pluginmanager.register(FunctionMap(), "function-map")

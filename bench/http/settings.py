"""How long, how often and where to measure."""

import os
from collections.abc import Callable
from dataclasses import dataclass

from bench.http.comparison import Bodies, LoadRunner
from bench.http.wrk_load import Core

TWO = (os.cpu_count() or 1) > 1


@dataclass(frozen=True, slots=True)
class Settings:
    """Rounds and their seconds; one core for the servers, another for the load, where there are two."""

    rounds: int
    seconds: int
    server: Core = 0 if TWO else None
    charge: Core = 1 if TWO else None

    def runner(self, body: Bodies, token: Callable[[], str]) -> LoadRunner:
        return LoadRunner(body, token, self.rounds, self.seconds, self.charge)


INTEGER, BRIEF = Settings(7, 3), Settings(3, 3)

"""A world whose figures were counted by the gateway's own command, and what the command kept."""

import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fixtures import gateway_process
from fixtures.population.truth import truth
from fixtures.world import World
from tests.support.databases import read

KEY = "B" * 43
AMPLE = 100_000  # requests a minute: passes follow each other here as they do nowhere
CELLS = (
    "SELECT lieu, mois, classe, sum(nombre) FROM statistiques_apports WHERE maille = '{}' GROUP BY lieu, mois, classe"
)
KEYED = "SELECT lieu, cles, mois, classe, sum(nombre) FROM statistiques_apports WHERE maille = '{}' GROUP BY 1, 2, 3, 4"
BLOCKS = (
    "SELECT maille, lieu, mois, cles, classe, protege FROM statistiques_blocs WHERE releve = {} ORDER BY 1, 2, 3, 4, 5"
)


@dataclass
class CountedWorld:
    """An open world, harvested; `statistics` runs one command of statistics over it."""

    world: World
    environment: dict[str, str]
    persons: list[dict[str, Any]] = field(default_factory=list)

    @property
    def record(self) -> Path:
        assert self.world.record is not None
        return self.world.record

    @property
    def url(self) -> str:
        return f"sqlite+aiosqlite:///{self.record / 'donnees' / 'statistiques.sqlite'}"

    def statistics(self, *words: str, **further: str) -> "subprocess.CompletedProcess[str]":
        return gateway_process.run(("statistiques", *words), {**self.environment, **further})

    def cells(self, maille: str) -> Counter[tuple[str, str, str]]:
        """The true counts of a grid: by place, month and class, over its other keys."""
        return Counter({(lieu, mois, classe): n for lieu, mois, classe, n in read(self.url, CELLS.format(maille))})

    def keyed_cells(self, maille: str) -> Counter[tuple[str, str, str, str]]:
        """The true counts of a grid: by place, keys, month and class."""
        rows = read(self.url, KEYED.format(maille))
        return Counter({(lieu, cles, mois, classe): n for lieu, cles, mois, classe, n in rows})

    def blocks(self) -> list[tuple[Any, ...]]:
        """The blocks of the snapshot in force."""
        (number,) = read(self.url, "SELECT max(numero) FROM statistiques_releves")[0]
        return read(self.url, BLOCKS.format(number))

    def forget(self) -> None:
        for file in (self.record / "donnees").glob("statistiques.sqlite*"):
            file.unlink()


@contextmanager
def counted_world(record: Path, **request: Any) -> Iterator[CountedWorld]:
    """A world of those that `request` draws, harvested and counted once."""
    drawn = World.generated(record, **request)
    drawn.quota_gestibase = AMPLE
    with drawn as world:
        world.harvest()
        counted = CountedWorld(world, {**world.environment, "GATEWAY_CLE_STATISTIQUES": KEY})
        counted.persons = list(truth(world.population))
        done = counted.statistics("relever")
        assert done.returncode == 0, done.stderr[-2000:]
        yield counted
    shutil.rmtree(record / "donnees", ignore_errors=True)

"""The worlds that servers are measured over, warm: harvested, ids given, every copy of the stores alike."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.http.comparison import LoadRunner, complet
from bench.http.launch import in_house, launch, python
from bench.http.query import body
from bench.http.settings import Settings
from bench.http.wrk_load import Server
from fixtures.world import World
from gateway.schema.connections import PAGE_MAX

GATEWAY = "gateway"


@dataclass(frozen=True, slots=True)
class Warm:
    """A warm world, how it is loaded, and where its servers keep their stores."""

    world: World
    runner: LoadRunner
    record: Path
    settings: Settings

    @contextmanager
    def launched(self, modules: Mapping[str, Sequence[str]]) -> Iterator[list[Server]]:
        """Servers that are Python modules, each over its own copy of the stores."""
        with ExitStack() as stack:
            yield [
                stack.enter_context(
                    launch(name, module, in_house(self.world, self.record / name), self.settings.server)
                )
                for name, module in modules.items()
            ]


@contextmanager
def warm(settings: Settings, jeunes: int) -> Iterator[Warm]:
    """A world whose gateway has answered once: the copies of its stores give the same ids."""
    with World.generated(jeunes=jeunes) as world, TemporaryDirectory(prefix="banc ") as record:
        world.harvest()
        runner = settings.runner(lambda n: body(n, world.population.today), lambda: world.token("ml"))
        with launch("first", python("gateway", "serve"), world.environment, settings.server) as first:
            complet(runner.equipped(first), runner.body(PAGE_MAX))
        yield Warm(world, runner, Path(record), settings)

"""Compares what the six connectors read, and the processor time of it, with another checkout, which may be of another commit.

    python -m bench.reading CHECKOUT [--pairs 11] [--jeunes 3000] [--bruit 2]

The simulated partners are asked once for all that they have of a population; both checkouts then read the same bytes, from the
network's door to the records that a unit holds, each with its own environment (`make .venv/dev.txt` there first). First what they
read is compared, case by case; then turns alternate. Prints for each connector what differs, both medians, and the mean ratio
with its 95 % interval over the pairs, which must include LIMIT or less. The exit status is 1 where it does not, or where nouns
differ.
"""

import argparse
import asyncio
import base64
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import httpx

from bench import _reading_side
from bench._reading_side import PAGES, SECRETS, WHOSE, RecordedPages, RecordedPartners, asked_for
from bench.beside import T95, interval
from fixtures.configuration import write_configuration
from fixtures.gateway_process import ROOT
from fixtures.population.generator import generate
from fixtures.population.model import Population
from fixtures.simulators.application import Partners
from fixtures.simulators.clock import PARIS, WallClock
from fixtures.simulators.common import Context

LIMIT = 1.05  # of the time that was taken before
NIGHT = time(3)  # the registry is open
DAY = date(2026, 10, 15)
DIFFERENCES = 12  # lines


class _RecordingNetwork(httpx.AsyncBaseTransport):
    """The simulated partners, without a socket; keeps what they answer."""

    def __init__(self, partners: Partners) -> None:
        self._network, self.recorded = httpx.ASGITransport(partners), RecordedPages()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self._network.handle_async_request(request)
        body = await answer.aread()
        headers = {name: value for name, value in answer.headers.items() if name != "content-encoding"}
        self.recorded[asked_for(request)] = answer.status_code, headers, base64.b64encode(body).decode()
        return httpx.Response(answer.status_code, headers=headers, stream=httpx.ByteStream(body))


def record(population: Population, folder: Path) -> list[str]:
    """Write a configuration and all that its partners answer; their names."""
    now = datetime.combine(population.today, NIGHT, PARIS)
    secrets = write_configuration(folder, population, simulators_port=1, identity_port=1)
    for path in (folder / "partenaires").glob("*.toml"):  # what another commit may not know
        path.write_text(path.read_text(encoding="utf-8").replace("ecritures = true\n", ""), encoding="utf-8")
    structures = sorted(population.geographie.missions_locales)
    (folder / SECRETS).write_text(json.dumps(secrets), encoding="utf-8")
    whose = {"structures": structures, "now": now.isoformat()}
    (folder / WHOSE).write_text(json.dumps(whose), encoding="utf-8")
    wall_clock = WallClock()
    wall_clock.set_pragmas(now)
    recorder = _RecordingNetwork(Partners(Context(population, wall_clock, quota_gestibase=10**9)))
    readings = RecordedPartners(folder, recorder)

    async def ask() -> None:
        for name in readings.partners:
            await readings.read(name)

    asyncio.run(ask())
    (folder / PAGES).write_text(json.dumps(recorder.recorded), encoding="utf-8")
    return list(readings.partners)


class _Side:
    """The process of one checkout."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def ask(self, command: str, name: str) -> Any:
        if not (self._process.stdin and self._process.stdout):
            raise SystemExit("a side has no pipes")
        self._process.stdin.write(f"{command} {name}\n")
        self._process.stdin.flush()
        if not (line := self._process.stdout.readline()):
            raise SystemExit(f"a side ended at {command} {name}")
        return json.loads(line)


@contextmanager
def _side(checkout: Path, python: str, folder: Path) -> Iterator[_Side]:
    # -P: the folder of the script, which has modules named as others, is not searched.
    command = [python, "-P", str(Path(_reading_side.__file__).resolve()), str(folder)]
    env = {**os.environ, "PYTHONPATH": str(checkout)}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=checkout, env=env, stdin=pipe, stdout=pipe, text=True) as process:  # noqa: S603
        try:
            yield _Side(process)
        finally:
            process.terminate()


def _fields(noun: Any) -> set[str]:
    """The names of all fields of a noun, those that say nothing too."""
    inside = noun.values() if isinstance(noun, dict) else noun if isinstance(noun, list) else ()
    return set[str](noun if isinstance(noun, dict) else ()).union(*map(_fields, inside))


def _leaves(noun: Any, unknown: Collection[str], path: str = "") -> Iterator[tuple[str, Any]]:
    """The values of a noun by place; what says nothing is not there."""
    items: Any = ()
    if isinstance(noun, dict):
        items = ((field, one) for field, one in noun.items() if field not in unknown)
    elif isinstance(noun, list):
        items = ((f"[{rank}]", one) for rank, one in enumerate(noun))
    elif noun is not None:
        yield path, noun
    for name, one in items:
        yield from _leaves(one, unknown, f"{path}.{name}")


def differences_of(there: dict[str, Any], here: dict[str, Any], unknown: Collection[str]) -> Counter[str]:
    """How many nouns differ, by place. A field that one commit does not know says nothing there."""
    found = Counter[str]({"only there": len(there.keys() - here.keys()), "only here": len(here.keys() - there.keys())})
    for key in there.keys() & here.keys():
        if there[key] != here[key]:
            found.update({place for place, _ in _changed(there[key], here[key], unknown)})
    return +found


def _changed(there: Any, here: Any, unknown: Collection[str]) -> set[tuple[str, str]]:
    before, after = ({(place, repr(value)) for place, value in _leaves(noun, unknown)} for noun in (there, here))
    return before ^ after


def _compared(partner: str, there: dict[str, Any], here: dict[str, Any]) -> bool:
    """Print what differs; whether anything does."""
    unknown = _fields(list(there.values())) ^ _fields(list(here.values()))
    differ = differences_of(there, here, unknown)
    aside = f", but for fields that one does not have: {', '.join(sorted(unknown))}" if unknown else ""
    print(f"{partner:12} {len(here):6} nouns, {'DIFFERENT' if differ else 'equal'}{aside}")
    for place, count in differ.most_common(DIFFERENCES):
        print(f"    {place}: {count}")
    return bool(differ)


def _pairs(there: _Side, here: _Side, name: str, number: int) -> tuple[list[tuple[float, float]], int]:
    counted = 0
    for side in (there, here):  # warm
        counted = int(side.ask("time", name)[1])
    pairs = []
    for turn in range(number):  # who goes first alternates too
        first, second = (there, here) if turn % 2 else (here, there)
        spent = {id(side): side.ask("time", name)[0] * 1e6 / counted for side in (first, second)}
        pairs.append((spent[id(there)], spent[id(here)]))
    return pairs, counted


def main(arguments: argparse.Namespace) -> int:
    """Print the table; the exit status."""
    failed = False
    with tempfile.TemporaryDirectory() as name:
        folder, checkout = Path(name), arguments.checkout.resolve()
        names = record(generate(seed=1, jeunes=arguments.jeunes, today=DAY, noise=arguments.noise, rarer=False), folder)
        python = str(checkout / ".venv" / "bin" / "python")
        with _side(checkout, python, folder) as there, _side(ROOT, sys.executable, folder) as here:
            for partner in names:
                told = [side.ask("nouns", partner) for side in (there, here)]
                failed = _compared(partner, *told) or failed
            print(f"{arguments.pairs} pairs; µs of processor a noun: there, here; here / there")
            for partner in names:
                pairs, _ = _pairs(there, here, partner, arguments.pairs)
                line, low = interval(pairs)
                failed = failed or low > LIMIT
                print(f"{partner:12} {line} {'' if low <= LIMIT else 'SLOWER'}", flush=True)
    return int(failed)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.reading", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--pairs", type=int, default=11, choices=sorted(T95))
    parser.add_argument("--jeunes", type=int, default=3000)
    parser.add_argument("--bruit", type=float, default=2.0, dest="noise", metavar="BRUIT")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main(_arguments()))

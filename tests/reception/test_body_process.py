"""The process that reads bodies: it reads as the function does, and what becomes of it loses nothing and stops nobody."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.errors import Overloaded
from gateway.reception.body_process import SMALL, BodyProcess
from gateway.reception.items import Family
from gateway.reception.transmission import InvalidTransmission, prepare
from tests.support.reception.facts import UAI, item
from tests.support.reception.world import NOW, REFERENTIEL, SEALER

# The real one, but for the keys, which are those of the tests.
CODE = """
from types import SimpleNamespace
import gateway.config
from gateway.reception import body_process
from tests.support.reception.world import SEALER
gateway.config.load = lambda: SimpleNamespace(sealer=SEALER)
body_process.main()
"""
COMMAND = (sys.executable, "-c", CODE)
FAMILY = Family(REFERENTIEL, UAI)
FEW = [item(), item(id_erp_apprenant="E-2", email_contact="non"), {"nom_apprenant": "Seul"}]
BODY = json.dumps(FEW).encode() + b" " * SMALL


@pytest.fixture(scope="module")
def reading() -> Iterator[BodyProcess]:
    process = BodyProcess(SEALER, COMMAND)
    yield process
    process.close()


def test_a_body_is_read_as_by_the_function(reading: BodyProcess) -> None:
    assert reading.prepare(BODY, FAMILY, NOW) == prepare(BODY, FAMILY, SEALER, NOW)


def test_a_small_body_waits_for_no_process() -> None:
    none = BodyProcess(SEALER, (sys.executable, "-c", "raise SystemExit"))
    few = json.dumps(FEW).encode()
    assert none.prepare(few, FAMILY, NOW) == prepare(few, FAMILY, SEALER, NOW)


@pytest.mark.parametrize("body", [b"[1", b'{"a": 1}', json.dumps([{}] * 2001).encode()])
def test_what_is_no_transmission_is_refused_alike(reading: BodyProcess, body: bytes) -> None:
    with pytest.raises(InvalidTransmission) as here:
        prepare(body, FAMILY, SEALER, NOW)
    with pytest.raises(InvalidTransmission) as there:
        reading.prepare(body + b" " * SMALL, FAMILY, NOW)
    assert (str(there.value), there.value.details) == (str(here.value), here.value.details)


def test_what_the_referential_says_now_is_what_decides(reading: BodyProcess) -> None:
    assert reading.prepare(BODY, FAMILY, NOW).transmission.acceptes == 1
    without = Family(replace(REFERENTIEL, organismes={}), UAI)
    assert reading.prepare(BODY, without, NOW).transmission.acceptes == 0
    assert reading.prepare(BODY, FAMILY, NOW).transmission.acceptes == 1


def test_one_that_dies_has_the_erp_come_back_and_another_takes_its_place(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    dies = f"import os, pathlib, sys; pathlib.Path({str(pid)!r}).write_text('x'); sys.stdin.buffer.read(8); os._exit(1)"
    process = BodyProcess(
        SEALER, (sys.executable, "-c", f"import os\nif not os.path.exists({str(pid)!r}):\n    {dies}\n{CODE}")
    )
    with pytest.raises(Overloaded):
        process.prepare(BODY, FAMILY, NOW)
    assert process.prepare(BODY, FAMILY, NOW) == prepare(BODY, FAMILY, SEALER, NOW)
    process.close()


def test_one_that_answers_something_else_is_ended() -> None:
    process = BodyProcess(SEALER, (sys.executable, "-c", "print('a line of somebody who prints', flush=True); input()"))
    with pytest.raises(Overloaded):
        process.prepare(BODY, FAMILY, NOW)
    process.close()


def test_it_ends_with_the_process_that_serves_however_that_ends() -> None:
    code = f"""
import os, signal
from tests.reception.test_body_process import BODY, COMMAND, FAMILY, NOW, SEALER, BodyProcess
process = BodyProcess(SEALER, COMMAND)
process.prepare(BODY, FAMILY, NOW)
print(process._process.pid, flush=True)
os.kill(os.getpid(), {int(signal.SIGKILL)})
"""
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=False, text=True)
    assert done.returncode == -signal.SIGKILL
    limit = time.monotonic() + 30
    while _is_running(int(done.stdout)):
        assert time.monotonic() < limit
        time.sleep(0.05)


def test_a_signal_to_the_group_does_not_stop_it_first(reading: BodyProcess) -> None:
    reading.prepare(BODY, FAMILY, NOW)
    process = reading._process
    assert process is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(process.pid, number)
    assert reading.prepare(BODY, FAMILY, NOW).transmission.acceptes == 1
    assert reading._process is process


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False

"""Runs a connector's own code beside the event loop: in a bounded time, within a bounded memory, a few at once. Knows no partner.

Theory of operation
-------------------
A connector is somebody's code over somebody else's data. It may raise anything, never end, or build a list as long as a partner
announced. Each run has a thread of its own, a daemon: one that never ends keeps neither the process nor the threads that others
need. At most THREADS at once for a partner: beyond, its readings wait, and nobody else's.

The loop looks at each run every TICK. One that computed for SECONDS, or that is there for WAITING, is stopped: an exception is
raised in its thread, where Python code is executed. When the process grew by GROWTH since a run began, the run under way that
computed most is stopped, one at a time: memory has no owner, and who fills it computes. What waits in C (a sleep, a regular
expression) cannot be stopped; it is left alone, and holds its place. A connector is trusted code, and this is no sandbox.

Threads share one interpreter: four that compute without end take the loop's time from everybody. The place of a run that was
stopped is given back when a later one ends by itself, the last place at once: a connector that is wrong each time has one.

What a connector gives is held to what it may give, before anything else sees it. Requests are counted and copied, so that a
connector that changes them later changes nothing of ours. Records are rebuilt by the types of their classes: one that holds
something else is set aside, the others are there, and none is shared with the connector.
"""

import asyncio
import ctypes
import itertools
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, Generic, ParamSpec, TypeVar

import msgspec

from gateway.connectors.base import (
    PartnerRequest,
    QualityCounts,
    ReadingResult,
    ReadingSteps,
    Record,
    Tenant,
    UnexpectedAnswer,
    mapped,
)
from gateway.connectors.quality import DRIFTS, FEW, KINDS, RATE, REPAIRS, UNMAPPED, Fault
from gateway.schema.nouns import Jeune
from gateway.schema.organisations import NatureDefaut

REQUESTS_MAX = 1_000  # of one step of a reading
STEPS_MAX = 100  # of one reading
RECORDS_MAX = 200_000  # of one reading
KEY_MAX = 200  # characters of a record's key
FAULTS_MAX = 200  # lines of quality of one reading
_FIELD = re.compile(r"[\w .'/()\[\]=@#°:-]{0,60}")
_OPERATION = re.compile(r"[A-Za-z0-9_.-]{1,60}")
_ENCODE, _DECODE = msgspec.json.Encoder().encode, msgspec.json.Decoder(Record).decode

P = ParamSpec("P")
T = TypeVar("T")
THREADS = 4
SECONDS = 5.0  # of its thread's processor: the largest CFA takes a tenth of one
WAITING = 30.0  # seconds by the clock: as long as a partner is waited for
LASTS = 0.3  # seconds of processor; memory that grows is laid to runs that compute
GROWTH = 192 * 1024 * 1024  # bytes
TICK = 0.05  # seconds
STOPPED_AGAIN = 1.0  # seconds
_STATM = Path("/proc/self/statm")
_PAGE = 4096


class ConnectorStopped(BaseException):
    """Raised in the thread of a run that is too long or too large; no `except Exception` of a connector keeps it."""


class ConnectorFailed(Exception):
    """A run ended by something that is no Exception, or was stopped: the text says which, and no value."""


class _Threads(Executor):
    """A thread for each call, which the end of the process does not wait for."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        future: Future[T] = Future()

        def run() -> None:
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)

        threading.Thread(target=run, name="connecteur", daemon=True).start()
        return future


class _Run(Generic[T]):
    """One call, which another thread may stop while it lasts, and never afterwards."""

    def __init__(self, call: Callable[[], T]) -> None:
        self._call, self._lock = call, threading.Lock()
        self.stopped = False
        self._ident: int | None = None
        self.start, self.size = time.monotonic(), _resident()

    def __call__(self) -> T:
        try:
            with self._lock:
                self._ident = threading.get_ident()
            try:
                return self._call()
            finally:
                with self._lock:
                    self._ident = None
        except Exception:
            raise
        except BaseException as error:
            raise ConnectorFailed(type(error).__name__) from error

    def computed(self) -> float:
        """The seconds of processor of its thread; by the clock, where the system does not tell."""
        with self._lock:
            if self._ident is None:
                return 0.0
            if not hasattr(time, "pthread_getcpuclockid"):
                return time.monotonic() - self.start
            return time.clock_gettime(time.pthread_getcpuclockid(self._ident))

    def stop(self) -> None:
        self.stopped = True
        with self._lock:
            if self._ident is not None:
                thread, kind = ctypes.c_ulong(self._ident), ctypes.py_object(ConnectorStopped)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, kind)


class ConnectorRuns:
    """The runs of the connector of one partner."""

    def __init__(self) -> None:
        self._threads, self._places = _Threads(), asyncio.Semaphore(THREADS)
        self._withheld = 0  # places of runs that were stopped

    async def run(self, call: Callable[[], T]) -> T:
        """What a call returns. Raises what it raises, ConnectorFailed when it was stopped or could not start in time."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(WAITING):
                await self._places.acquire()
        except TimeoutError:
            raise ConnectorFailed("too many of its runs do not end") from None
        run = _Run(call)
        ended = loop.run_in_executor(self._threads, run)
        ended.add_done_callback(lambda _: self._free(run))
        _UNDER_WAY.add(run)
        try:
            return await self._watched(run, ended)
        finally:
            _UNDER_WAY.discard(run)
            if not ended.done():
                _stop(run, ended)
                ended.add_done_callback(_ignore)

    def forget(self, close: Callable[[], Any]) -> None:
        """Have what a reading left open closed, beside the loop: it may not end."""
        asyncio.get_running_loop().run_in_executor(self._threads, _Run(close)).add_done_callback(_ignore)

    async def _watched(self, run: _Run[T], ended: "asyncio.Future[T]") -> T:
        while True:
            # Waited for, not awaited: who leaves does not end a thread, and its place is free when it has ended.
            await asyncio.wait({ended}, timeout=TICK)
            if ended.done():
                return ended.result()
            if time.monotonic() - run.start > WAITING or run.computed() > SECONDS or _fills_memory(run):
                raise ConnectorFailed("stopped: too long, or too large")

    def _free(self, run: _Run[Any]) -> None:
        if run.stopped and self._withheld < THREADS - 1:
            self._withheld += 1
            return
        freed, self._withheld = (1, self._withheld) if run.stopped else (1 + self._withheld, 0)
        for _ in range(freed):
            self._places.release()


_UNDER_WAY: set[_Run[Any]] = set()


def _fills_memory(run: _Run[Any]) -> bool:
    """Whether the process grew too much since a run began, and none computed more; the others are then judged from now."""
    size, computed = _resident(), run.computed()
    if size - run.size <= GROWTH or computed < max(LASTS, *(other.computed() for other in _UNDER_WAY)):
        return False
    for other in _UNDER_WAY:
        other.size = size
    return True


def _resident() -> int:
    """The bytes of memory that this process holds; 0 where the system does not tell."""
    try:
        return int(_STATM.read_bytes().split()[1]) * _PAGE
    except (OSError, ValueError, IndexError):
        return 0


def _stop(run: _Run[Any], ended: "asyncio.Future[Any]") -> None:
    """Until it has ended: what stops it is lost where it is raised in a callback of the collector."""
    if not ended.done():
        run.stop()
        ended.get_loop().call_later(STOPPED_AGAIN, _stop, run, ended)


def _ignore(ended: "asyncio.Future[Any]") -> None:
    """Take the outcome of what nobody waits for; asyncio would print it."""
    if not ended.cancelled():
        ended.exception()


def requests_of(step: Iterable[Any]) -> tuple[PartnerRequest, ...]:
    """The requests of one step. Raises UnexpectedAnswer for too many of them, or for something else."""
    requests = tuple(itertools.islice(step, REQUESTS_MAX + 1))
    if len(requests) > REQUESTS_MAX:
        raise UnexpectedAnswer(f"more than {REQUESTS_MAX} requests in one step")
    return tuple(_copied(request) for request in requests)


def _copied(request: Any) -> PartnerRequest:
    if not isinstance(request, PartnerRequest) or not _OPERATION.fullmatch(request.operation):
        raise UnexpectedAnswer("a step that is no request")
    body = None if request.body is None else msgspec.json.decode(msgspec.json.encode(dict(request.body)))
    return replace(request, params=dict(request.params), body=body)


def lazily(read: Callable[[], ReadingSteps[T]]) -> ReadingSteps[T]:
    """The reading that a connector's function makes, made at its first step: beside the loop, as all the others are."""
    return (yield from read())


def records_read(
    read: Callable[[Tenant, date], ReadingSteps[ReadingResult]], tenant: Tenant, day: date
) -> ReadingSteps[ReadingResult]:
    """A reading of records, whose result is looked at in its last step."""
    return sound((yield from read(tenant, day)))


def sound(result: Any) -> ReadingResult:
    """The result with the records that are what they must be. Raises UnexpectedAnswer when it is no result, or too many of its
    records are set aside."""
    if not isinstance(result, ReadingResult):
        raise UnexpectedAnswer("no result of a reading")
    drifts, repairs = _kinds(result.drifts, DRIFTS), _kinds(result.repairs, REPAIRS)
    faults = Counter(dict(itertools.islice(_faults(result.faults), FAULTS_MAX)))
    account = QualityCounts(int(result.rejects), int(result.ignored_fields), drifts, repairs, faults)
    told = list(itertools.islice(result.records, RECORDS_MAX + 1))
    if len(told) > RECORDS_MAX:
        raise UnexpectedAnswer(f"more than {RECORDS_MAX} records")
    records = mapped(_rebuilt, told, account)
    lost = account.drifts[UNMAPPED]
    if lost > max(FEW, RATE * (len(records) + lost)):
        raise UnexpectedAnswer(f"{lost} records that could not be mapped, {len(records)} that could")
    return account.result(records)


def _rebuilt(record: Any) -> Record:
    """The record by the types of its classes. Raises what tells that it is none."""
    if not isinstance(record, Record) or not isinstance(record.jeune, Jeune) or not 0 < len(record.key) <= KEY_MAX:
        raise TypeError("no record")
    return _DECODE(_ENCODE(record))


def _kinds(figures: Mapping[Any, Any], known: frozenset[str]) -> Counter[str]:
    """By kind, and no other kind than ours: it is a label of the figures."""
    return Counter({kind: int(number) for kind, number in figures.items() if kind in known})


def _faults(faults: Mapping[Any, Any]) -> Iterator[tuple[Fault, int]]:
    """Those of our natures and kinds, of a field that looks like a name: it is shown, and is a label of the figures."""
    for (nature, kind, name), number in faults.items():
        if isinstance(nature, NatureDefaut) and kind in KINDS and number > 0:
            yield (nature, kind, name if _FIELD.fullmatch(name) else "?"), int(number)

"""One partner's units: which reading answers each, whose records came back, and for how long not to insist.

A record is looked at, not the request (docs/security.md U10): a tenant that answers for others is no longer asked for a while.
Knows no cache, no asker and no HTTP. Never raises for a partner: a failure is a UnitFailure.
"""

import asyncio
import itertools
import logging
import re
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace

from gateway.connectors.base import Connector, ReadingResult, ReadingSteps, Record, Tenant
from gateway.connectors.quality import FEW, RATE, SAME_KEY, defects
from gateway.domain.days import paris_day
from gateway.errors import SourceDenied, SourceError, SourceInvalid, SourceQuarantined, SourceSuspended
from gateway.schema.nouns import Jeune
from gateway.schema.organisations import EtatSource, NatureDefaut, Qualite
from gateway.sources.connector_runs import records_read
from gateway.sources.incremental import asked_since, laid_over
from gateway.sources.partner_client import PartnerClient
from gateway.sources.reading import FinishedReading, ReadingRun
from gateway.sources.resilience.circuit_breaker import PartnerBreakers
from gateway.sources.units import CacheStatus, Resource, Unit, UnitFailure, UnitResult

ANSWERS = 3  # answers in a row that hold somebody else's records
DURATION = 900.0  # seconds; as long as what we keep may be served without being asked again
PAUSE_MAX = (
    60.0  # seconds during which a partner that said "later", or was stopped, is not asked again for the same key
)
_KEY = re.compile(r"[A-Za-z0-9_-]{1,40}")
logger = logging.getLogger("gateway.sources")


def belongs(record: Record, unit: Unit, uais: Collection[str]) -> bool:
    """False when all that the record says of its CFA (or of its Mission locale) names other tenants.

    `uais` are the CFAs some partner serves: a UAI outside them may be a mere site of the tenant, and accuses nobody.
    """
    if unit.resource is Resource.STRUCTURE:
        structure = record.structure or _structure(record.jeune)
        return structure in {"", unit.key}
    named = set(_uais(record.jeune))
    return not named or unit.key in named or not named <= set(uais)


def _structure(jeune: Jeune) -> str:
    suivi = jeune.suivi
    return suivi.mission_locale.code if suivi and suivi.mission_locale else ""


def _uais(jeune: Jeune) -> Iterator[str]:
    formations = [*(jeune.formations or ()), *(contrat.formation for contrat in jeune.contrats or ())]
    cfas = [formation.cfa for formation in formations if formation]
    cfas += [contrat.cfa for contrat in jeune.contrats or ()]
    return (str(cfa.uai) for cfa in cfas if cfa and cfa.uai)


class Quarantine:
    """Counts, by tenant, the answers in a row that were not all its own."""

    def __init__(self) -> None:
        self._suspects: dict[str, int] = {}
        self._until: dict[str, float] = {}

    def note(self, key: str, foreign: int, instant: float) -> bool:
        """An answer was read; true when it puts its tenant in quarantine."""
        if not foreign:
            self._suspects.pop(key, None)
            return False
        self._suspects[key] = self._suspects.get(key, 0) + 1
        if self._suspects[key] < ANSWERS:
            return False
        self._until[key] = instant + DURATION
        return True

    def holds(self, key: str, instant: float) -> bool:
        """Whether a tenant is in quarantine. Out of it, one more answer that is not its own puts it back."""
        return instant < self._until.get(key, instant)

    def active(self, instant: float) -> bool:
        """Whether any tenant is."""
        return any(instant < until for until in self._until.values())


class UnitReader:
    """Reads the units of one partner. `served`: the CFAs that some partner serves."""

    def __init__(self, client: PartnerClient, connector: Connector, served: Collection[str]) -> None:
        self.client, self.connector = client, connector
        self.partner, self._served = client.partner, served
        self._seconds = client.clock.seconds
        self._breakers = PartnerBreakers(self.partner.nom, self._seconds)
        self._quarantine = Quarantine()
        self._pauses: dict[str, tuple[float, SourceError]] = {}
        self._launch, self._numeros = secrets.token_hex(4), itertools.count()
        self.quality: dict[str, Qualite] = {}  # of the last reading of each key

    async def read(self, unit: Unit, known: UnitResult | None = None) -> UnitResult | UnitFailure:
        """Ask the partner for a unit, within the partner's own delay; `known`, if nothing changed since it said that."""
        try:
            self._enforce(unit)
            reading, run = self._reading(unit), ReadingRun(self.client, self._tenant_of(unit))
            async with self._bounded(unit):
                if known and (changed := await self._changed(unit, known)):
                    return changed
                if known and self._can_revalidate(known) and await run.unchanged(known.validators):
                    return replace(known, cache=CacheStatus.MISSED, age=0.0)
                finished = await run.run(reading)
            with self.client.blamed():
                return self._result(unit, finished, known)
        except SourceError as error:
            return self._failure(unit, error)

    async def _changed(self, unit: Unit, known: UnitResult) -> UnitResult | None:
        """What is known, with what changed since; None where everything is to be read. Raises SourceError."""
        now, delay = self.client.wall_clock(), self.partner.limites.delai_secondes
        changes, since = self.connector.changes, asked_since(self.connector, known, now, delay)
        if changes is None or since is None:
            return None
        run = ReadingRun(self.client, self._tenant_of(unit))
        try:
            finished = await run.run(
                records_read(lambda tenant, day: changes(tenant, day, since), self._tenant_of(unit), paris_day(now))
            )
        except SourceInvalid as error:
            if error.retry_after:  # its connector was stopped: it would be again
                raise
            return None
        if finished.missing or not all(belongs(record, unit, self._served) for record in finished.value.records):
            return None
        with self.client.blamed():
            told = laid_over(known, finished.value, self.client.wall_clock(), self._next_version())
        return told and replace(told, cache=CacheStatus.MISSED)

    def _next_version(self) -> str:
        return f"{self._launch}-{next(self._numeros)}"

    def answers(self, unit: Unit) -> bool:
        """Whether an answer is to be expected: no breaker is between us."""
        return self._breakers.closed(self._tenant(unit))

    def left_alone(self) -> tuple[bool, int]:
        """Whether the breaker of the whole partner is open, and how many of its tenants'."""
        return self._breakers.opened, self._breakers.left_alone

    def state(self) -> EtatSource:
        """The partner's state now: what its calls say, or worse when we leave it, or some of it, alone."""
        state = self.client.observations.etat(self.client.wall_clock())
        if state is EtatSource.FERMEE:
            return state
        if self._breakers.opened:
            return EtatSource.INDISPONIBLE
        set_aside = self._breakers.left_alone or self._quarantine.active(self._seconds())
        return EtatSource.DEGRADEE if set_aside and state is EtatSource.DISPONIBLE else state

    def _can_revalidate(self, known: UnitResult) -> bool:
        """A session crosses today or not: what was read for another day may be told otherwise, unchanged at the partner."""
        return bool(known.validators) and paris_day(known.received_at) == paris_day(self.client.wall_clock())

    @asynccontextmanager
    async def _bounded(self, unit: Unit) -> AsyncIterator[None]:
        """Around one reading: the breakers let it go and learn how it ended, the partner's delay cuts it.

        Raises SourceSuspended when it may not go, SourceTimedOut when it was cut.
        """
        with self._breakers.pass_(self._tenant(unit)):
            try:
                async with asyncio.timeout(self.partner.limites.delai_secondes):
                    yield
            except TimeoutError:
                raise self.client.overrun() from None

    def _tenant(self, unit: Unit) -> str:
        """Whom a breaker is for; a partner without tenants is one."""
        return unit.key if self.partner.abonnes is not None else ""

    def _reading(self, unit: Unit) -> ReadingSteps[ReadingResult]:
        connector = self.connector
        read = connector.cfa_records if unit.resource is Resource.CFA else connector.structure_records
        if read is None:
            raise SourceInvalid(unit.source, "ce partenaire ne répond pas à cette demande")
        return records_read(read, self._tenant_of(unit), paris_day(self.client.wall_clock()))

    def _tenant_of(self, unit: Unit) -> Tenant:
        """The tenant as configured; a partner without tenants answers for every key that may stand in a path."""
        if self.partner.abonnes is None:
            if not _KEY.fullmatch(unit.key):
                raise SourceInvalid(unit.source, "clé refusée")
            return Tenant(unit.key, code=unit.key)
        tenant_config = self.partner.abonnes.get(unit.key)
        if tenant_config is None:
            raise SourceInvalid(unit.source, "établissement inconnu de ce partenaire")
        return tenant_config.tenant

    def _result(
        self, unit: Unit, finished: FinishedReading[ReadingResult], known: UnitResult | None
    ) -> UnitResult | UnitFailure:
        """The records of the tenant. With others' among them, its own are shown with an error: some may be missing."""
        answer, unique, clashes = _by_key(finished.value)
        own = tuple(record for record in unique if belongs(record, unit, self._served))
        foreign = len(unique) - len(own)
        self._note_quality(unit, answer, len(own), foreign)
        _enforce_whole(unit.source, answer, clashes)
        if self._quarantine.note(unit.key, foreign, self._seconds()):
            logger.error("source %s : %s mis en quarantaine", unit.source, unit.key)
        version, refused = self._next_version(), tuple(name for name, _ in finished.missing)
        result = UnitResult(
            unit, own, self.client.wall_clock(), CacheStatus.MISSED, version, 0.0, finished.validators, refused
        )
        if foreign:
            logger.warning("source %s : %d dossiers d'un autre établissement, écartés", unit.source, foreign)
            self._enforce(unit)
            error = SourceInvalid(unit.source, "le partenaire a répondu pour un autre établissement")
            return UnitFailure(unit, error, result if own else None)
        # What may be given again in a moment is not kept without: it would stay so as long as an answer is.
        passing = [error for _, error in finished.missing if not isinstance(error, SourceDenied | SourceInvalid)]
        return UnitFailure(unit, passing[0], known or result) if passing else _same_again(result, known)

    def _note_quality(self, unit: Unit, answer: ReadingResult, kept: int, foreign: int) -> None:
        self.client.metrics.quality(unit, answer, foreign)
        self.client.observations.note_quality(kept, answer.rejects, sum(answer.drifts.values()))
        self.quality[unit.key] = Qualite(
            etablissement=unit.key,
            lue_le=self.client.wall_clock(),
            dossiers=kept,
            defauts=defects(answer.faults),
        )

    def _failure(self, unit: Unit, error: SourceError) -> UnitFailure:
        if not isinstance(error, SourceSuspended):  # nothing was asked
            logger.warning("source %s : %s, %s", unit.source, error.code.value, error)
            if error.retry_after and unit.key not in self._pauses:
                self._pauses[unit.key] = (self._seconds() + min(error.retry_after, PAUSE_MAX), error)
        return UnitFailure(unit, error)

    def _enforce(self, unit: Unit) -> None:
        """Neither a partner that told when to come back, within PAUSE_MAX (docs/security.md U13), nor one whose connector was
        stopped, nor one that answers for others (U10) is asked."""
        if self._quarantine.holds(unit.key, self._seconds()):
            raise SourceQuarantined(unit.source, "établissement écarté : le partenaire répond pour d'autres")
        until, error = self._pauses.get(unit.key, (0.0, None))
        if error is not None and self._seconds() < until:
            raise error
        self._pauses.pop(unit.key, None)


def _by_key(answer: ReadingResult) -> tuple[ReadingResult, list[Record], int]:
    """The answer with its keys that come twice counted, a record of each, and how many records say something else under the key
    of another. A row that comes twice is one (docs/security.md U08)."""
    unique = {record.key: record for record in answer.records}
    twice = len(answer.records) - len(unique)
    if not twice:
        return answer, answer.records, answer.faults_of(NatureDefaut.DOUBLON)
    faults = Counter({(NatureDefaut.DOUBLON, SAME_KEY, ""): twice})
    faults.update(answer.faults)
    clashes = sum(record != unique[record.key] for record in answer.records)
    answer = replace(answer, faults=faults)
    return answer, list(unique.values()), clashes + answer.faults_of(NatureDefaut.DOUBLON) - twice


def _enforce_whole(source: str, answer: ReadingResult, clashes: int) -> None:
    """Raises SourceInvalid when too much was lost to say who is there (docs/decisions/0072)."""
    kept = len(answer.records)
    if answer.rejects > max(FEW, kept) or (
        answer.rejects and not kept
    ):  # the format changed: it must not look like nobody
        raise SourceInvalid(source, "aucun enregistrement du partenaire n'est lisible, ou trop peu")
    if clashes > max(FEW, RATE * (kept + answer.rejects)):
        raise SourceInvalid(source, "trop de dossiers du partenaire ont la clé d'un autre")


def _same_again(answer: UnitResult | UnitFailure, known: UnitResult | None) -> UnitResult | UnitFailure:
    """What is said again word for word keeps its version, and the views made of it: not every partner gives validators."""
    if known is None or isinstance(answer, UnitFailure) or _said(answer) != _said(known):
        return answer
    return replace(answer, version=known.version, records=known.records)


def _said(answer: UnitResult) -> tuple[object, ...]:
    return answer.records, answer.missing

"""Charges the quotas of callers before work, then counts and writes in the journal who is read, before the answer leaves.

Knows no HTTP and no source.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache, partial
from itertools import chain

from gateway.audit.alerts import Alerts
from gateway.audit.answered_sets import AnsweredSets
from gateway.audit.entries import (
    AccessRecord,
    ByCategorie,
    Categories,
    Governed,
    by_categorie,
    entry,
    grouped,
    published,
)
from gateway.auth.authentication.clients import REQUEST_PRICE, Viewer, caps, message, seconds_to_tomorrow
from gateway.auth.policy.rules import CategorieDonnee
from gateway.concurrency import SHORT, LongWork
from gateway.correlation import RequestTrace
from gateway.domain.days import paris_day
from gateway.domain.quota_rules import Account, CountUnder, QuotaCrossed
from gateway.domain.seal import OpaqueIds
from gateway.errors import JournalUnavailable, QuotaReached
from gateway.federation.collect.plan import shows_persons
from gateway.federation.views.operation_context import OperationContext
from gateway.schema.coordinates import asked_by
from gateway.stores.journal import Journal, JournalEntry
from gateway.stores.quota_counters import Allowance, Balance, RateLimits

ACCOUNTS_KNOWN = 65_536  # the same ask again and again
COMPARED = 300  # persons that a filter looks at while a set is compared with those told before
FIGURES: Categories = frozenset({CategorieDonnee.AGREGAT})
logger = logging.getLogger("gateway.journal")
GUESSING_ACCOUNTS = 10  # accounts whose vain look-ups a client may spend in all


@lru_cache(ACCOUNTS_KNOWN)
def account_of(opaque_ids: OpaqueIds, client: str, agent: str) -> Account:
    """The account of whoever acts through a client, with its codes."""
    return Account(client, agent, opaque_ids.pseudonym(f"client/{client}"), opaque_ids.account(client, agent))


class DailyAccounts:
    """The accounts that each client acted as today, in this process. `tell` is told once a day of a client that has too many."""

    def __init__(self, tell: Callable[[QuotaCrossed], None]) -> None:
        self._tell = tell
        self._told: set[str] = set()
        self._day = date.min
        self._by_client: dict[str, set[str]] = {}

    def take(self, viewer: Viewer, day: date) -> QuotaCrossed | None:
        """None when a client may act as this account today."""
        if day != self._day:
            self._day = day
            self._by_client.clear()
            self._told.clear()
        accounts, limit = self._by_client.setdefault(viewer.client, set()), viewer.quotas.agents_a_day
        if viewer.account in accounts:
            return None
        if len(accounts) < limit:
            accounts.add(viewer.account)
            return None
        crossed = QuotaCrossed("AGENTS", viewer.client, len(accounts), limit, arret=True)
        if viewer.client not in self._told:
            self._told.add(viewer.client)
            self._tell(crossed)
        return crossed


@dataclass(frozen=True, slots=True)
class QuotasAndJournal:
    """The rate limits and quotas of callers, and the journal of readings."""

    readings_journal: Journal
    rate_limits: RateLimits
    alerts: Alerts
    daily_accounts: DailyAccounts
    opaque_ids: OpaqueIds
    governed: Governed
    now: Callable[[], datetime]
    long_work: LongWork = field(default_factory=LongWork)
    answered_sets: AnsweredSets = field(default_factory=AnsweredSets)

    async def charge_request(self, viewer: Viewer) -> None:
        """Charge a request, before it is read, to an account that its client may act as. Raises QuotaReached."""
        await self.charge(viewer, REQUEST_PRICE)
        now = self.now()
        if crossed := self.daily_accounts.take(viewer, paris_day(now)):
            raise QuotaReached(message(crossed), seconds_to_tomorrow(now))

    async def charge(self, viewer: Viewer, cost: int) -> None:
        """Charge the cost of an operation to its client, before any work. Raises QuotaReached."""
        exceeded = await self.rate_limits.spend(_allowance(viewer), self._account(viewer).client_code, cost)
        if exceeded:
            raise QuotaReached(f"Débit dépassé : {exceeded.limit} unités de coût par minute.", exceeded.seconds)

    async def balance(self, viewer: Viewer) -> Balance:
        """What the client may still spend this minute."""
        return await self.rate_limits.balance(_allowance(viewer), self._account(viewer).client_code)

    async def limit_lookups(self, context: OperationContext) -> None:
        """Stop an account that guesses: once it looked too often for what it may not see, it finds nothing more. Nor does a
        client that guesses as many accounts.

        Raises QuotaReached.
        """
        if not context.tally.lookups:
            return
        account, limit = self._account(context.viewer), context.viewer.quotas.not_found
        own, whole = (
            Allowance("introuvables", limit, 10),
            Allowance("introuvables_client", limit * GUESSING_ACCOUNTS, 10),
        )
        spent = [
            (account.agent, await self.rate_limits.spend(own, account.code, context.tally.not_found)),
            (account.client, await self.rate_limits.spend(whole, account.client_code, context.tally.not_found)),
        ]
        for who, exceeded in spent:
            if exceeded:
                self.alerts.guessing(who)
                raise QuotaReached("Trop de recherches sans résultat.", exceeded.seconds)

    async def record(self, context: OperationContext, trace: RequestTrace, sources: Mapping[str, str | None]) -> None:
        """Write that these persons are read, and count them, before they are (docs/security.md L03, A10).

        Raises QuotaReached, or JournalUnavailable: nothing may leave.
        """
        looked_up = await self._looked_up(context)
        entries = [entry(reading) for reading in self._readings(context, looked_up, trace, sources)]
        figures = list(self._published(context, trace))
        if entries:
            self._say(await self._append([*entries, *figures]))
        elif figures:
            await self._note(figures)
        marks = [*(told.mark for told in context.tally.told), *(one.mark for one in context.figures.by_key.values())]
        for mark in filter(None, marks):
            context.view.told[mark] = None

    def _published(self, context: OperationContext, trace: RequestTrace) -> Iterator[JournalEntry]:
        """An entry for each question answered from a snapshot: who asked what of which, and nobody read."""
        for told in context.figures.by_key.values():
            if told.published is not None:
                yield JournalEntry(published(self.now(), trace, context.viewer, told.published))

    async def _note(self, figures: list[JournalEntry]) -> None:
        """Write what reads nobody, if the journal does: figures of a snapshot leave without it (docs/decisions/0155)."""
        try:
            await self._append(figures)
        except JournalUnavailable:
            logger.warning("journal indisponible : %d question(s) de statistiques sans trace", len(figures))

    async def _looked_up(self, context: OperationContext) -> list[frozenset[str]]:
        """The persons of whom each list tells, in their order; compared beside the loop when they are of many."""
        if not context.tally.told:
            return []
        lists, find = len(context.tally.told), partial(self.answered_sets.looked_up, context)
        if lists * (len(context.view.persons) + COMPARED) <= SHORT and not self.answered_sets.busy:
            return find()
        return await self.long_work.run(context.viewer.client, object(), find)

    async def _append(self, entries: list[JournalEntry]) -> list[QuotaCrossed]:
        """Write them together: they wait for one transaction."""
        # Most answers have one entry: it needs no task of its own.
        if len(entries) == 1:
            return await self.readings_journal.append(entries[0])
        return list(chain.from_iterable(await asyncio.gather(*map(self.readings_journal.append, entries))))

    def _readings(
        self,
        context: OperationContext,
        looked_up: list[frozenset[str]],
        trace: RequestTrace,
        sources: Mapping[str, str | None],
    ) -> Iterator[AccessRecord]:
        """What an operation reads: the persons that it shows or finds, then those of whom each list tells."""
        when, view, viewer = self.now(), context.view, context.viewer
        for persons, coordinates in self._reads(context, looked_up):
            if not persons:
                continue
            groups = grouped(persons)
            yield AccessRecord(
                when=when,
                request_id=trace.request_id,
                viewer=viewer,
                document=trace.document or "",
                decision=context.decision,
                persons={categories: tuple(map(self.opaque_ids.key, ids)) for categories, ids in groups.items()},
                records=tuple([view.records.get(person, ()) for ids in groups.values() for person in ids]),
                coordinates=coordinates,
                sources=sources,
                count_under=_count_under(context, self._account(viewer), paris_day(when)),
            )

    def _reads(
        self, context: OperationContext, looked_up: list[frozenset[str]]
    ) -> Iterator[tuple[Mapping[str, Categories], ByCategorie]]:
        """Persons by id, with the categories read of each; and the coordinates that tell of them, by category."""
        coordinates, tally = context.decision.coordinates, context.tally
        yield (tally.shown if shows_persons(coordinates) else tally.found, self.governed.read_in(coordinates))
        for told, persons in zip(tally.told, looked_up, strict=True):
            asked = asked_by(told.query.definition.name, told.criteria, told.cursors)
            categories = frozenset[CategorieDonnee]().union(*asked.values())
            yield dict.fromkeys(persons, categories), by_categorie(asked)
        for figure in context.figures.by_key.values():
            yield dict.fromkeys(figure.persons, FIGURES), {CategorieDonnee.AGREGAT: ["Query.statistiques"]}

    def _say(self, crossings: list[QuotaCrossed]) -> None:
        for crossed in crossings:
            self.alerts.quota(crossed)
        stops = [crossed for crossed in crossings if crossed.arret]
        if stops:
            raise QuotaReached(message(stops[0]), seconds_to_tomorrow(self.now()))

    def _account(self, viewer: Viewer) -> Account:
        return account_of(self.opaque_ids, viewer.client, viewer.account)


def _allowance(viewer: Viewer) -> Allowance:
    return Allowance("cout", viewer.quotas.cout_minute)


def _count_under(context: OperationContext, account: Account, day: date) -> CountUnder:
    viewer, perimetre = context.viewer, context.rights.perimetre
    organisation = f"{perimetre.profil.value}/{perimetre.organisation}"
    quotas = caps(viewer.quotas, perimetre.profil, account, organisation, day)
    return CountUnder(quotas, organisation, len(context.view.persons))

"""What one caller may take: charged before work, counted and written before the answer leaves. Knows no HTTP, no source."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from gateway.audit.alerts import Alerts
from gateway.audit.entries import Reading, entry
from gateway.auth.authentication.viewer import Viewer
from gateway.auth.policy.quotas import REQUEST_PRICE, caps, message, seconds_to_tomorrow
from gateway.auth.policy.rules import CategorieDonnee
from gateway.domain.days import paris_day
from gateway.domain.quotas import CountUnder, QuotaCrossed
from gateway.errors import QuotaReached
from gateway.federation.collect.plan import shows_persons
from gateway.federation.opaque_ids import OpaqueIds
from gateway.federation.views.context import OperationContext
from gateway.stores.journal import Journal
from gateway.stores.journal_batch import JournalEntry
from gateway.stores.rate_limits import Allowance, Balance, RateLimits


@dataclass(frozen=True, slots=True)
class Accounting:
    """The accounts of callers, and the journal."""

    readings_journal: Journal
    rate_limits: RateLimits
    alerts: Alerts
    opaque_ids: OpaqueIds
    governed: Mapping[str, CategorieDonnee]
    now: Callable[[], datetime]

    async def charge_request(self, viewer: Viewer) -> None:
        """Charge a request, before it is read. Raises QuotaReached."""
        await self.charge(viewer, REQUEST_PRICE)

    async def charge(self, viewer: Viewer, cost: int) -> None:
        """Charge the cost of an operation to its client, before any work. Raises QuotaReached."""
        exceeded = await self.rate_limits.spend(_allowance(viewer), viewer.client, cost)
        if exceeded:
            raise QuotaReached(f"Débit dépassé : {exceeded.limit} unités de coût par minute.", exceeded.seconds)

    async def balance(self, viewer: Viewer) -> Balance:
        """What the client may still spend this minute."""
        return await self.rate_limits.balance(_allowance(viewer), viewer.client)

    async def limit_lookups(self, context: OperationContext) -> None:
        """Stop an account that guesses: once it looked too often for what it may not see, it finds nothing more.

        Raises QuotaReached.
        """
        if not context.tally.lookups:
            return
        account, permit = context.viewer.account, context.viewer.quotas.not_found
        exceeded = await self.rate_limits.spend(Allowance("introuvables", permit, 10), account, context.tally.not_found)
        if exceeded:
            self.alerts.guessing(account)
            raise QuotaReached("Trop de recherches sans résultat.", exceeded.seconds)

    async def record(
        self, context: OperationContext, partner_request: str, document: str, sources: Mapping[str, str | None]
    ) -> None:
        """Write that these persons are read, and count them, before they are (docs/security.md L03, A10).

        Raises QuotaReached, or JournalUnavailable: nothing may leave.
        """
        if not context.tally.shown or not shows_persons(context.decision):
            return
        reading = Reading(
            when=self.now(),
            partner_request=partner_request,
            viewer=context.viewer,
            document=self.opaque_ids.pseudonym(f"document/{document}"),
            decision=context.decision,
            persons={self.opaque_ids.key(lu): categories for lu, categories in context.tally.shown.items()},
            sources=sources,
        )
        crossings = await self.readings_journal.append(
            JournalEntry(*entry(reading, self.governed), count_under=_count_under(context, paris_day(reading.when)))
        )
        self._say(crossings)

    def _say(self, crossings: list[QuotaCrossed]) -> None:
        for crossed in crossings:
            self.alerts.quota(crossed)
        stops = [crossed for crossed in crossings if crossed.arret]
        if stops:
            raise QuotaReached(message(stops[0]), seconds_to_tomorrow(self.now()))


def _allowance(viewer: Viewer) -> Allowance:
    return Allowance("cout", viewer.quotas.cout_minute)


def _count_under(context: OperationContext, day: date) -> CountUnder:
    viewer, perimetre = context.viewer, context.rights.perimetre
    organisation = f"{perimetre.profil.value}/{perimetre.organisation}"
    own_ones = caps(viewer.quotas, perimetre.profil, viewer.account, organisation, day)
    return CountUnder(own_ones, organisation, len(context.view.persons))

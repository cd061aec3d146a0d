"""Who reads whom: what one caller may take, charged before work, counted and written before the answer leaves.

An entry of the journal holds the references of data, not the data (docs/security.md): who, for what, which coordinates of
the graph, and keys of persons that the store turns into pseudonyms; never a value. Knows no HTTP and no source.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson
from graphql import GraphQLSchema, is_object_type

from gateway.audit.accounts import DailyAccounts, account_of
from gateway.audit.alerts import Alerts
from gateway.auth.authentication.clients import REQUEST_PRICE, Viewer, caps, message, seconds_to_tomorrow
from gateway.auth.authorization.decide import Decision
from gateway.auth.policy.rules import CategorieDonnee, categorie, paths_to
from gateway.domain.days import paris_day
from gateway.domain.quotas import Account, CountUnder, QuotaCrossed
from gateway.domain.seal import OpaqueIds
from gateway.errors import QuotaReached
from gateway.federation.collect.plan import shows_persons
from gateway.federation.views.context import OperationContext
from gateway.stores.counters import Allowance, Balance, RateLimits
from gateway.stores.journal import Journal, JournalEntry

Categories = frozenset[CategorieDonnee]
GUESSING_ACCOUNTS = 10  # accounts whose vain look-ups a client may spend in all


@dataclass(frozen=True, slots=True)
class Reading:
    """One answer that shows persons.

    `document`: a stand-in for the text of the operation. `persons`: what may be read of each, by secret key, and `records`:
    the keys of the records that told of each. `sources`: state of those that answered, by name. `count_under`: the quotas.
    """

    when: datetime
    request_id: str
    viewer: Viewer
    document: str
    decision: Decision
    persons: Mapping[str, Categories]
    records: Mapping[str, tuple[str, ...]]
    sources: Mapping[str, str | None]
    count_under: CountUnder

    @property
    def counted_by(self) -> Mapping[str, str]:
        """Who the persons are counted for, by quota: what counters hold is derived from it."""
        return {cap.scope: cap.who for cap in self.count_under.caps}


def governed(schema: GraphQLSchema) -> Mapping[str, CategorieDonnee]:
    """The category of every governed coordinate of the graph that tells something of a person."""
    return {
        f"{type_.name}.{name}": rule
        for type_ in schema.type_map.values()
        if is_object_type(type_) and type_ is not schema.query_type and CategorieDonnee.PUBLIQUE not in paths_to(type_)
        for name, field in type_.fields.items()
        if (rule := categorie(field)) not in (None, CategorieDonnee.PUBLIQUE)
    }


def entry(reading: Reading, rules: Mapping[str, CategorieDonnee]) -> JournalEntry:
    """The entry: its persons in the order of its `groups`."""
    viewer, decision = reading.viewer, reading.decision
    groups = _groups(reading.persons)
    content = {
        "acte": "LECTURE",
        "quand": reading.when.isoformat(),
        "requete": reading.request_id,
        "client": viewer.client,
        "compte": viewer.account,
        "profil": viewer.profil.value,
        "organisation": viewer.organisation,
        "finalite": viewer.finalite.value if viewer.finalite else None,
        "document": reading.document,
        "coordonnees": _by_categorie(decision, rules),
        "refus": sorted({refusal.coordinate for refusal in decision.refusal}),
        "groupes": [{"categories": list(names), "personnes": len(keys)} for names, keys in groups.items()],
        "fiches": all(reading.records.values()),
        "comptes": reading.counted_by,
        "sources": dict(reading.sources),
    }
    persons = tuple(key for keys in groups.values() for key in keys)
    return JournalEntry(
        _written(content), persons, reading.count_under, tuple(map(reading.records.__getitem__, persons))
    )


def act(name: str, when: datetime, **details: Any) -> bytes:
    """The entry of what was done to the journal itself: consulted, purged."""
    return _written({"acte": name, "quand": when.isoformat(), **details})


def _written(content: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(content)
    except TypeError:  # half a character, in a name that a caller bears: escaped, it can be written
        return json.dumps(content).encode()


def written_at(content: bytes) -> datetime:
    """The instant of an entry."""
    return datetime.fromisoformat(json.loads(content)["quand"])


def rows(content: bytes, ranks: Iterable[int]) -> str:
    """One reading of one person as a line: when, who, for what, which fields. `ranks`: of the person in the entry, where two
    ids may have been hers."""
    written = json.loads(content)
    categories = {name for rank in ranks for name in _categories_at_rank(written["groupes"], rank)}
    fields = sorted({field for name in categories for field in written["coordonnees"].get(name, [])})
    account = json.dumps(written["compte"], ensure_ascii=True)
    who = (written["profil"], written["organisation"], account, written["client"])
    return "\t".join((written["quand"], *who, str(written["finalite"]), ",".join(fields), written["requete"]))


def _categories_at_rank(groups: list[dict[str, Any]], rank: int) -> list[str]:
    for group in groups:
        if rank < group["personnes"]:
            return list(group["categories"])
        rank -= group["personnes"]
    return []


def _groups(persons: Mapping[str, Categories]) -> Mapping[tuple[str, ...], list[str]]:
    """The keys of persons by the categories that may be read of them."""
    groups: dict[Categories, list[str]] = defaultdict(list)
    for key, categories in persons.items():
        groups[categories].append(key)
    return {tuple(sorted(c.value for c in categories)): keys for categories, keys in groups.items()}


def _by_categorie(decision: Decision, rules: Mapping[str, CategorieDonnee]) -> Mapping[str, list[str]]:
    coordinates: dict[str, list[str]] = defaultdict(list)
    for coordinate in sorted(decision.coordinates & rules.keys()):
        coordinates[rules[coordinate].value].append(coordinate)
    return coordinates


@dataclass(frozen=True, slots=True)
class Accounting:
    """The rate limits and quotas of callers, and the journal of readings."""

    readings_journal: Journal
    rate_limits: RateLimits
    alerts: Alerts
    daily_accounts: DailyAccounts
    opaque_ids: OpaqueIds
    governed: Mapping[str, CategorieDonnee]
    now: Callable[[], datetime]

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

    async def record(
        self, context: OperationContext, request_id: str, document: str, sources: Mapping[str, str | None]
    ) -> None:
        """Write that these persons are read, and count them, before they are (docs/security.md L03, A10).

        Raises QuotaReached, or JournalUnavailable: nothing may leave.
        """
        if not context.tally.shown or not shows_persons(context.decision.coordinates):
            return
        when, view, viewer = self.now(), context.view, context.viewer
        reading = Reading(
            when=when,
            request_id=request_id,
            viewer=viewer,
            document=self.opaque_ids.pseudonym(f"document/{document}"),
            decision=context.decision,
            persons={self.opaque_ids.key(person): categories for person, categories in context.tally.shown.items()},
            records={self.opaque_ids.key(person): view.records.get(person, ()) for person in context.tally.shown},
            sources=sources,
            count_under=_count_under(context, self._account(viewer), paris_day(when)),
        )
        self._say(await self.readings_journal.append(entry(reading, self.governed)))

    def _say(self, crossings: list[QuotaCrossed]) -> None:
        for crossed in crossings:
            self.alerts.quota(crossed)
        stops = [crossed for crossed in crossings if crossed.arret]
        if stops:
            raise QuotaReached(message(stops[0]), seconds_to_tomorrow(self.now()))

    def _account(self, viewer: Viewer) -> Account:
        return account_of(viewer, self.opaque_ids)


def _allowance(viewer: Viewer) -> Allowance:
    return Allowance("cout", viewer.quotas.cout_minute)


def _count_under(context: OperationContext, account: Account, day: date) -> CountUnder:
    viewer, perimetre = context.viewer, context.rights.perimetre
    organisation = f"{perimetre.profil.value}/{perimetre.organisation}"
    quotas = caps(viewer.quotas, perimetre.profil, account, organisation, day)
    return CountUnder(quotas, organisation, len(context.view.persons))

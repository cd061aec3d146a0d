"""Who reads whom: what one caller may take, charged before work, counted and written before the answer leaves.

An entry of the journal holds the references of data, not the data (docs/security.md): who, for what, which coordinates of
the graph, and keys of persons that the store turns into pseudonyms; never a value. Knows no HTTP and no source.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import chain
from typing import Any

import orjson
from graphql import GraphQLSchema, is_object_type

from gateway.audit.alerts import Alerts
from gateway.audit.told_sets import ToldSets
from gateway.auth.authentication.clients import REQUEST_PRICE, Viewer, caps, message, seconds_to_tomorrow
from gateway.auth.authorization.decide import Decision
from gateway.auth.policy.rules import CategorieDonnee, categorie, paths_to
from gateway.domain.days import paris_day
from gateway.domain.quotas import CountUnder, QuotaCrossed
from gateway.domain.seal import OpaqueIds
from gateway.errors import QuotaReached
from gateway.federation.collect.plan import shows_persons
from gateway.federation.views.context import OperationContext
from gateway.schema.tables import asked_by
from gateway.stores.counters import Allowance, Balance, RateLimits
from gateway.stores.journal import Journal, JournalEntry

Categories = frozenset[CategorieDonnee]


@dataclass(frozen=True, slots=True)
class Reading:
    """One answer that shows persons.

    `document`: a stand-in for the text of the operation. `persons`: what may be read of each, by secret key.
    `coordinates`: what is read of them, by category. `sources`: state of those that answered, by name.
    """

    when: datetime
    request_id: str
    viewer: Viewer
    document: str
    decision: Decision
    persons: Mapping[str, Categories]
    coordinates: Mapping[CategorieDonnee, list[str]]
    sources: Mapping[str, str | None]


def governed(schema: GraphQLSchema) -> Mapping[str, CategorieDonnee]:
    """The category of every governed coordinate of the graph that tells something of a person."""
    return {
        f"{type_.name}.{name}": rule
        for type_ in schema.type_map.values()
        if is_object_type(type_) and type_ is not schema.query_type and CategorieDonnee.PUBLIQUE not in paths_to(type_)
        for name, field in type_.fields.items()
        if (rule := categorie(field)) not in (None, CategorieDonnee.PUBLIQUE)
    }


def entry(reading: Reading) -> tuple[bytes, tuple[str, ...]]:
    """The entry, and the keys of its persons in the order of its `groups`."""
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
        "coordonnees": {categorie.value: names for categorie, names in reading.coordinates.items()},
        "refus": sorted({refusal.coordinate for refusal in decision.refusal}),
        "groupes": [{"categories": list(names), "personnes": len(keys)} for names, keys in groups.items()],
        "sources": dict(reading.sources),
    }
    return _written(content), tuple(key for keys in groups.values() for key in keys)


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


def rows(content: bytes, rank: int) -> str:
    """One reading of one person as a line: when, who, for what, which fields. `rank`: of the person in the entry."""
    written = json.loads(content)
    categories = _categories_at_rank(written["groupes"], rank)
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


def _by_categorie(coordinates: Mapping[str, Categories]) -> Mapping[CategorieDonnee, list[str]]:
    by_categorie: dict[CategorieDonnee, list[str]] = defaultdict(list)
    for coordinate in sorted(coordinates):
        for read in coordinates[coordinate]:
            by_categorie[read].append(coordinate)
    return by_categorie


@dataclass(frozen=True, slots=True)
class Accounting:
    """The rate limits and quotas of callers, and the journal of readings."""

    readings_journal: Journal
    rate_limits: RateLimits
    alerts: Alerts
    opaque_ids: OpaqueIds
    governed: Mapping[str, CategorieDonnee]
    now: Callable[[], datetime]
    told_sets: ToldSets = field(default_factory=ToldSets)

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
        account = context.viewer.account
        allowance = Allowance("introuvables", context.viewer.quotas.not_found, 10)
        exceeded = await self.rate_limits.spend(allowance, account, context.tally.not_found)
        if exceeded:
            self.alerts.guessing(account)
            raise QuotaReached("Trop de recherches sans résultat.", exceeded.seconds)

    async def record(
        self, context: OperationContext, request_id: str, document: str, sources: Mapping[str, str | None]
    ) -> None:
        """Write that these persons are read, and count them, before they are (docs/security.md L03, A10).

        Raises QuotaReached, or JournalUnavailable: nothing may leave.
        """
        readings = self._readings(context, request_id, document, sources)
        if readings:
            count_under = _count_under(context, paris_day(readings[0].when))
            entries = [JournalEntry(*entry(reading), count_under=count_under) for reading in readings]
            self._say(await self._append(entries))
        for told in context.tally.told:
            context.view.told[told.mark] = None

    async def _append(self, entries: list[JournalEntry]) -> list[QuotaCrossed]:
        """Write them together: they wait for one transaction."""
        # Most answers have one entry: it needs no task of its own.
        if len(entries) == 1:
            return await self.readings_journal.append(entries[0])
        return list(chain.from_iterable(await asyncio.gather(*map(self.readings_journal.append, entries))))

    def _readings(
        self, context: OperationContext, request_id: str, document: str, sources: Mapping[str, str | None]
    ) -> list[Reading]:
        """What an operation reads: the persons that it shows or finds, then those of whom each list tells."""
        decision, tally = context.decision, context.tally
        reads: list[tuple[Mapping[str, Categories], Mapping[str, Categories]]] = []
        rules = {name: frozenset({self.governed[name]}) for name in decision.coordinates & self.governed.keys()}
        reads.append((tally.shown if shows_persons(decision.coordinates) else tally.found, rules))
        for told in tally.told:
            asked = asked_by(told.query.definition.name, told.criteria, told.after is not None)
            categories = frozenset[CategorieDonnee]().union(*asked.values())
            reads.append((dict.fromkeys(self.told_sets.looked_up(context, told), categories), asked))
        return [
            Reading(
                when=self.now(),
                request_id=request_id,
                viewer=context.viewer,
                document=self.opaque_ids.pseudonym(f"document/{document}"),
                decision=decision,
                persons={self.opaque_ids.key(person): categories for person, categories in persons.items()},
                coordinates=_by_categorie(coordinates),
                sources=sources,
            )
            for persons, coordinates in reads
            if persons
        ]

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
    quotas = caps(viewer.quotas, perimetre.profil, viewer.account, organisation, day)
    return CountUnder(quotas, organisation, len(context.view.persons))

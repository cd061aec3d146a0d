"""The entries of the reading journal: the references of data, not the data (docs/security.md).

Who, for what, which coordinates of the graph, and keys of persons that the store turns into pseudonyms; never a value. Pure.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from itertools import chain
from typing import Any

import orjson
from graphql import GraphQLSchema, is_object_type

from gateway.auth.authentication.clients import Viewer
from gateway.auth.authorization.decide import Decision
from gateway.auth.policy.policy import PUBLIQUE
from gateway.auth.policy.rules import CategorieDonnee, categorie, paths_to
from gateway.correlation import RequestTrace
from gateway.domain.days import PARIS
from gateway.domain.quota_rules import CountUnder
from gateway.stores.journal import JournalEntry

Categories = frozenset[CategorieDonnee]
ByCategorie = Mapping[CategorieDonnee, list[str]]  # coordinates of the graph
SELECTIONS_KNOWN = 256  # sets of coordinates of which it is kept what they read


@dataclass(frozen=True, slots=True)
class AccessRecord:
    """One answer that shows persons.

    `document`: a stand-in for the text of the operation. `persons`: their secret keys, by what may be read of them, and
    `records`: the keys of the records that told of each, in that order. `coordinates`: what is read of them. `sources`: state
    of those that answered, by name. `count_under`: the quotas.
    """

    when: datetime
    request_id: str
    viewer: Viewer
    document: str
    decision: Decision
    persons: Mapping[Categories, tuple[str, ...]]
    records: tuple[tuple[str, ...], ...]
    coordinates: ByCategorie
    sources: Mapping[str, str | None]
    count_under: CountUnder

    @property
    def counted_by(self) -> Mapping[str, str]:
        """Who the persons are counted for, by quota: what counters hold is derived from it."""
        return {cap.scope: cap.who for cap in self.count_under.caps}


@dataclass(frozen=True, slots=True)
class Written:
    """A write: the field of the graph that asks it, the fields of its input, its `issue` (DEMANDEE, ACCEPTEE); the secret key of
    whom it is about, and those of her records."""

    name: str
    fields: tuple[str, ...]
    issue: str
    persons: tuple[str, ...] = ()
    records: tuple[tuple[str, ...], ...] = ()


class Governed:
    """The category of every governed coordinate of the graph that tells something of a person."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self.categories: Mapping[str, CategorieDonnee] = {
            f"{type_.name}.{name}": rule
            for type_ in schema.type_map.values()
            if is_object_type(type_) and type_ not in (schema.query_type, schema.subscription_type)
            if paths_to(type_) != PUBLIQUE
            for name, field in type_.fields.items()
            if (rule := categorie(field)) not in (None, CategorieDonnee.PUBLIQUE)
        }
        self.read_in = lru_cache(SELECTIONS_KNOWN)(self._read_in)

    def _read_in(self, coordinates: frozenset[str]) -> ByCategorie:
        """What a selection of these reads of a person."""
        read = coordinates & self.categories.keys()
        return by_categorie({name: frozenset({self.categories[name]}) for name in read})


def entry(reading: AccessRecord) -> JournalEntry:
    """The entry: its persons in the order of its `groups`."""
    viewer, decision = reading.viewer, reading.decision
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
        "groupes": [{"categories": _names(read), "personnes": len(keys)} for read, keys in reading.persons.items()],
        "fiches": all(reading.records),
        "comptes": reading.counted_by,
        "sources": dict(reading.sources),
    }
    persons = tuple(chain.from_iterable(reading.persons.values()))
    return JournalEntry(_written(content), persons, reading.count_under, reading.records)


def published(when: datetime, trace: RequestTrace, viewer: Viewer, asked: Mapping[str, Any]) -> bytes:
    """The entry of figures read from a snapshot (`asked`: the question, and its number): nobody is in it."""
    return act(
        "STATISTIQUES",
        when,
        requete=trace.request_id,
        client=viewer.client,
        compte=viewer.account,
        profil=viewer.profil.value,
        organisation=viewer.organisation,
        finalite=viewer.finalite.value if viewer.finalite else None,
        document=trace.document or "",
        **asked,
    )


def write_entry(when: datetime, trace: RequestTrace, viewer: Viewer, asked: Written) -> JournalEntry:
    """The entry of a write: what is asked, on whom, and what became of it (`issue`). Never a value."""
    content = act(
        "ECRITURE",
        when,
        requete=trace.request_id,
        client=viewer.client,
        compte=viewer.account,
        profil=viewer.profil.value,
        organisation=viewer.organisation,
        finalite=viewer.finalite.value if viewer.finalite else None,
        document=trace.document or "",
        coordonnees={asked.name: list(asked.fields)},
        groupes=[{"categories": [asked.name], "personnes": len(asked.persons)}],
        issue=asked.issue,
    )
    return JournalEntry(content, asked.persons, None, asked.records)


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


def reading_of(content: bytes, ranks: Iterable[int]) -> dict[str, Any]:
    """One reading of one person: when, in the time of Paris, who, for what, which fields. `ranks`: of the person in the entry,
    where two ids may have been hers."""
    written = json.loads(content)
    categories = {name for rank in ranks for name in _categories_at_rank(written["groupes"], rank)}
    fields = sorted({field for name in categories for field in written["coordonnees"].get(name, [])})
    when = datetime.fromisoformat(written["quand"]).astimezone(PARIS).isoformat(timespec="seconds")
    names = ("profil", "organisation", "compte", "client", "finalite")
    return {"quand": when, **{name: written[name] for name in names}, "champs": fields, "requete": written["requete"]}


def _categories_at_rank(groups: list[dict[str, Any]], rank: int) -> list[str]:
    for group in groups:
        if rank < group["personnes"]:
            return list(group["categories"])
        rank -= group["personnes"]
    return []


def grouped(persons: Mapping[str, Categories]) -> Mapping[Categories, list[str]]:
    """Persons by the categories that may be read of them."""
    groups: dict[Categories, list[str]] = defaultdict(list)
    for person, categories in persons.items():
        groups[categories].append(person)
    return groups


@cache
def _names(categories: Categories) -> tuple[str, ...]:
    """In order. Kept: few sets of categories are ever granted."""
    return tuple(sorted(c.value for c in categories))


def by_categorie(coordinates: Mapping[str, Categories]) -> ByCategorie:
    """Coordinates by the categories that they read."""
    by_categorie: dict[CategorieDonnee, list[str]] = defaultdict(list)
    for coordinate in sorted(coordinates):
        for read in coordinates[coordinate]:
            by_categorie[read].append(coordinate)
    return by_categorie

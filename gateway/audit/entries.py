"""What is written of a reading before its answer leaves: who, for what, which coordinates, of whom. Pure; never a value.

The references of data, not the data (docs/security.md): coordinates of the graph, and keys of persons that the store turns
into pseudonyms.
"""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from graphql import GraphQLSchema, is_object_type

from gateway.auth.authentication.viewer import Viewer
from gateway.auth.authorization.decide import Decision
from gateway.auth.policy.coordinates import categorie
from gateway.auth.policy.rules import CategorieDonnee

Categories = frozenset[CategorieDonnee]


@dataclass(frozen=True, slots=True)
class Reading:
    """One answer that shows persons.

    `document`: a stand-in for the text of the operation. `persons`: what may be read of each, by secret key.
    `sources`: state of those that answered, by name.
    """

    when: datetime
    partner_request: str
    viewer: Viewer
    document: str
    decision: Decision
    persons: Mapping[str, Categories]
    sources: Mapping[str, str | None]


def governed(schema: GraphQLSchema) -> Mapping[str, CategorieDonnee]:
    """The category of every governed coordinate of the graph that tells something of a person."""
    return {
        f"{type_.name}.{name}": rule
        for type_ in schema.type_map.values()
        if is_object_type(type_) and type_ is not schema.query_type
        for name, field in type_.fields.items()
        if (rule := categorie(field)) not in (None, CategorieDonnee.PUBLIQUE)
    }


def entry(reading: Reading, rules: Mapping[str, CategorieDonnee]) -> tuple[bytes, tuple[str, ...]]:
    """The entry, and the keys of its persons in the order of its `groups`."""
    viewer, decision = reading.viewer, reading.decision
    groups = _groups(reading.persons)
    content = {
        "acte": "LECTURE",
        "quand": reading.when.isoformat(),
        "requete": reading.partner_request,
        "client": viewer.client,
        "compte": viewer.account,
        "profil": viewer.profil.value,
        "organisation": viewer.organisation,
        "finalite": viewer.finalite.value if viewer.finalite else None,
        "document": reading.document,
        "coordonnees": _by_categorie(decision, rules),
        "refus": sorted({refusal.coordinate for refusal in decision.refusal}),
        "groupes": [{"categories": list(names), "personnes": len(keys)} for names, keys in groups.items()],
        "sources": dict(reading.sources),
    }
    return _write(content), tuple(key for keys in groups.values() for key in keys)


def act(nom: str, when: datetime, **told_values: Any) -> bytes:
    """The entry of what was done to the journal itself: consulted, purged."""
    return _write({"acte": nom, "quand": when.isoformat(), **told_values})


def written_at(content: bytes) -> datetime:
    """The instant of an entry."""
    return datetime.fromisoformat(json.loads(content)["quand"])


def rows(content: bytes, rank: int) -> str:
    """One reading of one person, for whoever asks: when, who, for what, which fields of hers."""
    row_read = json.loads(content)
    categories = _categories_at_rank(row_read["groupes"], rank)
    fields = sorted({field for name in categories for field in row_read["coordonnees"].get(name, [])})
    who = (
        row_read["profil"],
        row_read["organisation"],
        json.dumps(row_read["compte"], ensure_ascii=True),
        row_read["client"],
    )
    return "\t".join((row_read["quand"], *who, str(row_read["finalite"]), ",".join(fields), row_read["requete"]))


def _categories_at_rank(groups: list[dict[str, Any]], rank: int) -> list[str]:
    for group in groups:
        if rank < group["personnes"]:
            return list(group["categories"])
        rank -= group["personnes"]
    return []


def _groups(persons: Mapping[str, Categories]) -> Mapping[tuple[str, ...], list[str]]:
    """The persons by what may be read of them: a page has one group or two."""
    groups: dict[Categories, list[str]] = defaultdict(list)
    for key, categories in persons.items():
        groups[categories].append(key)
    return {tuple(sorted(c.value for c in categories)): keys for categories, keys in groups.items()}


def _by_categorie(decision: Decision, rules: Mapping[str, CategorieDonnee]) -> Mapping[str, list[str]]:
    rows_read: dict[str, list[str]] = defaultdict(list)
    for coordinate in sorted(decision.coordinates & rules.keys()):
        rows_read[rules[coordinate].value].append(coordinate)
    return rows_read


def _write(content: Mapping[str, Any]) -> bytes:
    return orjson.dumps(content)

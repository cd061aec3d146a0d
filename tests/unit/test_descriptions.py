"""Everything of the published graph is described, in one style: tools show it beside what one types (docs/graphe.md)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from graphql import (
    build_schema,
    introspection_from_schema,
    is_introspection_type,
    is_scalar_type,
    is_specified_directive,
    is_specified_scalar_type,
)

from gateway.auth.authorization.visible_schema import VisibleSchemas
from gateway.auth.policy.rules import Profil
from gateway.domain.days import write_instant
from gateway.schema.meanings import MEANINGS
from gateway.schema.query import build, text
from tests.support.access.tools import POLICY, SCHEMA, viewer


def _undescribed() -> Iterator[str]:
    """The coordinates of what has no description in the published text."""
    published = build_schema(text(build()))
    for directive in published.directives:
        if not is_specified_directive(directive):
            yield from (f"@{directive.name}" for _ in (1,) if not directive.description)
            yield from (f"@{directive.name}({name}:)" for name, one in directive.args.items() if not one.description)
    for type_ in published.type_map.values():
        if is_introspection_type(type_) or is_specified_scalar_type(type_):
            continue
        yield from (type_.name for _ in (1,) if not type_.description)
        parts = {**getattr(type_, "fields", {}), **getattr(type_, "values", {})}
        yield from (f"{type_.name}.{name}" for name, part in parts.items() if not part.description)
        for name, field in parts.items():
            arguments = getattr(field, "args", {})
            yield from (f"{type_.name}.{name}({a}:)" for a, one in arguments.items() if not one.description)


def test_b9_everything_of_the_published_graph_is_described() -> None:
    assert list(_undescribed()) == []


def test_b9_a_description_is_a_sentence() -> None:
    told = [meaning for meanings in MEANINGS.values() for meaning in meanings.values()]
    assert len(told) == 183
    assert [one for one in told if not one[0].isupper() or not one.endswith(".")] == []


def test_b9_each_scalar_of_ours_says_where_it_is_specified() -> None:
    ours = {t.name: t for t in SCHEMA.type_map.values() if is_scalar_type(t) and not is_specified_scalar_type(t)}
    assert set(ours) == {"CodeInsee", "CodePostal", "Date", "DateTime", "SIRET", "UAI"}
    assert [name for name, type_ in ours.items() if not (type_.specified_by_url or "").startswith("https://")] == []


@pytest.mark.parametrize(
    ("instant", "written"),
    [
        (datetime(2026, 10, 15, 9, tzinfo=UTC), "2026-10-15T09:00:00Z"),
        (datetime(2026, 7, 15, 0, 30, 5, 999_999, timezone(timedelta(hours=4))), "2026-07-14T20:30:05Z"),
        (datetime(2026, 3, 29, 3, 0, tzinfo=timezone(timedelta(hours=2))), "2026-03-29T01:00:00Z"),
    ],
)
def test_b9_an_instant_is_written_in_one_way(instant: datetime, written: str) -> None:
    assert write_instant(instant) == written
    assert SCHEMA.type_map["DateTime"].serialize(instant) == written  # type: ignore[attr-defined]


@pytest.mark.parametrize("day", ["20260203", "2026-W05-2", "2026-2-3", "2026-02-03T00:00:00Z", "2026-02-30", 3])
def test_b9_a_day_is_read_as_rfc_3339_writes_it(day: object) -> None:
    with pytest.raises(ValueError, match=r"Date invalide|day is out of range"):
        SCHEMA.type_map["Date"].parse_value(day)  # type: ignore[attr-defined]


@pytest.mark.parametrize("profil", list(Profil))
def test_b4_the_directive_that_a_caller_may_write_is_in_his_introspection(profil: Profil) -> None:
    shown: Any = introspection_from_schema(VisibleSchemas(SCHEMA, POLICY).for_viewer(viewer(profil)))
    directives = {one["name"]: one for one in shown["__schema"]["directives"]}
    assert directives["fraicheur"]["locations"] == ["QUERY"]
    assert [argument["name"] for argument in directives["fraicheur"]["args"]] == ["maxSecondes"]
    assert directives["fraicheur"]["description"].startswith("Demande des réponses plus fraîches")
    assert "policy" not in directives  # of the published text: nobody writes it in an operation

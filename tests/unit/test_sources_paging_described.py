"""Pages of partners that nobody of the house knows, followed by their description alone (partenaires-table.md, Les pages)."""

from typing import Any

import pytest

from gateway.connectors.base import BodyFormat, Paging, PagingStyle, PartnerRequest
from gateway.sources.http.page_trail import (
    InvalidPages,
    PageTrail,
    announced,
    clamped,
    first,
    next_,
    numbered,
    placed_rows,
    prove_whole,
    rows_in,
)

BASE = "https://erp.test/v1"
CURSOR = Paging(cursor="apres", next=("meta", "suite"), size="limite")
RELAY = Paging(cursor="variables.apres", next=("data", "info", "fin"), more=("data", "info", "encore"), in_body=True)
OFFSET = Paging(offset="debut", size="nombre", total=("total",))


def asked(pages: Paging, **others: Any) -> PartnerRequest:
    return PartnerRequest("liste", "/eleves", params={"annee": "2025"}, pages=pages, **others)


def after(request: PartnerRequest, document: Any, rank: int = 1) -> PartnerRequest:
    following = next_(request, BASE, "", document, rank)
    assert following is not None
    return following


def test_a_cursor_goes_back_where_it_is_awaited() -> None:
    head = first(asked(CURSOR, size=50))
    assert dict(head.params) == {"annee": "2025", "limite": "50"}
    second = after(head, {"meta": {"suite": "a b"}, "eleves": [1]})
    assert dict(second.params) == {"annee": "2025", "limite": "50", "apres": "a b"}
    assert after(second, {"meta": {"suite": 3}}).params["apres"] == "3"


@pytest.mark.parametrize("document", [{"meta": {"suite": None}}, {"meta": {"suite": ""}}, {"meta": {}}, {}])
def test_without_a_cursor_it_is_the_last_page(document: Any) -> None:
    assert next_(asked(CURSOR), BASE, "", document, 1) is None


@pytest.mark.parametrize("told", [True, [], {}, 1.5])
def test_a_cursor_of_another_type_is_told(told: object) -> None:
    with pytest.raises(InvalidPages, match="page suivante illisible"):
        next_(asked(CURSOR), BASE, "", {"meta": {"suite": told}}, 1)


def test_a_cursor_that_comes_back_is_a_loop() -> None:
    second = after(asked(CURSOR), {"meta": {"suite": "x"}})
    with pytest.raises(InvalidPages, match="répétée"):
        next_(second, BASE, "", {"meta": {"suite": "x"}}, 2)


def test_a_page_of_graphql_is_a_variable_of_the_body() -> None:
    head = asked(RELAY, method="POST", body={"query": "q", "variables": {"code": "1", "apres": None}})
    second = after(head, {"data": {"info": {"fin": "c2", "encore": True}}})
    assert second.body == {"query": "q", "variables": {"code": "1", "apres": "c2"}}
    assert head.body == {"query": "q", "variables": {"code": "1", "apres": None}}
    assert next_(second, BASE, "", {"data": {"info": {"fin": "c2", "encore": False}}}, 2) is None


@pytest.mark.parametrize(
    ("info", "reason"),
    [
        ({"encore": True, "fin": None}, "n'est pas donnée"),
        ({"fin": "x"}, "s'il y a une suite"),
        ({"encore": "?"}, "suite"),
    ],
)
def test_more_is_announced_and_must_be_given(info: Any, reason: str) -> None:
    with pytest.raises(InvalidPages, match=reason):
        next_(asked(RELAY, body={}), BASE, "", {"data": {"info": info}}, 1)


def test_an_offset_counts_what_was_given_not_what_was_asked() -> None:
    second = after(asked(OFFSET, size=100), {"total": 250, "eleves": list(range(40))})
    assert (second.params["debut"], after(second, {"total": 250, "eleves": list(range(40, 80))}).params["debut"]) == (
        "40",
        "80",
    )
    assert next_(second, BASE, "", {"total": 80, "eleves": list(range(40, 80))}, 2) is None
    assert next_(second, BASE, "", {"eleves": []}, 2) is None


def test_a_row_told_twice_is_gone_beyond_once() -> None:
    """Four rows of a page that tells each twice were the total: half a list, and nobody told."""
    twice = {"total": 4, "eleves": [1, 2, 1, 2]}
    assert after(asked(OFFSET), twice).params["debut"] == "2"
    assert after(asked(OFFSET), {"eleves": [1, 2, 1, 2]}).params["debut"] == "2"
    with pytest.raises(InvalidPages, match="4 lignes annoncées, 8 reçues"):
        prove_whole([4, 4], [4, 4])


def test_rows_of_another_page_dated_otherwise_stop_all() -> None:
    """A parameter that the partner does not know gives the first page for each: as many rows as announced."""
    trail, told = PageTrail(9), asked(PagingStyle.SIZE, rows=("lignes",))
    pages = [{"le": rank, "lignes": rows} for rank, rows in enumerate(([1, 2], [1, 3], [], [], [1, 2]))]
    for rank, page in enumerate(pages[:4]):
        trail.add(bytes([rank]), placed_rows(told, page))
    with pytest.raises(InvalidPages, match="page répétée ou manquante"):
        trail.add(b"x", placed_rows(told, pages[4]))
    assert (
        placed_rows(asked(PagingStyle.SIZE), {"erreurs": [1]}) == ()
    )  # a list that is the same on each page may be another
    assert placed_rows(asked(PagingStyle.SIZE), [1]) == [1]


@pytest.mark.parametrize("told", [True, False])
def test_more_behind_a_header_that_tells_no_page_is_an_error(told: bool) -> None:
    """It ended the reading at the first page: `encore` was not looked at."""
    style, page = Paging(link=True, more=("encore",)), {"encore": told, "lignes": [1]}
    if told:
        with pytest.raises(InvalidPages, match="n'est pas donnée"):
            next_(asked(style), BASE, "", page, 1)
    assert (next_(asked(style), BASE, f'<{BASE}/e?p=2>; rel="next"', page, 1) is not None) is told


def test_rows_deep_in_an_envelope_are_counted_where_they_stand() -> None:
    """The list that an error would fill stands empty beside the rows: it ended the reading at the first page."""
    document = {"erreurs": [], "resultat": {"lignes": [1, 2]}}
    told = asked(PagingStyle.SIZE, rows=("resultat", "lignes"))
    assert rows_in(document, told) == 2
    assert after(first(told), document).params["page"] == "2"
    with pytest.raises(InvalidPages, match="forme inattendue"):
        next_(first(asked(PagingStyle.SIZE)), BASE, "", document, 1)


@pytest.mark.parametrize("document", [{}, {"resultat": {}}, {"resultat": []}, {"resultat": {"lignes": {"id": 1}}}, [1]])
def test_rows_that_are_not_where_they_are_told_are_an_error(document: Any) -> None:
    told = asked(PagingStyle.SIZE, rows=("resultat", "lignes"))
    with pytest.raises(InvalidPages, match="forme inattendue"):
        next_(told, BASE, "", document, 1)


@pytest.mark.parametrize(
    ("rows", "number"), [({"eleve": [{}, {}]}, 2), ({"eleve": {"@id": "1"}}, 1), ({"@total": "0"}, 0), ("", 0)]
)
def test_rows_of_xml_may_be_one_or_none(rows: Any, number: int) -> None:
    told = asked(PagingStyle.SIZE, rows=("eleves", "eleve"), shape=BodyFormat.XML)
    assert rows_in({"eleves": rows}, told) == number
    assert rows_in({"erreur": "non"}, told) is None


def test_a_total_without_size_is_of_pages_as_long_as_the_first() -> None:
    style = Paging(page="p", total=("@total",))
    told = asked(style, rows=("e",), shape=BodyFormat.XML)
    shown = clamped(told, {"@total": "7", "e": [{}, {}, {}]})
    assert announced(shown, {"@total": "7", "e": [{}, {}, {}]}) == 3
    assert dict(numbered(shown, 3).params) == {"annee": "2025", "p": "3"}

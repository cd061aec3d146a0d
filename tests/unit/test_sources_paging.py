"""What to ask next, of each style of paging, and when to stop believing (docs/security.md U07, U08, U17)."""

import pytest

from gateway.connectors.base import Paging, PagingStyle, PartnerRequest
from gateway.sources.http.page_trail import (
    InvalidPages,
    PageTrail,
    announced,
    clamped,
    first,
    next_,
    numbered,
    prove_whole,
    safe_path,
    total_rows,
    without_repeats,
)

BASE = "https://erp.test/v1"


def partner_request(style: Paging, size: int = 2) -> PartnerRequest:
    return PartnerRequest("liste", "/eleves", params={"annee": "2025"}, pages=style, size=size)


@pytest.mark.parametrize(
    "link",
    [
        '<https://erp.test/v1/eleves?annee=2025&page=2>; rel="next"',
        '<https://erp.test/v1/eleves?page=1>; rel="first", </v1/eleves?annee=2025&page=2>; title="x"; rel=next',
        '<?annee=2025&page=2>; rel="prefetch NEXT"',
    ],
)
def test_next_link(link: str) -> None:
    following = next_(partner_request(PagingStyle.LINK), BASE, link, [], 1)
    assert following is not None
    assert (following.path, dict(following.params)) == ("/eleves", {"annee": "2025", "page": "2"})


@pytest.mark.parametrize("link", ["", '<https://erp.test/v1/x>; rel="last"', "n'importe quoi", "<>"])
def test_without_next_link(link: str) -> None:
    assert next_(partner_request(PagingStyle.LINK), BASE, link, [], 1) is None


def test_odata_link() -> None:
    document = {"value": [], "@odata.nextLink": "https://erp.test/v1/eleves?$top=2&$skip=2"}
    following = next_(partner_request(PagingStyle.ODATA), BASE, "", document, 1)
    assert following is not None
    assert dict(following.params) == {"$top": "2", "$skip": "2"}
    assert next_(partner_request(PagingStyle.ODATA), BASE, "", {"value": []}, 2) is None


ELSEWHERE = [
    "https://autre.test/v1/eleves?page=2",
    "http://erp.test/v1/eleves?page=2",
    "https://erp.test:8443/v1/eleves",
    "https://moi@erp.test/v1/eleves",
    "//169.254.169.254/latest",
    "file:///etc/passwd",
    "https://erp.test/v2/eleves",
    "https://erp.test/v1bis/eleves",
    "https://erp.test/v1/../admin",
    "https://[::1",
]


@pytest.mark.parametrize("adresse", ELSEWHERE)
def test_u07_a_next_page_elsewhere_is_refused(adresse: str) -> None:
    with pytest.raises(InvalidPages) as raised_error:
        next_(partner_request(PagingStyle.ODATA), BASE, "", {"@odata.nextLink": adresse}, 1)
    assert adresse not in str(raised_error.value)


@pytest.mark.parametrize("adresse", ["https://erp.test/v1/%2e%2e/admin", "https://erp.test/v1/a%2f..%2f..%2fadmin"])
def test_u17_an_encoded_climb_does_not_get_out(adresse: str) -> None:
    with pytest.raises(InvalidPages):
        next_(partner_request(PagingStyle.ODATA), BASE, "", {"@odata.nextLink": adresse}, 1)


@pytest.mark.parametrize("path", ["sans-barre", "/a//b", "/a/./b", "/../a", "/a\\..", "/a\r\nX: 1", "/a\0", "/"])
def test_u17_a_doubtful_path_is_refused(path: str) -> None:
    with pytest.raises(InvalidPages):
        safe_path(path)


@pytest.mark.parametrize("document", [[1], None, {"@odata.nextLink": 3}])
def test_u04_an_unexpected_shape_is_refused(document: object) -> None:
    with pytest.raises(InvalidPages):
        next_(partner_request(PagingStyle.ODATA), BASE, "", document, 1)


def test_size_the_end_is_an_empty_page() -> None:
    """A partner that gives 149 rows where 150 were asked is not at its end: the rest of a Mission locale was lost."""
    head = first(partner_request(PagingStyle.SIZE))
    assert dict(head.params) == {"annee": "2025", "page": "1", "taillePage": "2"}
    following = next_(head, BASE, "", [1, 2], 1)
    assert following is not None
    assert following.params["page"] == "2"
    further = next_(following, BASE, "", [3], 2)
    assert further is not None
    assert further.params["page"] == "3"
    assert next_(further, BASE, "", [], 3) is None


def test_metadata_the_page_is_in_the_body() -> None:
    head = first(PartnerRequest("contrats", "/c", "POST", body={"dateDebut": "x"}, pages=PagingStyle.METADATA))
    assert head.body == {"dateDebut": "x", "page": 1}
    assert numbered(head, 3).body == {"dateDebut": "x", "page": 3}
    assert announced(head, {"metadonnees": {"totalPages": 4}}) == 4
    assert announced(head, {"metadonnees": {"totalPages": 0}}) == 1


def test_index_counts_from_zero() -> None:
    head = first(partner_request(PagingStyle.INDEX))
    assert (head.params["page_index"], head.params["page_size"]) == ("0", "2")
    assert numbered(head, 3).params["page_index"] == "2"
    assert [announced(head, {"pagination": {"total": total}}) for total in (0, 2, 3, 4, 5)] == [1, 1, 2, 2, 3]


@pytest.mark.parametrize("total", [-1, "3", True, None, 2.5])
def test_u08_an_unreadable_total_is_refused(total: object) -> None:
    with pytest.raises(InvalidPages):
        announced(partner_request(PagingStyle.INDEX), {"pagination": {"total": total}})


def test_u08_a_page_repeated_or_one_too_many_stops_all() -> None:
    following = PageTrail(2)
    following.add(b"un")
    with pytest.raises(InvalidPages, match="répétée"):
        following.add(b"un")
    following.add(b"deux")
    with pytest.raises(InvalidPages, match="plus de 2 pages"):
        following.add(b"trois")


def test_pages_shorter_than_asked_are_more_pages() -> None:
    """A server that gives 100 rows where 1,000 were asked announced 250, and 100 were everything."""
    asked, document = partner_request(PagingStyle.INDEX, 1000), {"data": [0] * 100, "pagination": {"total": 250}}
    shorter = clamped(asked, document)
    assert (announced(asked, document), announced(shorter, document), shorter.size) == (1, 3, 100)
    assert numbered(shorter, 2).params["page_size"] == "100"
    last = {"data": [0] * 50, "pagination": {"total": 250}}
    assert announced(shorter, last) == 3


def test_rows_told_twice_do_not_make_a_list_whole() -> None:
    """A page of 50 people twice each is the half of 100 announced: there are pages behind it."""
    asked, twice = partner_request(PagingStyle.INDEX, 100), [{"id": n // 2} for n in range(100)]
    document = {"data": twice, "pagination": {"total": 100}}
    assert (announced(asked, document), announced(without_repeats(asked, document), document)) == (1, 2)
    assert without_repeats(asked, {**document, "data": twice[::2]}).size == 100


@pytest.mark.parametrize("read", [[100], [100, 99], [150, 101], []])
def test_announced_rows_that_were_not_read_are_an_error(read: list[int]) -> None:
    with pytest.raises(InvalidPages, match="200 lignes annoncées"):
        prove_whole(read, [200, 200])


def test_a_list_may_change_while_it_is_read() -> None:
    prove_whole([100, 101], [200, 202])
    prove_whole([100, None], [400])  # a page whose rows cannot be told proves nothing
    prove_whole([7], [None, None])


@pytest.mark.parametrize(
    ("style", "document", "header", "total"),
    [
        (PagingStyle.INDEX, {"pagination": {"total": 3}}, "", 3),
        (PagingStyle.ODATA, {"@odata.count": 0}, "", 0),
        (PagingStyle.METADATA, {"metadonnees": {"totalElements": 4}}, "9", 4),
        (PagingStyle.METADATA, {"metadonnees": {"totalPages": 4}}, "", None),
        (PagingStyle.SIZE, [], "12", 12),
        (PagingStyle.LINK, [], "beaucoup", None),
    ],
)
def test_where_each_style_tells_how_many_rows_there_are(
    style: Paging, document: object, header: str, total: int | None
) -> None:
    assert total_rows(partner_request(style), document, header) == total


def test_what_is_read_at_once_announces_no_next_page() -> None:
    with pytest.raises(InvalidPages, match="une suite est annoncée"):
        next_(partner_request(PagingStyle.ONE), BASE, '<https://erp.test/v1/eleves?page=2>; rel="next"', [1], 1)
    assert next_(partner_request(PagingStyle.ONE), BASE, "", [1], 1) is None


def test_size_a_page_that_is_no_list_is_no_end() -> None:
    with pytest.raises(InvalidPages, match="forme inattendue"):
        next_(partner_request(PagingStyle.SIZE), BASE, "", {"message": "non"}, 1)

"""Status → meaning, and how long to wait (docs/security.md U13)."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import SourceClosed, SourceDenied, SourceError, SourceInvalid, SourceUnavailable
from gateway.sources.http.decode import RETRY_AFTER_MAX, error_for_status, retry_after, told_wait

INSTANT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("statut", "retry", "kind", "waiting"),
    [
        (301, "", SourceInvalid, None),
        (400, "", SourceInvalid, None),
        (401, "", SourceDenied, None),
        (403, "9", SourceDenied, None),
        (404, "", SourceInvalid, None),
        (409, "", SourceInvalid, None),
        (413, "", SourceInvalid, None),
        (418, "", SourceInvalid, None),
        (429, "", SourceUnavailable, None),
        (429, "7", SourceUnavailable, 7.0),
        (500, "7", SourceUnavailable, None),
        (503, "", SourceUnavailable, None),
        (503, "120", SourceClosed, 120.0),
        (504, "", SourceUnavailable, None),
        (206, "", SourceInvalid, None),
        (999, "", SourceInvalid, None),
    ],
)
def test_u13_a_status_has_one_meaning(statut: int, retry: str, kind: type[SourceError], waiting: float | None) -> None:
    error = error_for_status("erp", statut, retry, INSTANT)
    assert type(error) is kind
    assert error.source == "erp"
    assert getattr(error, "retry_after", None) == waiting


@pytest.mark.parametrize("statut", [200, 204])
def test_a_success_is_not_an_error(statut: int) -> None:
    assert error_for_status("erp", statut, "", INSTANT) is None


def test_401_and_403_tell_the_refusal() -> None:
    assert str(error_for_status("erp", 401, "", INSTANT)) == "accès refusé par le partenaire"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("0", 0.0),
        (" 30 ", 30.0),
        ("9" * 400, RETRY_AFTER_MAX),
        ("-5", None),
        ("1e9", None),
        ("²", None),
        ("demain", None),
        ("", None),
        ("Mon, 02 Mar 2026 09:01:00 GMT", 60.0),
        ("Mon, 02 Mar 2026 09:01:00 -0000", 60.0),
        ("Mon, 02 Mar 2020 09:00:00 GMT", 0.0),
        ("Mon, 02 Mar 9026 09:00:00 GMT", RETRY_AFTER_MAX),
        ("Mon, 02 Mar 90262026202620 09:00:00 GMT", None),  # a year beyond what an integer of C holds
    ],
)
def test_u13_an_absurd_retry_after_is_bounded(header: str, expected: float | None) -> None:
    assert retry_after(header, INSTANT) == expected


@given(st.text(max_size=60))
def test_u13_retry_after_makes_nothing_fall(header: str) -> None:
    waiting = retry_after(header, INSTANT)
    assert waiting is None or 0 <= waiting <= RETRY_AFTER_MAX


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"RateLimit-Reset": "30"}, 30.0),
        ({"X-RateLimit-Reset": "1767225660"}, 61.0),
        ({"RateLimit-Reset": "1767225600"}, 1.0),
        ({"RateLimit-Reset": "1767225000"}, 0.0),
        ({"Retry-After": "5", "RateLimit-Reset": "30"}, 5.0),
        ({"RateLimit-Reset": "bientôt"}, None),
        ({}, None),
    ],
)
def test_a_quota_says_when_to_come_back(headers: dict[str, str], seconds: float | None) -> None:
    """In seconds, or as an instant in seconds since 1970."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert retry_after(told_wait(headers, now), now) == seconds

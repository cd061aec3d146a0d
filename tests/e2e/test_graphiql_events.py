"""The GraphiQL page subscribes: events arrive in a real browser as a partner tells them."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, expect

from fixtures.gateway_process import LaunchedGateway
from fixtures.world import World
from tests.e2e.test_graphiql import browser
from tests.support.e2e.event_listener import raw_stream
from tests.support.e2e.page import READY, RESPONSE, Visit, capture, open_example, opened, present, report
from tests.support.e2e.told_streams import rupture, wait_until_none
from tests.support.pair import counter

__all__ = ["browser"]  # a fixture of another file


@pytest.fixture
def visit(browser: BrowserContext, alone: LaunchedGateway) -> Iterator[Visit]:
    yield from opened(browser, f"{alone.url}/graphql")


def wait_for_stream(gateway: LaunchedGateway) -> None:
    while counter(gateway, "passerelle_flux_ouverts") != 1:
        pass


def test_events_arrive_one_after_the_other_and_stop_when_told(
    visit: Visit, small: World, alone: LaunchedGateway
) -> None:
    page = visit.page
    present(page, small.token("ml", agent="page"))
    open_example(page, "Être prévenu en direct")
    page.keyboard.press("Control+Enter")
    wait_for_stream(alone)
    rupture(small, alone)
    expect(page.locator(RESPONSE)).to_contain_text("RUPTURE_NOUVELLE", timeout=READY)
    expect(report(page)).to_contain_text("Réponse complète.")
    rupture(small, alone)
    expect(page.locator(RESPONSE)).to_contain_text(re.compile(r'"recus":\s[2-9]'), timeout=READY)
    capture(page, "evenements")
    page.get_by_role("button", name="Arrêter").first.click()
    wait_until_none(alone)
    assert visit.errors == []


def test_who_leaves_the_page_ends_its_stream(visit: Visit, small: World, alone: LaunchedGateway) -> None:
    page = visit.page
    present(page, small.token("ml", agent="depart"))
    open_example(page, "Être prévenu en direct")
    page.keyboard.press("Control+Enter")
    wait_for_stream(alone)
    page.get_by_role("button", name="Changer d’accès").click()
    wait_until_none(alone)


def test_a_subscription_that_is_refused_says_why(visit: Visit, small: World, alone: LaunchedGateway) -> None:
    page, token = visit.page, small.token("ml", agent="comble")
    streams = [raw_stream(alone.url, token) for _ in range(4)]
    present(page, token)
    open_example(page, "Être prévenu en direct")
    page.keyboard.press("Control+Enter")
    expect(page.locator(RESPONSE)).to_contain_text("QUOTA_ATTEINT", timeout=READY)
    expect(report(page)).to_contain_text("Trop de flux ouverts")
    for stream in streams:
        stream.close()
    wait_until_none(alone)

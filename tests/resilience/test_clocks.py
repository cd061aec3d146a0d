"""A partner whose clock is not ours (docs/security.md U12): it is measured, what it dates is read by it, nothing else changes."""

from datetime import timedelta
from email.utils import format_datetime

import pytest
import respx

from gateway.errors import SourceUnavailable
from gateway.sources.units import UnitResult
from tests.support.sources import BASE, INSTANT, UAI_A, SourcesHarness, call, transport, unit

pytestmark = pytest.mark.anyio
DAY = 86_400.0


@pytest.mark.parametrize("gap", [-DAY, 0.0, DAY])
async def test_u12_the_gap_of_the_clocks_is_measured_and_the_answer_served(
    router: respx.MockRouter, attempt: SourcesHarness, gap: float
) -> None:
    date = format_datetime(INSTANT + timedelta(seconds=gap), usegmt=True)
    router.get(f"{BASE}/liste/{UAI_A}").respond(json=[{"cle": "1", "uai": UAI_A}], headers={"Date": date})
    (result,) = await attempt.sources.read([unit()], 5.0)
    assert isinstance(result, UnitResult)
    assert attempt.registry.get_sample_value("passerelle_ecart_horloge_secondes", {"partenaire": "erp"}) == gap


async def test_u12_an_unreadable_date_measures_nothing(router: respx.MockRouter, attempt: SourcesHarness) -> None:
    router.get(f"{BASE}/liste/{UAI_A}").respond(json=[{"cle": "1", "uai": UAI_A}], headers={"Date": "hier"})
    (result,) = await attempt.sources.read([unit()], 5.0)
    assert isinstance(result, UnitResult)
    assert attempt.registry.get_sample_value("passerelle_ecart_horloge_secondes", {"partenaire": "erp"}) is None


@pytest.mark.parametrize("gap", [-DAY, DAY])
async def test_u12_the_date_to_come_back_is_read_on_the_clock_of_the_partner(
    router: respx.MockRouter, gap: float
) -> None:
    """A day ahead, it said "in five seconds"; read by our clock, it would have been left alone for a minute."""
    own = INSTANT + timedelta(seconds=gap)
    headers = {
        "Date": format_datetime(own, usegmt=True),
        "Retry-After": format_datetime(own + timedelta(seconds=5), usegmt=True),
    }
    router.get(f"{BASE}/liste").respond(429, headers=headers)
    network = transport(router)
    with pytest.raises(SourceUnavailable) as raised_error:
        await network.request(call())
    await network.aclose()
    assert raised_error.value.retry_after == 5.0

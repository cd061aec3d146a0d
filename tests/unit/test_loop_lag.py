"""The loop's pulse: a beat that comes late says by how much, and how much of it we computed."""

import pytest
from prometheus_client import CollectorRegistry

from gateway.server.loop_lag import STEP, LoopLag


class Finished(Exception):
    """The end of this test's life."""


@pytest.mark.anyio
async def test_a_lag_is_counted_and_what_caused_it() -> None:
    registry, instant, delays = CollectorRegistry(), [0.0], [0.0, 0.07, 0.3]

    async def sleep(duration: float) -> None:
        if not delays:
            raise Finished
        instant[0] += duration + delays.pop(0)

    with pytest.raises(Finished):
        await LoopLag(registry).run(sleep, lambda: instant[0], lambda: instant[0] / 2)
    delay, computation = (f"passerelle_boucle_{name}_secondes" for name in ("retard", "calcul"))
    assert [registry.get_sample_value(f"{delay}_bucket", {"le": le}) for le in ("0.05", "0.1", "0.5")] == [1, 2, 3]
    assert registry.get_sample_value(f"{delay}_sum") == pytest.approx(0.37)
    assert registry.get_sample_value(f"{computation}_sum") == pytest.approx((0.37 + 3 * STEP) / 2)

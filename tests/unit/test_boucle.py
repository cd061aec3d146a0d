"""The loop's pulse: a beat that comes late says by how much, and how much of it we computed."""

import pytest
from prometheus_client import CollectorRegistry

from gateway.boucle import PAS, Pouls


class Fini(Exception):
    """The end of this test's life."""


@pytest.mark.anyio
async def test_un_retard_est_compte_et_ce_qui_l_a_cause() -> None:
    registre, instant, retards = CollectorRegistry(), [0.0], [0.0, 0.07, 0.3]

    async def dormir(duree: float) -> None:
        if not retards:
            raise Fini
        instant[0] += duree + retards.pop(0)

    with pytest.raises(Fini):
        await Pouls.de(registre).battre(dormir, lambda: instant[0], lambda: instant[0] / 2)
    retard, calcul = (f"passerelle_boucle_{nom}_secondes" for nom in ("retard", "calcul"))
    assert [registre.get_sample_value(f"{retard}_bucket", {"le": le}) for le in ("0.05", "0.1", "0.5")] == [1, 2, 3]
    assert registre.get_sample_value(f"{retard}_sum") == pytest.approx(0.37)
    assert registre.get_sample_value(f"{calcul}_sum") == pytest.approx((0.37 + 3 * PAS) / 2)

"""A partner whose clock is not ours (SECURITY U12): it is measured, what it dates is read by it, nothing else changes."""

from datetime import timedelta
from email.utils import format_datetime

import pytest
import respx

from gateway.errors import SourceIndisponible
from gateway.sources.unites import Resultat
from tests.sources_aide import BASE, INSTANT, UAI_A, Banc, appel, transport, unite

pytestmark = pytest.mark.anyio
JOUR = 86_400.0


@pytest.mark.parametrize("ecart", [-JOUR, 0.0, JOUR])
async def test_u12_l_ecart_des_horloges_est_mesure_et_la_reponse_servie(
    routeur: respx.MockRouter, essai: Banc, ecart: float
) -> None:
    date = format_datetime(INSTANT + timedelta(seconds=ecart), usegmt=True)
    routeur.get(f"{BASE}/liste/{UAI_A}").respond(json=[{"cle": "1", "uai": UAI_A}], headers={"Date": date})
    (lu,) = await essai.sources.lire([unite()], 5.0)
    assert isinstance(lu, Resultat)
    assert essai.registre.get_sample_value("passerelle_ecart_horloge_secondes", {"partenaire": "erp"}) == ecart


async def test_u12_une_date_illisible_ne_mesure_rien(routeur: respx.MockRouter, essai: Banc) -> None:
    routeur.get(f"{BASE}/liste/{UAI_A}").respond(json=[{"cle": "1", "uai": UAI_A}], headers={"Date": "hier"})
    (lu,) = await essai.sources.lire([unite()], 5.0)
    assert isinstance(lu, Resultat)
    assert essai.registre.get_sample_value("passerelle_ecart_horloge_secondes", {"partenaire": "erp"}) is None


@pytest.mark.parametrize("ecart", [-JOUR, JOUR])
async def test_u12_la_date_ou_revenir_se_lit_a_l_horloge_du_partenaire(routeur: respx.MockRouter, ecart: float) -> None:
    """A day ahead, it said "in five seconds"; read by our clock, it would have been left alone for a minute."""
    sienne = INSTANT + timedelta(seconds=ecart)
    entetes = {
        "Date": format_datetime(sienne, usegmt=True),
        "Retry-After": format_datetime(sienne + timedelta(seconds=5), usegmt=True),
    }
    routeur.get(f"{BASE}/liste").respond(429, headers=entetes)
    reseau = transport(routeur)
    with pytest.raises(SourceIndisponible) as levee:
        await reseau.demander(appel())
    await reseau.aclose()
    assert levee.value.reessayer_dans == 5.0

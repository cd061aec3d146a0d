"""The views kept: one a subject, built once for all who wait."""

import asyncio

import pytest

from gateway.federation.views import Vue
from gateway.federation.vues import VUES_MAX, CleDeVue, Vues


async def _demander(vues: Vues, sujet: str, versions: str, faites: list[str]) -> Vue:
    async def construire() -> Vue:
        await asyncio.sleep(0)
        faites.append(f"{sujet}{versions}")
        return Vue()

    return await vues.vue(CleDeVue(sujet, versions), construire)


@pytest.mark.anyio
async def test_une_version_nouvelle_remplace_l_ancienne_et_n_evince_personne() -> None:
    """A partner read again every minute must not push out the views of other perimeters, nor keep its old records."""
    vues, faites = Vues(), list[str]()
    autre = await _demander(vues, "autre", "1", faites)
    for version in range(VUES_MAX + 1):
        await asyncio.gather(*(_demander(vues, "ml", str(version), faites) for _ in range(3)))
    assert await _demander(vues, "autre", "1", faites) is autre
    assert len(vues._connues) == 2
    assert faites == ["autre1", *(f"ml{version}" for version in range(VUES_MAX + 1))]


@pytest.mark.anyio
async def test_les_vues_les_moins_lues_sont_oubliees() -> None:
    vues, faites = Vues(), list[str]()
    for sujet in range(VUES_MAX + 1):
        await _demander(vues, str(sujet), "", faites)
        await _demander(vues, "0", "", faites)
    await _demander(vues, "1", "", faites)
    assert len(vues._connues) == VUES_MAX
    assert faites == [*map(str, range(VUES_MAX + 1)), "1"]

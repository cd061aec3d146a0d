"""The views kept: one a subject, built once for all who wait."""

import asyncio
from typing import Any

import pytest

from gateway.federation.views import Vue
from gateway.federation.vues import PERSONNES_MAX, PERSONNES_MIN, CleDeVue, Vues

PERSONNE: Any = object()
VIDES_MAX = PERSONNES_MAX // PERSONNES_MIN


async def _demander(vues: Vues, sujet: str, versions: str, faites: list[str], personnes: int = 0) -> Vue:
    async def construire() -> Vue:
        await asyncio.sleep(0)
        faites.append(f"{sujet}{versions}")
        return Vue(personnes=dict.fromkeys(map(str, range(personnes)), PERSONNE))

    return await vues.vue(CleDeVue(sujet, versions), construire)


@pytest.mark.anyio
async def test_une_version_nouvelle_remplace_l_ancienne_et_n_evince_personne() -> None:
    """A partner read again every minute must not push out the views of other perimeters, nor keep its old records."""
    vues, faites = Vues(), list[str]()
    autre = await _demander(vues, "autre", "1", faites)
    for version in range(40 + 1):
        await asyncio.gather(*(_demander(vues, "ml", str(version), faites) for _ in range(3)))
    assert await _demander(vues, "autre", "1", faites) is autre
    assert len(vues._connues) == 2
    assert faites == ["autre1", *(f"ml{version}" for version in range(40 + 1))]


@pytest.mark.anyio
async def test_les_vues_les_moins_lues_sont_oubliees() -> None:
    vues, faites = Vues(), list[str]()
    for sujet in range(VIDES_MAX + 1):
        await _demander(vues, str(sujet), "", faites)
        await _demander(vues, "0", "", faites)
    await _demander(vues, "1", "", faites)
    assert len(vues._connues) == VIDES_MAX
    assert faites == [*map(str, range(VIDES_MAX + 1)), "1"]


@pytest.mark.anyio
async def test_les_vues_sont_bornees_en_personnes() -> None:
    """A hundred small perimeters are kept; two regions are not, and the last one always is."""
    vues, faites = Vues(), list[str]()
    for sujet in range(100):
        await _demander(vues, f"ml{sujet}", "", faites, 50)
    await _demander(vues, "ml0", "", faites)
    assert len(faites) == len(vues._connues) == 100
    await _demander(vues, "region", "", faites, PERSONNES_MAX - 100)
    assert list(vues._connues) == ["ml99", "ml0", "region"]
    await _demander(vues, "pays", "", faites, PERSONNES_MAX + 1)
    assert list(vues._connues) == ["pays"]

"""Ready or not, and why: opened, told to stop, and what each part says of itself, tried once a second at most."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from gateway.sante import VALIDITE, Etat, Sante

pytestmark = pytest.mark.anyio


class Banc:
    """A health over two parts that the test breaks, and the clock it turns."""

    def __init__(self) -> None:
        self.marche: dict[str, bool | Exception] = {"journal": True, "liens": True}
        self.essais: list[str] = []
        self.secondes = 100.0
        self.sante = Sante({"journal": self._essai("journal")}, {"liens": self._essai("liens")}, lambda: self.secondes)

    def _essai(self, nom: str) -> Callable[[], Awaitable[bool]]:
        async def essayer() -> bool:
            self.essais.append(nom)
            await asyncio.sleep(0)
            issue = self.marche[nom]
            if isinstance(issue, Exception):
                raise issue
            return issue

        return essayer

    async def plus_tard(self) -> Etat:
        self.secondes += VALIDITE + 0.1
        return await self.sante.etat()


async def test_what_is_still_to_open_is_told_and_nothing_is_tried() -> None:
    banc = Banc()
    assert (banc.sante.ouverte, await banc.sante.etat()) == (False, Etat(("ouverture",)))
    banc.sante.ouvrir(["cles", "referentiel"])
    assert (banc.sante.ouverte, await banc.sante.etat()) == (False, Etat(("cles", "referentiel")))
    assert banc.essais == []
    banc.sante.ouvrir(())
    assert (banc.sante.ouverte, await banc.sante.etat()) == (True, Etat([], []))


@pytest.mark.parametrize("panne", [False, OSError("down")])
async def test_a_part_that_answers_need_makes_it_not_ready_and_another_does_not(panne: bool | Exception) -> None:
    banc = Banc()
    banc.sante.ouvrir(())
    banc.marche["liens"] = panne
    assert await banc.sante.etat() == Etat([], ["liens"])
    banc.marche = {"journal": panne, "liens": True}
    assert await banc.plus_tard() == Etat(["journal"], [])
    banc.marche["journal"] = True
    assert await banc.plus_tard() == Etat([], [])


async def test_the_parts_are_tried_once_whoever_asks() -> None:
    banc = Banc()
    banc.sante.ouvrir(())
    assert await asyncio.gather(*(banc.sante.etat() for _ in range(50))) == [Etat([], [])] * 50
    assert await banc.sante.etat() == Etat([], [])
    assert banc.essais == ["journal", "liens"]
    await banc.plus_tard()
    assert banc.essais == ["journal", "liens"] * 2


async def test_told_to_stop_it_says_so_at_once_even_to_who_was_waiting() -> None:
    banc = Banc()
    banc.sante.ouvrir(())
    attente = asyncio.create_task(banc.sante.etat())
    await asyncio.sleep(0)
    banc.sante.arret = True
    assert await attente == Etat(("arret",))
    essais = list(banc.essais)
    assert await banc.plus_tard() == Etat(("arret",))
    assert banc.essais == essais

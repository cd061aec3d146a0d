"""Harvesters killed by SIGKILL at any statement, commit or page: nothing is lost, nothing told twice, little asked again."""

import asyncio
import itertools
import json
import sys
from collections import defaultdict
from datetime import date
from pathlib import Path

import pytest

from gateway.stores.grange import Grange
from gateway.stores.registre import Fenetre, Registre
from tests.bases import BASES, base
from tests.chiffres import noter
from tests.resilience.moissonneur import PAR_PAGE, partenaire
from tests.unit.registre_outils import SCEAU

pytestmark = pytest.mark.anyio

FENETRES = [Fenetre(date(2026, 1, 1), date(2026, 2, 28)), Fenetre(date(2026, 3, 1), date(2026, 3, 10))]

Page = tuple[str, str, int]  # view, first day of the window, rank
Lignes = dict[str, list[str]]  # by contract, the amendments its rows tell, in order


def verite(graine: int) -> tuple[list[Page], Lignes]:
    """The pages in the order they have to be asked for, and the rows in the order they have to be read."""
    jours, pages, lignes = partenaire(graine).jours, list[Page](), defaultdict[str, list[str]](list)
    for fenetre in FENETRES:
        siens = [un for jour in sorted(jours) if fenetre.debut <= jour <= fenetre.fin for un in jours[jour]]
        for vue in ("TBA", "LBA"):
            total = max(1, -(-sum(un[0] == vue for un in siens) // PAR_PAGE))
            pages += [(vue.lower(), fenetre.debut.isoformat(), rang) for rang in range(1, total + 1)]
        for vue in ("LBA", "TBA"):  # rows of a window are read by view
            for objet in (objet for sa_vue, objet in siens if sa_vue == vue):
                details = objet["detailsContrat"]
                lignes[details["noContrat"]].append(f"{vue} {details['noAvenant']}")
    return pages, dict(lignes)


async def moissonner_en_mourant(url: str, graine: int, coups: int) -> tuple[list[Page], int]:
    commande = ["-m", "tests.resilience.moissonneur", url, str(graine), str(coups)]
    tueur = await asyncio.create_subprocess_exec(sys.executable, *commande, stdout=asyncio.subprocess.PIPE)
    sortie, _ = await tueur.communicate()
    assert tueur.returncode == 0
    *pages, fin = [json.loads(ligne) for ligne in sortie.splitlines()]
    return [(vue, debut, rang) for vue, debut, rang in pages], int(fin["morts"])


async def lues(registre: Registre) -> Lignes:
    par_contrat = {}
    for stocke in await registre.contrats(["59000"], ["0590001F"], []):
        objets = registre.charges(stocke)
        assert len(objets) == len(stocke.lignes)
        vues = [ligne.vue for ligne in stocke.lignes]
        avenants = [objet["detailsContrat"]["noAvenant"] for objet in objets]
        par_contrat[objets[0]["detailsContrat"]["noContrat"]] = [
            " ".join(un) for un in zip(vues, avenants, strict=True)
        ]
    return par_contrat


async def eprouver(url: str, graine: int, coups: int) -> tuple[int, int]:
    """Kills and pages asked again, for one seed."""
    demandees, morts = await moissonner_en_mourant(url, graine, coups)
    attendues, lignes = verite(graine)
    assert [page for page, _ in itertools.groupby(demandees)] == attendues, f"seed {graine}"
    registre = Registre(url, SCEAU)
    await registre.ouvrir()
    assert await lues(registre) == lignes, f"seed {graine}"
    assert await Grange(registre).fenetres() == FENETRES
    assert await Grange(registre).chantier() is None
    assert (await registre.avancee()).lignes == sum(map(len, lignes.values())) == 180
    await registre.fermer()
    return morts, len(demandees) - len(attendues)


@pytest.mark.parametrize("nature", BASES)
async def test_a_harvest_killed_again_and_again_loses_nothing_and_repeats_nothing(nature: str, tmp_path: Path) -> None:
    async with base(nature, tmp_path) as url:
        morts, redemandees = await eprouver(url, graine=20, coups=12)
    assert morts >= 8
    assert redemandees <= morts
    noter(f"moisson tuée ({nature}) : {morts} kill -9, 0 ligne perdue, 0 en double, {redemandees} pages redemandées")


@pytest.mark.chaos
@pytest.mark.parametrize("nature", BASES)
async def test_whatever_the_seed(nature: str, tmp_path: Path) -> None:
    morts = 0
    for graine in range(20):
        (tmp_path / str(graine)).mkdir()
        async with base(nature, tmp_path / str(graine)) as url:
            morts += (await eprouver(url, graine, coups=30))[0]
    noter(f"moisson tuée ({nature}) : {morts} kill -9 en 20 moissons, 0 ligne perdue, 0 en double")

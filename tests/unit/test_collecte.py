"""A reading held between two looks at what it came from: what it costs, and the age it tells."""

import asyncio
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.errors import ErreurSource, SourceIndisponible, SourceSuspendue
from gateway.federation.collecte import VERIFICATION, Collecteur
from gateway.federation.plan import Plan
from gateway.schema.lieux import TypeSource
from gateway.sources.unites import Echec, EtatCache, Resultat, Unite
from tests.access.petit_monde import Registre, RegistreVide
from tests.unit.federation_outils import ANNUAIRE

pytestmark = pytest.mark.anyio
RECU = datetime(2026, 10, 15, 9, tzinfo=UTC)
PLAN = Plan(vue=True, uais=("0600001A",))


class Erp:
    """One system, one CFA; counts what it is asked."""

    def __init__(self) -> None:
        self.version, self.lectures, self.regards = "1", 0, 0

    def partenaire_du_cfa(self, _uai: str) -> str | None:
        return "erp"

    def sources_de(self, _nature: TypeSource) -> tuple[str, ...]:
        return ()

    def plafond(self, _source: str) -> int:
        return 200

    async def lire(self, unites: Sequence[Unite], _delai: float, _age_max: float | None, _compte: object) -> list[Any]:
        self.lectures += len(unites)
        return [Resultat(unite, (), RECU, EtatCache.MANQUE, self.version, 10.0) for unite in unites]

    async def tenues(self, unites: Sequence[Unite]) -> list[Resultat | None]:
        self.regards += 1
        return [Resultat(unite, (), RECU, EtatCache.TOUCHE, self.version, 3.0) for unite in unites]


async def test_une_lecture_tenue_vieillit_et_n_est_regardee_qu_une_fois_par_seconde() -> None:
    erp, instant = Erp(), 100.0
    collecteur = Collecteur(erp, Registre(), "registre", 3.0, lambda: instant, lambda _source, _nombre: None)

    async def age() -> tuple[float, str]:
        ligne = (await collecteur.collecter(PLAN, ANNUAIRE)).fraicheurs["erp"]
        return instant - ligne.said_at, ligne.status

    assert (await age(), erp.lectures) == ((10.0, "manque"), 1)
    instant += VERIFICATION / 2
    assert (await age(), erp.regards) == ((10.5, "touche"), 0)
    instant += 2.0
    assert (await age(), erp.regards) == ((3.0, "touche"), 1)  # it was confirmed meanwhile
    instant += VERIFICATION / 2
    assert (await age(), erp.regards, erp.lectures) == ((3.5, "touche"), 1, 1)
    erp.version = "2"
    instant += VERIFICATION
    assert (await age(), erp.regards, erp.lectures) == ((10.0, "manque"), 2, 2)


class ErpEnPanne(Erp):
    """The same, that fails in a way."""

    def __init__(self, erreur: ErreurSource) -> None:
        super().__init__()
        self.erreur = erreur

    async def lire(self, unites: Sequence[Unite], _delai: float, _age_max: float | None, _compte: object) -> list[Any]:
        self.lectures += len(unites)
        await asyncio.sleep(0)
        return [Echec(unite, self.erreur) for unite in unites]


@pytest.mark.parametrize(
    ("erreur", "lectures"), [(SourceSuspendue("erp", "", 5.0), [1, 2]), (SourceIndisponible("erp", ""), [2, 3])]
)
async def test_un_partenaire_laisse_en_paix_n_est_pas_un_travail_a_refaire(
    erreur: ErreurSource, lectures: list[int]
) -> None:
    """What is missing for want of asking is missing for a second; what failed is asked for again by whoever comes."""
    erp, instant = ErpEnPanne(erreur), 100.0
    collecteur = Collecteur(erp, Registre(), "registre", 3.0, lambda: instant, lambda _source, _nombre: None)
    for _ in range(2):
        instant += VERIFICATION / 4
        assert (await collecteur.collecter(PLAN, ANNUAIRE)).erreurs == {"erp": erreur}
    vues = [erp.lectures]
    instant += VERIFICATION
    assert (await collecteur.collecter(PLAN, ANNUAIRE)).complete is False
    assert [*vues, erp.lectures] == lectures


async def test_deux_cents_qui_demandent_la_meme_chose_sont_une_lecture() -> None:
    """Some leave before it ends."""
    erp = ErpEnPanne(SourceIndisponible("erp", ""))
    collecteur = Collecteur(erp, Registre(), "registre", 3.0, lambda: 0.0, lambda _source, _nombre: None)
    taches = [asyncio.create_task(collecteur.collecter(PLAN, ANNUAIRE)) for _ in range(200)]
    await asyncio.sleep(0)
    for tache in taches[:100]:
        tache.cancel()
    recoltes = await asyncio.gather(*taches[100:])
    assert {id(recolte) for recolte in recoltes} == {id(recoltes[0])}
    assert (erp.lectures, len(collecteur.cache.flights)) == (1, 0)


class RegistreCompte(Registre):
    """The registry of nobody; counts its readings, and changes when told."""

    def __init__(self) -> None:
        self.dite, self.lectures = "1", 0

    async def version(self) -> str:
        return self.dite

    async def dossiers(self, *cles: Collection[Any]) -> RegistreVide:
        self.lectures += 1
        return RegistreVide(version=self.dite)


async def test_ce_qui_est_redit_n_est_ni_relu_ni_joint_a_nouveau() -> None:
    """Fresh data wanted: each unit is asked, once, and nothing more is done when all say the same."""
    erp, registre = Erp(), RegistreCompte()
    collecteur = Collecteur(erp, registre, "registre", 3.0, lambda: 0.0, lambda _source, _nombre: None)
    premiere = await collecteur.collecter(PLAN, ANNUAIRE)
    redite = await collecteur.collecter(PLAN, ANNUAIRE, 0.0)
    assert (erp.lectures, registre.lectures) == (2, 1)
    assert redite.temoignages is premiere.temoignages
    assert (redite.versions, redite.registre) == (premiere.versions, "1")
    assert {nom: vue.line(0.0, RECU) for nom, vue in redite.fraicheurs.items()} == {
        "erp": {"cache": "manque", "ageSecondes": 10},
        "registre": {"cache": "moisson", "ageSecondes": 0, "asOf": RECU.isoformat()},
    }


@pytest.mark.parametrize("change", ["erp", "registre"])
async def test_ce_qui_change_est_joint_sans_etre_demande_deux_fois(change: str) -> None:
    erp, registre = Erp(), RegistreCompte()
    collecteur = Collecteur(erp, registre, "registre", 3.0, lambda: 0.0, lambda _source, _nombre: None)
    premiere = await collecteur.collecter(PLAN, ANNUAIRE, 0.0)
    if change == "erp":
        erp.version = "2"
    else:
        registre.dite = "2"
    suivante = await collecteur.collecter(PLAN, ANNUAIRE, 0.0)
    assert (erp.lectures, registre.lectures) == (2, 2)
    assert suivante.versions != premiere.versions
    assert suivante.registre == registre.dite


async def test_ce_qui_manquait_n_est_jamais_dit_redit() -> None:
    """The same errors are not the same reading: who was missing may be there."""
    erp, erreur = ErpEnPanne(SourceIndisponible("erp", "")), SourceIndisponible("erp", "")
    collecteur = Collecteur(erp, Registre(), "registre", 3.0, lambda: 0.0, lambda _source, _nombre: None)
    for _ in range(2):
        assert str((await collecteur.collecter(PLAN, ANNUAIRE, 0.0)).erreurs["erp"]) == str(erreur)
    assert erp.lectures == 2

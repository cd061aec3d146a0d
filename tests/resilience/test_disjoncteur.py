"""The breaker against its model, and what it spares: SECURITY §5 (breaker, retries, bulkhead), U10, U13, U14. Virtual time."""

import asyncio
from contextlib import suppress

import httpx
import pytest
import respx
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.connectors.base import Locataire, Requete
from gateway.errors import (
    ErreurSource,
    SourceEnQuarantaine,
    SourceFermee,
    SourceIndisponible,
    SourceInvalide,
    SourceRefusee,
    SourceSuspendue,
)
from gateway.schema.lieux import EtatSource
from gateway.sources.locataires import Abonne
from gateway.sources.resilience.cloison import Cloison
from gateway.sources.resilience.disjoncteur import Disjoncteur
from gateway.sources.resilience.disjoncteurs import Disjoncteurs
from gateway.sources.resilience.issues import Issue
from gateway.sources.resilience.reprises import Budget
from gateway.sources.unites import Echec, Resultat
from tests.chiffres import noter
from tests.sources_aide import BASE, UAI_A, UAI_B, Banc, banc, partenaire, transport, unite

pytestmark = pytest.mark.anyio
URL_A, URL_B = f"{BASE}/liste/{UAI_A}", f"{BASE}/liste/{UAI_B}"
PANNE = SourceIndisponible("erp", "")
GET = Requete("liste", "/liste")


class ModeleDuDisjoncteur(RuleBasedStateMachine):
    """The rules written again, over a plain history: (instant, issue) since it last closed."""

    def __init__(self) -> None:
        super().__init__()
        self.machine, self.instant = Disjoncteur(), 0.0
        self.histoire: list[tuple[float, Issue]] = []
        self.etat, self.essai, self.recul, self.suite = "fermé", 0.0, 5.0, 0
        self.sonde = False

    @rule(duree=st.floats(0.0, 12.0))
    def attendre(self, duree: float) -> None:
        self.instant += duree

    def _peut(self) -> bool:
        return self.etat == "fermé" or (not self.sonde and self.instant >= self.essai)

    @invariant()
    def s_accordent(self) -> None:
        assert (self.machine.attente(self.instant) == 0) == self._peut()
        assert self.machine.ferme == (self.etat == "fermé")

    @precondition(lambda self: self.etat == "fermé")
    @rule(issue=st.sampled_from(Issue), nombre=st.integers(1, 12))
    def lire(self, issue: Issue, nombre: int) -> None:
        for _ in range(nombre):
            if self.etat != "fermé":
                return
            self.machine.noter(issue, self.instant, self.machine.partir())
            self.histoire.append((self.instant, issue))
            recentes = [une for quand, une in self.histoire if quand > self.instant - 10]
            mauvaises = sum(une is not Issue.REUSSITE for une in recentes)
            delais = [une for _, une in self.histoire][-5:] == [Issue.DELAI] * 5
            if delais or (len(recentes) >= 20 and mauvaises * 2 >= len(recentes)):
                self.etat, self.recul, self.suite = "ouvert", 5.0, 0
                self.essai = self.instant + 5.0

    @precondition(lambda self: self.etat == "ouvert" and self._peut())
    @rule()
    def sonder(self) -> None:
        assert self.machine.partir()
        self.sonde = True

    @precondition(lambda self: self.sonde)
    @rule(issue=st.sampled_from([*Issue, None]))
    def conclure(self, issue: Issue | None) -> None:
        self.machine.noter(issue, self.instant, True)
        self.sonde = False
        if issue is Issue.REUSSITE:
            self.suite += 1
            if self.suite == 3:
                self.etat, self.histoire = "fermé", []
        elif issue is not None:
            self.suite, self.recul = 0, min(10.0, self.recul * 2)
            self.essai = self.instant + self.recul

    @precondition(lambda self: self.etat == "ouvert")
    @rule(issue=st.sampled_from(Issue))
    def finir_tard(self, issue: Issue) -> None:
        """A reading that left before it opened ends now: it closes nothing and opens nothing."""
        self.machine.noter(issue, self.instant, False)


TestModele = ModeleDuDisjoncteur.TestCase
TestModele.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


async def lire(essai: Banc, uai: str = UAI_A) -> Resultat | Echec:
    (lu,) = await essai.sources.lire([unite(uai)], 5.0)
    return lu


async def erreur(essai: Banc, uai: str = UAI_A) -> type[ErreurSource]:
    lu = await lire(essai, uai)
    assert isinstance(lu, Echec), lu
    return type(lu.erreur)


async def test_u14_une_panne_d_une_minute_ne_cause_pas_de_tempete(routeur: respx.MockRouter) -> None:
    """Twenty readings a second for a minute: each would be a request. Then the partner comes back."""
    route = routeur.get(URL_A).respond(500)
    async with banc(transport(routeur)) as essai:
        ouverte = 0
        for _ in range(1200):
            essai.secondes[0] += 0.05
            ouverte += await erreur(essai) is SourceSuspendue
        pendant = route.call_count
        routeur.get(URL_A).respond(json=[{"cle": "1", "uai": UAI_A}])
        debut = essai.secondes[0]
        while isinstance(await lire(essai), Echec):
            essai.secondes[0] += 0.05
    noter(
        f"panne de 60 s : {pendant} demandes au partenaire pour 1200 lectures (≤ 1440), {ouverte} sans l'appeler ; "
        f"de retour, servi en {essai.secondes[0] - debut:.1f} s (≤ 10)"
    )
    assert pendant <= 1.2 * 20 + 60 / 5
    assert essai.secondes[0] - debut <= 10


async def test_un_etablissement_en_panne_ne_ferme_pas_ses_voisins(routeur: respx.MockRouter) -> None:
    routeur.get(URL_A).respond(500)
    routeur.get(URL_B).respond(json=[{"cle": "9", "uai": UAI_B}])
    async with banc(transport(routeur)) as essai:
        for _ in range(25):
            await lire(essai)
        assert await erreur(essai) is SourceSuspendue
        assert isinstance(await lire(essai, UAI_B), Resultat)
        (etat,) = essai.sources.etats()
        assert etat.etat is not EtatSource.FERMEE


async def test_un_etablissement_en_panne_lu_autant_que_son_voisin_ne_le_ferme_pas(routeur: respx.MockRouter) -> None:
    """Half of all that is read fails, and all of it is one tenant's."""
    routeur.get(URL_A).respond(500)
    routeur.get(URL_B).respond(json=[{"cle": "9", "uai": UAI_B}])
    async with banc(transport(routeur)) as essai:
        for _ in range(25):
            await lire(essai)
            assert isinstance(await lire(essai, UAI_B), Resultat)
            await essai.sources.purger("erp")
        assert await erreur(essai) is SourceSuspendue


async def test_un_partenaire_dont_beaucoup_d_etablissements_tombent_est_laisse_entier(
    routeur: respx.MockRouter,
) -> None:
    routeur.get(url__startswith=BASE).respond(500)
    uais = [f"059{numero:04d}X" for numero in range(25)]
    async with banc(transport(routeur), partenaire(abonnes={u: Abonne(Locataire(u, code=u)) for u in uais})) as essai:
        erreurs = [await erreur(essai, uai) for uai in uais]
        (etat,) = essai.sources.etats()
    assert erreurs == [SourceIndisponible] * 20 + [SourceSuspendue] * 5
    assert etat.etat is EtatSource.INDISPONIBLE


def test_un_partenaire_tres_lu_qui_tombe_est_laisse_entier() -> None:
    """Twenty readings a second of fifty tenants, none of which is read often: what went well a moment ago hides nothing."""
    instant, ouvertures = [0.0], 0
    disjoncteurs = Disjoncteurs("erp", lambda: instant[0])
    for numero in range(1000):
        instant[0] += 0.05
        with suppress(ErreurSource), disjoncteurs.passage(str(numero % 50)):
            if instant[0] > 20:
                raise PANNE
        ouvertures += disjoncteurs.ouvert
    noter(f"partenaire de 50 établissements en panne : laissé entier {50 - ouvertures / 20 - 20:.1f} s après")
    assert 50 - ouvertures / 20 - 20 <= 10


async def test_un_etablissement_pendu_laisse_des_places_a_ses_voisins() -> None:
    """Of four places, one tenant holds two: its third request waits, and a neighbour's goes."""
    cloison, tenues = Cloison(4, partagee=True), []

    async def tenir(cle: str) -> None:
        async with cloison.place(cle):
            tenues.append(cle)
            await asyncio.sleep(3600)

    taches = [asyncio.create_task(tenir(cle)) for cle in ("A", "A", "A", "B")]
    await asyncio.sleep(0.01)
    assert tenues == ["A", "A", "B"]
    for tache in taches:
        tache.cancel()
    await asyncio.gather(*taches, return_exceptions=True)


async def test_u10_qui_repond_pour_d_autres_est_mis_en_quarantaine(routeur: respx.MockRouter) -> None:
    """Its own rows of before are not shown either: whose they are is no longer sure."""
    route = routeur.get(URL_A).respond(json=[{"cle": "1", "uai": UAI_A}, {"cle": "9", "uai": UAI_B}])
    async with banc(transport(routeur)) as essai:
        for _ in range(2):
            lu = await lire(essai)
            assert isinstance(lu, Echec)
            assert lu.secours is not None
            assert [dossier.cle for dossier in lu.secours.dossiers] == ["1"]
        lu = await lire(essai)
        assert isinstance(lu, Echec)
        assert (type(lu.erreur), lu.secours) == (SourceEnQuarantaine, None)
        essai.secondes[0] += 899
        assert await erreur(essai) is SourceEnQuarantaine
        assert route.call_count == 3
        routeur.get(URL_A).respond(json=[{"cle": "1", "uai": UAI_A}])
        essai.secondes[0] += 1
        assert isinstance(await lire(essai), Resultat)


@pytest.mark.parametrize(
    ("panne", "attente"),
    [
        (PANNE, 0.125),
        (SourceIndisponible("erp", "", 1.0), 1.125),
        (SourceIndisponible("erp", "", 3.0), None),
        (SourceFermee("erp", "", 1.0), None),
        (SourceRefusee("erp", ""), None),
        (SourceInvalide("erp", ""), None),
    ],
)
def test_u13_ce_qui_se_redemande(panne: ErreurSource, attente: float | None) -> None:
    budget = Budget()
    for _ in range(5):
        budget.appel(0.0)
    assert budget.attente(GET, panne, 0.0, 0.5) == attente


def test_seule_une_lecture_se_redemande() -> None:
    budget = Budget()
    for _ in range(5):
        budget.appel(0.0)
    assert budget.attente(Requete("l", "/l", "POST"), PANNE, 0.0, 0.5) is None


def test_u14_les_reprises_ne_depassent_pas_un_cinquieme() -> None:
    budget, reprises = Budget(), 0
    for numero in range(1000):
        budget.appel(numero / 100)
        reprises += budget.attente(GET, PANNE, numero / 100, 0.0) is not None
    assert reprises == 200


async def test_une_reprise_est_demandee_et_servie(routeur: respx.MockRouter) -> None:
    bonne = httpx.Response(200, json=[{"cle": "1", "uai": UAI_A}])
    route = routeur.get(URL_A).mock(side_effect=[bonne] * 4 + [httpx.Response(502), bonne])
    async with banc(transport(routeur)) as essai:
        for _ in range(5):
            assert isinstance(await lire(essai), Resultat)
            await essai.sources.purger("erp")
    assert (route.call_count, essai.sommeils) == (6, [0.125])

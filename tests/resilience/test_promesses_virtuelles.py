"""The promises of SECURITY §5 in virtual time: what one partner does to the readers of another, exactly, without a clock.

The real-time form of each is in `test_promesses.py`.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import date
from random import Random
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry

from gateway.cache.memoire import CacheMemoire
from gateway.cache.seam import CacheLocal
from gateway.connectors.base import Connecteur, Dossier, Lecture, Locataire, Lu, Requete
from gateway.schema.lieux import Cfa, EtatSource, ModeSource, TypeSource
from gateway.schema.nouns import Formation, Jeune
from gateway.schema.scalaires import UAI
from gateway.sources.attente import ASSIS, INSTANT
from gateway.sources.fetch import Socle, Sources
from gateway.sources.fichier import CacheFichier, LimitesFichier
from gateway.sources.locataires import Abonne
from gateway.sources.mesures import Mesures
from gateway.sources.resilience.rythme import Rythme
from gateway.sources.tournee import TOUT_DE_SUITE
from gateway.sources.transport import Transport
from gateway.sources.unites import Echec, EtatCache, Ressource, Resultat, Unite
from tests.chiffres import noter
from tests.simulation.boucle import BoucleVirtuelle, derouler
from tests.sources_aide import CONNECTEUR, UAI_A, banc, horloge, partenaire, unite

PLACES = 20  # SECURITY §5
LATENCE = 0.02
SANS_MEMOIRE = CacheFichier(duree_secondes=0.001, perime_secondes=0.001, plancher_secondes=0)
TOUS = 1000  # tenants of each


class Constant(Random):
    """What runs beside the loop takes the same time whenever it does."""

    def random(self) -> float:
        return 0.5


@dataclass
class Reseau:
    """Two partners, `a` that is played with and `b`: how long each takes to answer, whether it fails, what reached it."""

    latences: dict[str, float] = field(default_factory=lambda: dict.fromkeys("ab", LATENCE))
    pannes: set[str] = field(default_factory=set)
    demandes: Counter[str] = field(default_factory=Counter)
    en_vol: Counter[str] = field(default_factory=Counter)
    plus_haut: Counter[str] = field(default_factory=Counter)

    async def repondre(self, requete: httpx.Request) -> httpx.Response:
        nom, uai = requete.url.path.split("/")[1::2]
        self.demandes[nom] += 1
        self.en_vol[nom] += 1
        self.plus_haut[nom] = max(self.plus_haut[nom], self.en_vol[nom])
        try:
            await asyncio.sleep(self.latences[nom])
        finally:
            self.en_vol[nom] -= 1
        return httpx.Response(503) if nom in self.pannes else httpx.Response(200, json=[{"cle": "1", "uai": uai}])


@dataclass(frozen=True)
class Essai:
    """The sources of one process over that network."""

    boucle: BoucleVirtuelle
    sources: Sources

    async def lire(self, *unites: Unite) -> "Lue":
        """One asker, that waits three seconds at most."""
        debut = self.boucle.time()
        lues = await self.sources.lire(unites, 3.0)
        return Lue(self.boucle.time() - debut, lues)

    async def lecteurs(self, par_seconde: float, secondes: float, *unites: Sequence[Unite]) -> "list[Lue]":
        """Askers that come at fixed instants, each for the next units of the list, whatever became of those before."""
        taches = []
        for rang in range(int(par_seconde * secondes)):
            taches.append(asyncio.create_task(self.lire(*unites[rang % len(unites)])))
            await asyncio.sleep(1 / par_seconde)
        return [await tache for tache in taches]


@dataclass(frozen=True)
class Lue:
    """What an asker got, and after how long."""

    secondes: float
    lues: list[Resultat | Echec]

    @property
    def complete(self) -> bool:
        return not any(isinstance(une, Echec) for une in self.lues)


def sur(source: str, rang: int = 0) -> Unite:
    return Unite(source, Ressource.CFA, f"{source.upper()}{rang:04d}")


def jouer(
    faire: Callable[[Sequence[Essai], Reseau], Coroutine[Any, Any, None]],
    regles: CacheFichier = SANS_MEMOIRE,
    processus: int = 1,
) -> None:
    """Play over a new network, from so many processes that share nothing else."""

    async def ouvert(boucle: BoucleVirtuelle) -> None:
        reseau = Reseau()
        essais = [Essai(boucle, _sources(boucle, reseau, regles)) for _ in range(processus)]
        try:
            await faire(essais, reseau)
        finally:
            for essai in essais:
                await essai.sources.aclose()

    derouler(Constant(), ouvert)


def _sources(boucle: BoucleVirtuelle, reseau: Reseau, regles: CacheFichier) -> Sources:
    limites = LimitesFichier(simultanes=PLACES, par_seconde=10_000, delai_secondes=2.0)
    partenaires = {
        nom: partenaire(
            nom=nom,
            base_url=f"http://127.0.0.1:9/{nom}",
            abonnes={sur(nom, n).cle: Abonne(Locataire(sur(nom, n).cle, code=sur(nom, n).cle)) for n in range(TOUS)},
            limites=limites,
            cache=regles,
        )
        for nom in "ab"
    }
    socle = Socle(
        Transport(horloge, lambda: httpx.MockTransport(reseau.repondre)),
        CacheLocal(CacheMemoire(10_000, 10**9, boucle.time), boucle.time),
        Mesures(CollectorRegistry()),
        horloge,
        Rythme(boucle.time, asyncio.sleep, Random(1).random),
    )
    return Sources(partenaires, {"erp": CONNECTEUR}, socle)


def test_l_isolement_d_un_partenaire_pendu() -> None:
    """Those who ask `b` wait as long while `a` hangs as before, to the last microsecond."""

    async def faire(essais: Sequence[Essai], reseau: Reseau) -> None:
        (essai,) = essais
        groupes = [(sur("b", n),) for n in range(50)]
        avant = await essai.lecteurs(20, 5, *groupes)
        reseau.latences["a"] = 3600.0
        pendus = asyncio.create_task(essai.lecteurs(20, 10, *((sur("a", n),) for n in range(50))))
        pendant = await essai.lecteurs(20, 10, *groupes)
        assert not any(lue.complete for lue in await pendus)
        assert all(lue.complete for lue in avant + pendant)
        pire, pire_pendant = (max(lue.secondes for lue in lues) for lues in (avant, pendant))
        noter(
            f"isolement, temps virtuel : p100 {pire * 1000:.0f} ms avant, {pire_pendant * 1000:.0f} pendant (≤ +10 %)"
        )
        assert pire_pendant == pytest.approx(pire)

    jouer(faire)


def test_une_source_lente_de_dix_secondes() -> None:
    """Cut at its two seconds while its breaker is closed; open, nobody waits for it, not even for a probe."""

    async def faire(essais: Sequence[Essai], reseau: Reseau) -> None:
        (essai,) = essais
        deux = sur("a"), sur("b")
        saine = max(lue.secondes for lue in await essai.lecteurs(2, 10, deux))
        reseau.latences["a"] = 10.0
        debut = await essai.lecteurs(0.4, 15, deux)
        assert max(lue.secondes for lue in debut) < 2.5
        ouverte = await essai.lecteurs(4, 60, deux)
        plus = max(lue.secondes for lue in ouverte) - saine
        noter(
            f"source lente de 10 s, temps virtuel : composite {max(lue.secondes for lue in debut):.2f} s (≤ 2.5), "
            f"disjoncteur ouvert {plus * 1000:+.0f} ms (≤ +50)"
        )
        assert plus <= 0.05
        assert all(isinstance(lue.lues[1], Resultat) for lue in debut + ouverte)

    jouer(faire)


def test_mille_lecteurs_d_un_partenaire_pendu() -> None:
    """They take half of the places of the process, and twenty of the partner's."""

    async def faire(essais: Sequence[Essai], reseau: Reseau) -> None:
        (essai,) = essais
        groupes = [(sur("b", n),) for n in range(50)]
        avant = max(lue.secondes for lue in await essai.lecteurs(40, 5, *groupes))
        reseau.latences["a"] = 3600.0
        mille = asyncio.gather(*(essai.lire(sur("a", n)) for n in range(1000)))
        pendant = max(lue.secondes for lue in await essai.lecteurs(40, 5, *groupes))
        lues = await mille
        assis = sum(lue.secondes > INSTANT for lue in lues)
        noter(
            f"mille lecteurs d'un partenaire pendu : {reseau.plus_haut['a']} en vol (≤ {PLACES}), {assis} attendent "
            f"{max(lue.secondes for lue in lues):.1f} s ; les autres {avant * 1000:.0f} ms avant, {pendant * 1000:.0f} pendant"
        )
        assert reseau.plus_haut["a"] <= PLACES
        assert assis == ASSIS
        assert pendant == pytest.approx(avant)

    jouer(faire)


@pytest.mark.parametrize("processus", [1, pytest.param(3, marks=pytest.mark.chaos)])
def test_une_minute_de_panne_puis_le_retour_sans_ruee(processus: int) -> None:
    """Thirty tenants, five readings a second and a process: what the outage adds, then how the partner is found again."""

    async def faire(essais: Sequence[Essai], reseau: Reseau) -> None:
        groupes = [(sur("a", n),) for n in range(30)]

        async def lecteurs(secondes: float) -> list[Lue]:
            ensemble = await asyncio.gather(*(essai.lecteurs(5, secondes, *groupes) for essai in essais))
            return [lue for lues in ensemble for lue in lues]

        await lecteurs(60)
        saines = reseau.demandes["a"]
        reseau.pannes.add("a")
        await lecteurs(60)
        pendant = reseau.demandes["a"] - saines
        reseau.pannes.clear()
        reseau.plus_haut.clear()
        retour = await asyncio.gather(*(_jusqu_au_retour(essai, groupes) for essai in essais))
        noter(
            f"panne de 60 s, {processus} processus : {pendant} demandes pour {saines} saines (≤ 1.2 ×) ; "
            f"retour en {max(retour):.1f} s (≤ 10), {reseau.plus_haut['a']} en vol (≤ {PLACES})"
        )
        assert pendant <= 1.2 * saines
        assert max(retour) <= 10
        assert reseau.plus_haut["a"] <= PLACES

    jouer(faire, processus=processus)


async def _jusqu_au_retour(essai: Essai, groupes: Sequence[Sequence[Unite]]) -> float:
    """Seconds until a second of readings is all served, five a second."""
    debut = essai.boucle.time()
    while True:
        depuis = essai.boucle.time() - debut
        if all(lue.complete for lue in await essai.lecteurs(5, 1, *groupes)):
            return depuis


def test_rien_n_est_servi_plus_vieux_que_promis() -> None:
    """Three hours of readings, a partner that comes and goes: how old what was served had become, by state of the cache."""
    ages: dict[EtatCache | None, float] = {}

    async def faire(essais: Sequence[Essai], reseau: Reseau) -> None:
        (essai,), hasard = essais, Random(7)
        for tour in range(1000):
            await asyncio.sleep(hasard.expovariate(1 / 11))
            if tour % 50 == 0:
                reseau.pannes ^= {"a"} if hasard.random() < 0.6 else set()
            (lu,) = (await essai.lire(sur("a", hasard.randrange(5)))).lues
            servi = lu if isinstance(lu, Resultat) else lu.secours
            etat = None if isinstance(lu, Echec) else lu.cache
            if servi is not None:
                ages[etat] = max(ages.get(etat, 0.0), servi.age)

    jouer(faire, CacheFichier())
    vus = ", ".join(f"{etat.value if etat else 'en panne'} {age:.0f} s" for etat, age in ages.items())
    noter(f"âges servis : {vus} (frais ≤ 300, périmé ≤ 900, en panne ≤ 3600)")
    assert ages[EtatCache.TOUCHE] < 300
    assert 300 <= ages[EtatCache.PERIME] < 900
    assert 900 <= ages[None] < 3600


@pytest.mark.anyio
@pytest.mark.parametrize(("octets", "a_part"), [(10, False), (TOUT_DE_SUITE, True)])
async def test_ce_qui_calcule_longtemps_ne_tient_pas_la_boucle(octets: int, a_part: bool) -> None:
    """Mapping more than a few records runs beside the loop; decoding does above a quarter of a megabyte."""
    fils: list[threading.Thread] = []

    def lecture(locataire: Locataire, _jour: date) -> Lecture[Lu]:
        (documents,) = yield [Requete("liste", f"/liste/{locataire.code}")]
        fils.append(threading.current_thread())
        return Lu([], rejets=len(documents))

    def repondre(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=["x" * octets])

    connecteur = Connecteur("erp", TypeSource.ERP_CFA, ModeSource.INTERROGATION, dossiers_cfa=lecture)
    async with banc(Transport(horloge, lambda: httpx.MockTransport(repondre)), connecteur=connecteur) as essai:
        await essai.sources.lire([unite()], 5.0)
    assert [fil is not threading.current_thread() for fil in fils] == [a_part]


@pytest.mark.anyio
async def test_u09_une_derive_est_vue_a_la_premiere_reponse() -> None:
    """A partner that renames a field: told at once, counted by kind, and the answer is what it was."""
    documents = [[{"cle": "1", "uai": UAI_A}], [{"id": "1", "uai": UAI_A}]]

    def lecture(locataire: Locataire, _jour: date) -> Lecture[Lu]:
        ((lignes,),) = yield [Requete("liste", f"/liste/{locataire.code}")]
        absents = sum("cle" not in ligne for ligne in lignes)
        dossiers = [Dossier("1", Jeune(formations=[Formation(cfa=Cfa(uai=UAI(UAI_A)))])) for _ in lignes]
        return Lu(dossiers, derives={"champ_absent": absents} if absents else {})

    def repondre(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=documents.pop(0))

    connecteur = Connecteur("erp", TypeSource.ERP_CFA, ModeSource.INTERROGATION, dossiers_cfa=lecture)
    etats, dossiers = [], []
    async with banc(Transport(horloge, lambda: httpx.MockTransport(repondre)), connecteur=connecteur) as essai:
        for _ in range(2):
            (lu,) = await essai.sources.lire([unite()], 5.0)
            assert isinstance(lu, Resultat)
            dossiers.append(lu.dossiers)
            etats += [etat.etat for etat in essai.sources.etats()]
            await essai.sources.purger("erp")
        comptees = essai.compteur("passerelle_derives", partenaire="erp", ressource="cfa", genre="champ_absent")
    assert etats == [EtatSource.DISPONIBLE, EtatSource.DEGRADEE]
    assert comptees == 1
    assert dossiers[0] == dossiers[1]
    noter("dérive d'un format : vue à la première réponse (≤ 1), 0 réponse perdue")

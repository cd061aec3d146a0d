"""Quotas that partners publish, held by one process and by several over one Redis: in every window, whoever looks."""

import asyncio
import subprocess
import sys
import uuid
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
import respx
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.passerelle import RACINE
from gateway.sources.allure import PRUDENCE, Allure
from gateway.sources.departs import Departs
from gateway.sources.fichier import LimitesFichier
from gateway.sources.resilience.cadence import RETARD, Cadence, Depart, Quota, partir
from gateway.sources.resilience.rythme import Rythme
from tests.chiffres import noter
from tests.redis_aide import serveur_redis
from tests.sources_aide import BASE, UAI_A, banc, partenaire, transport, unite

pytestmark = pytest.mark.anyio
MORT = "redis://127.0.0.1:9/0"


def plus_grande_fenetre(departs: Sequence[float], periode: float) -> int:
    """The most departures that any window of that length holds."""
    ordre = sorted(departs)
    return max((bisect_left(ordre, debut + periode) - rang for rang, debut in enumerate(ordre)), default=0)


@given(
    st.floats(0.2, 12),
    st.floats(2, 30),
    st.lists(st.tuples(st.floats(0, 1.5), st.sampled_from("AB"), st.floats(0, RETARD)), min_size=1, max_size=120),
)
@settings(max_examples=150, deadline=None)
def test_un_quota_n_est_depasse_dans_aucune_fenetre(
    par_seconde: float, par_minute: float, demandes: list[tuple[float, str, float]]
) -> None:
    """The partner's and each tenant's, whatever the rhythm of the asks, each leaving as late as it is allowed to."""
    commune = Cadence(Quota.de(par_seconde, 1.0))
    propres = {cle: Cadence(Quota.de(par_minute, 60.0)) for cle in "AB"}
    instant, partis = 0.0, dict[str, list[float]](A=[], B=[])
    for pause, cle, retard in demandes:
        instant += pause
        depart = partir(commune, propres[cle], instant)
        if depart.permis:
            partis[cle].append(instant + depart.attente + retard)
        else:
            assert plus_grande_fenetre(partis[cle], 60.0) == int(par_minute)
    ensemble = partis["A"] + partis["B"]
    assert plus_grande_fenetre(ensemble, max(1.0, 1 / par_seconde)) <= max(1, int(par_seconde))
    assert max(plus_grande_fenetre(partis[cle], 60.0) for cle in "AB") <= int(par_minute)


@dataclass
class Ensemble:
    """What Redis does, without Redis: one count for all, by hand; `panne` and it tells nothing."""

    panne: bool = False
    instant: float = 1000.0
    _cadences: dict[str, Cadence] = field(default_factory=dict)

    async def partir(self, source: str, cle: str, quotas: tuple[Quota, Quota]) -> Depart | None:
        if self.panne:
            return None
        commun, propre = quotas
        commune = self._cadences.setdefault(source, Cadence(commun))
        return partir(commune, self._cadences.setdefault(cle, Cadence(propre)), self.instant)


async def _departs(ensemble: Ensemble, allures: Sequence[Allure], sommeils: list[float], tours: int) -> list[float]:
    """When each process leaves, all asking at each turn of a tenth of a second."""
    departs = []
    for _ in range(tours):
        for allure in allures:
            sommeils.clear()
            if not await allure.partir("T"):
                departs.append(ensemble.instant + sum(sommeils))
        ensemble.instant += 0.1
    return departs


async def test_redis_en_panne_laisse_a_chacun_sa_part() -> None:
    """Three processes for one quota of 30 a minute a tenant: together, then each its ten, then together again."""
    ensemble, sommeils = Ensemble(), list[float]()

    async def dormir(duree: float) -> None:
        sommeils.append(duree)

    limites = LimitesFichier(par_seconde=1000, par_minute_locataire=30)
    rythme = Rythme(lambda: ensemble.instant, dormir, processus=3, commun=ensemble)
    allures = [Allure("erp", limites, rythme) for _ in range(3)]
    avant = await _departs(ensemble, allures, sommeils, 1300)
    ensemble.panne, panne = True, ensemble.instant
    pendant = await _departs(ensemble, allures, sommeils, 1300)
    ensemble.panne = False
    apres = await _departs(ensemble, allures, sommeils, int(10 * PRUDENCE) + 1300)
    tous = avant + pendant + apres
    assert plus_grande_fenetre(avant, 60.0) == 30
    assert plus_grande_fenetre(pendant, 60.0) == 30
    assert plus_grande_fenetre(pendant + apres, 60.0) == 30  # what left while Redis was away is not forgotten
    passage = plus_grande_fenetre([instant for instant in tous if abs(instant - panne) < 60.0], 60.0)
    assert passage <= 30 + 20  # the one window in which Redis died: each had counted its own departures only
    noter(f"quota 30 par minute, 3 processus : {plus_grande_fenetre(apres, 60)} avec Redis, {passage} quand il meurt")


async def test_redis_absent_n_est_ni_une_erreur_ni_une_licence() -> None:
    commun = Departs(MORT)
    allure = Allure("erp", LimitesFichier(par_minute_locataire=9), Rythme(processus=3, commun=commun))
    attentes = [await allure.partir("T") for _ in range(5)]
    await commun.aclose()
    assert attentes[:3] == [0.0, 0.0, 0.0]
    assert all(59 < attente <= 61 for attente in attentes[3:])


async def test_un_depart_en_retard_est_redemande() -> None:
    """A loop that was held up: what it was given has moved towards those who come next."""
    instant, retards = [0.0], [0.2, 0.2, 0.0]

    async def dormir(duree: float) -> None:
        instant[0] += duree + retards.pop(0)

    ensemble = Ensemble()
    allure = Allure("erp", LimitesFichier(par_seconde=1), Rythme(lambda: instant[0], dormir))
    departs = []
    for _ in range(2):
        assert await allure.partir("T") == 0.0
        departs.append(instant[0])
    assert not ensemble.panne
    assert retards == []
    assert departs == [0.0, pytest.approx(1.06 * 3)]


async def test_trois_processus_sur_un_redis_comptent_ensemble(url_redis: str) -> None:
    """Real processes, real time: eight tasks in each ask without a pause; the clock is the machine's."""
    source, quota, secondes = f"erp-{uuid.uuid4().hex}", 20, 3
    commande = [sys.executable, "-m", "tests.resilience.marteau", url_redis, source, str(quota), str(secondes)]
    processus = [await asyncio.create_subprocess_exec(*commande, cwd=RACINE, stdout=subprocess.PIPE) for _ in range(3)]
    sorties = [await un.communicate() for un in processus]
    chacun = [[float(mot) for mot in sortie.split()] for sortie, _ in sorties]
    tous = [depart for departs in chacun for depart in departs]
    pleine = plus_grande_fenetre(tous, 1.0)
    noter(f"quota {quota} par seconde, 3 processus, un Redis : {pleine} au plus en une seconde, {len(tous)} en tout")
    assert len(tous) > 2 * quota
    assert sum(bool(departs) for departs in chacun) >= 2
    assert pleine <= quota


async def test_deux_passerelles_partagent_le_quota_d_un_etablissement(routeur: respx.MockRouter) -> None:
    """Two gateways, six readings each of a tenant that allows five a minute: five requests reach it. Then Redis dies."""
    route = routeur.get(f"{BASE}/liste/{UAI_A}").respond(json=[{"cle": "1", "uai": UAI_A}])
    configure = partenaire(limites=LimitesFichier(par_minute_locataire=5, delai_secondes=0.5))
    commun = None
    with serveur_redis() as url:
        for _ in range(2):
            commun = Departs(url)
            async with banc(transport(routeur), configure, commun=commun) as essai:
                for _ in range(6):
                    await essai.sources.lire([unite(UAI_A)], 5.0)
                    await essai.sources.purger("erp")
            await commun.aclose()
    assert route.call_count == 5
    assert commun is not None
    assert await commun.partir("erp", UAI_A, (Quota.de(1, 1.0), Quota.de(5, 60.0))) is None

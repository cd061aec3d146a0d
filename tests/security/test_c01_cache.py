"""A gateway with its cache answers what a gateway without one does, whoever asked before (SECURITY C01, C04, C11).

Hypothesis drives both over {caller, query, variables, time, changes at the partners}.
"""

import asyncio
import json
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from gateway.auth.jugement import Juge
from gateway.auth.politique import Politique
from gateway.auth.rules import CategorieDonnee, Profil
from gateway.auth.viewer import Viewer
from gateway.operation import Demande, repondre
from gateway.schema.build import graphe
from gateway.sources.codec import codec
from gateway.sources.unites import Resultat
from tests.access.operations import ecrire, tirer_operation
from tests.access.petit_monde import APPELANTS, REGIONS, Habitant, appelant, tirer
from tests.access.test_non_interference import _ids
from tests.chiffres import noter
from tests.security.monde_en_cache import UNITES, MondeEnCache, octets

pytestmark = pytest.mark.anyio
PAGE = """query P($n: Int!, $statut: [StatutApprenant!]) { jeunes(first: $n, filtre: {statut: $statut}) {
 totalCount edges { node { nom telephone statut { valeur } ruptures { date } } } } }"""
STATUTS = ("INSCRIT", "APPRENTI", "RUPTURANT", "ABANDON", "FIN_DE_FORMATION")
NOMS = "{ jeunes(first: 50) { edges { node { nom } } } }"
ICI, VOISINE, CFA = (
    appelant("MISSION_LOCALE", "60001"),
    appelant("MISSION_LOCALE", "60002"),
    appelant("CFA", "0600001A"),
)
Question = tuple[Viewer, str, dict[str, Any]]


@st.composite
def questions(tirage: st.DrawFn) -> tuple[int, int, dict[str, Any]]:
    """A caller and a text by their rank, and variables."""
    variables = {"n": tirage(st.integers(1, 20)), "statut": tirage(st.lists(st.sampled_from(STATUTS), min_size=1))}
    return tirage(st.integers(0, len(APPELANTS) - 1)), tirage(st.integers(0, 5)), variables


class AvecEtSansCache(RuleBasedStateMachine):
    """The model is the gateway without cache."""

    def __init__(self) -> None:
        super().__init__()
        self.boucle = asyncio.Runner()
        self.comparees = 0

    @initialize(graine=st.integers(0, 10_000))
    def peupler(self, graine: int) -> None:
        hasard = Random(graine)
        self.monde = MondeEnCache(tirer(hasard, 10))
        ids = self.boucle.run(_ids(self.monde.monde))
        self.textes = [PAGE, *(ecrire(tirer_operation(hasard), hasard, ids) for _ in range(5))]

    @rule(lot=st.lists(questions(), min_size=4, max_size=20))
    def demander(self, lot: list[tuple[int, int, dict[str, Any]]]) -> None:
        """Everybody of the lot at once."""
        self.boucle.run(self._comparer([self._question(*une) for une in lot]))

    @rule(secondes=st.sampled_from([0.5, 2.0, 100.0, 301.0, 901.0, 3601.0]))
    def vieillir(self, secondes: float) -> None:
        self.boucle.run(self.monde.vieillir(secondes))

    @rule()
    def purger(self) -> None:
        self.boucle.run(self.monde.sources.purger("erp"))
        self.boucle.run(self.monde.vieillir(1.0))

    @precondition(lambda self: self.monde.habitants)
    @rule(rang=st.integers(0, 9), cachet=st.text("abcdef", min_size=1, max_size=3), dit=st.booleans())
    def changer(self, rang: int, cachet: str, dit: bool) -> None:
        """Somebody moves and changes phone; the partners tell, or the answers come to their end."""
        un = self.monde.habitants[rang % len(self.monde.habitants)]
        locales = next(codes for codes in REGIONS.values() if un.mission_locale in codes)
        ailleurs = locales[(locales.index(un.mission_locale) + 1) % len(locales)]
        nouveau = replace(un, mission_locale=ailleurs, cachets={"CONTACT": cachet})
        self.boucle.run(self._tous())
        self.monde.habitants[self.monde.habitants.index(un)] = nouveau
        self.boucle.run(self._savoir(dit))

    @precondition(lambda self: len(self.monde.habitants) > 1)
    @rule(rang=st.integers(0, 9), dit=st.booleans())
    def supprimer(self, rang: int, dit: bool) -> None:
        self.boucle.run(self._tous())
        del self.monde.habitants[rang % len(self.monde.habitants)]
        self.boucle.run(self._savoir(dit))

    async def _savoir(self, dit: bool) -> None:
        await (self.monde.evenement() if dit else self.monde.vieillir(3601.0))
        await self._tous()

    async def _tous(self) -> None:
        """Everybody's list, at once."""
        await self._comparer([(qui, PAGE, {"n": 20, "statut": list(STATUTS)}) for qui in APPELANTS])

    def _question(self, rang: int, texte: int, variables: dict[str, Any]) -> Question:
        return APPELANTS[rang], self.textes[texte], variables if texte == 0 else {}

    async def _comparer(self, lot: list[Question]) -> None:
        rendues = await asyncio.gather(*(self.monde.demander(qui, texte, **v) for qui, texte, v in lot))
        for (qui, texte, variables), rendue in zip(lot, rendues, strict=True):
            assert rendue == await self.monde.sans_cache(qui, texte, **variables), (qui.profil, texte, variables)
        COMPAREES[0] += len(lot)
        await self.monde.repos()

    def teardown(self) -> None:
        self.boucle.run(self.monde.sources.aclose())
        self.boucle.close()


COMPAREES = [0]


def _jouer(exemples: int, pas: int, phases: tuple[Phase, ...]) -> None:
    COMPAREES[0] = 0
    reglages = settings(max_examples=exemples, stateful_step_count=pas, deadline=None, phases=phases)
    AvecEtSansCache.TestCase.settings = reglages
    essai = AvecEtSansCache.TestCase("runTest")
    essai.debug()
    noter(f"C01 : {COMPAREES[0]} réponses égales avec et sans cache ({exemples} suites de {pas} pas)")


def test_c01_avec_et_sans_cache_les_reponses_sont_egales() -> None:
    _jouer(4, 6, (Phase.generate,))


@pytest.mark.chaos
def test_c01_longtemps() -> None:
    _jouer(150, 40, (Phase.generate, Phase.shrink))


def habitants(*codes: str) -> list[Habitant]:
    """Young people of one CFA, each of a Mission locale."""
    tires = tirer(Random(1), len(codes))
    communs: dict[str, Any] = {"cfa": "0600001A", "age": 17, "statut": "RUPTURANT", "suivi_par": frozenset()}
    return [replace(un, mission_locale=code, **communs) for un, code in zip(tires, codes, strict=True)]


async def noms(monde: MondeEnCache, viewer: Viewer) -> list[str]:
    data = json.loads(await monde.demander(viewer, NOMS))["data"]
    return sorted(arete["node"]["nom"].split()[0] for arete in data["jeunes"]["edges"])


async def test_c04_qui_demenage_change_de_mission_locale_des_que_sa_ligne_est_relue() -> None:
    monde = MondeEnCache(habitants("60001", "60001"))
    vus = [(await noms(monde, ICI), await noms(monde, VOISINE))]
    monde.habitants[0] = replace(monde.habitants[0], mission_locale="60002")
    await monde.vieillir(299)  # young
    vus.append((await noms(monde, ICI), await noms(monde, VOISINE)))
    await monde.vieillir(2)  # stale: the first who asks is answered from the copy, and the partner is asked behind
    assert await noms(monde, ICI) == ["Nom0", "Nom1"]
    await monde.repos()
    await monde.vieillir(2)  # read again
    vus.append((await noms(monde, ICI), await noms(monde, VOISINE)))
    chez_soi: tuple[list[str], list[str]] = (["Nom0", "Nom1"], [])
    assert vus == [chez_soi, chez_soi, (["Nom1"], ["Nom0"])]


async def test_c04_sans_lecteur_une_ligne_ne_survit_pas_quinze_minutes() -> None:
    """Deleted at the source, and nobody asked since: at fifteen minutes the partner is waited for."""
    monde = MondeEnCache(habitants("60001", "60001"))
    await noms(monde, ICI)
    del monde.habitants[0]
    await monde.vieillir(900)
    assert await noms(monde, ICI) == ["Nom1"]


async def test_c04_un_droit_retire_l_est_a_la_demande_suivante() -> None:
    """The rows are warm, and stay so: what may be read of them is decided again, and nothing is asked."""
    monde = MondeEnCache(habitants("60001"))
    assert await noms(monde, ICI) == ["Nom0"]
    passerelle, demandes = monde.monde.passerelle, monde.demandes
    for retiree in (CategorieDonnee.IDENTITE, CategorieDonnee.PARCOURS):
        politique = sans(passerelle.politique, Profil.MISSION_LOCALE, retiree)
        autre = replace(passerelle, politique=politique, juge=Juge(graphe(passerelle.schema), politique))
        reponse = (await repondre(autre, ICI, Demande(NOMS, None, {}))).corps("")
        assert "Nom0" not in octets(reponse)
        assert [erreur["extensions"]["code"] for erreur in reponse["errors"]] == ["CHAMP_REFUSE"]
    assert monde.demandes == demandes
    assert await noms(monde, ICI) == ["Nom0"]


def sans(politique: Politique, profil: Profil, categorie: CategorieDonnee) -> Politique:
    """The policy whose rows grant that profile all but one category."""
    regles = tuple(
        regle.model_copy(update={"categories": regle.categories - {categorie}}) if profil in regle.profils else regle
        for regle in politique.regle
    )
    return politique.model_copy(update={"regle": regles})


async def test_c04_un_perimetre_reduit_l_est_a_la_demande_suivante() -> None:
    gens = habitants("60001", "60001")
    monde = MondeEnCache([gens[0], replace(gens[1], cfa="0600002B")])
    assert await noms(monde, CFA) == ["Nom0", "Nom1"]
    demandes = monde.demandes
    reduit = replace(CFA, perimetre=replace(CFA.perimetre, uais=frozenset({"0600001A"})))
    assert await noms(monde, reduit) == ["Nom0"]
    assert await noms(monde, CFA) == ["Nom0", "Nom1"]
    assert monde.demandes == demandes


async def test_c11_changer_une_reponse_ne_change_pas_la_suivante() -> None:
    monde = MondeEnCache(habitants("60001", "60002"))
    question = (ICI, PAGE, {"n": 5, "statut": ["RUPTURANT"]})
    premiere = await monde.monde.demander(question[0], question[1], **question[2])
    attendue = octets(premiere)
    abimer(premiere)
    assert octets(premiere) != attendue
    assert await monde.demander(question[0], question[1], **question[2]) == attendue


async def test_c11_repondre_a_tous_ne_change_rien_de_ce_qui_est_garde() -> None:
    """Merging, masking, sorting, explaining work on what is kept, and leave it byte for byte as it was."""
    hasard, ecrit = Random(3), codec(Resultat)
    monde = MondeEnCache(tirer(hasard, 10))
    ids = await _ids(monde.monde)
    await monde.sources.lire(UNITES, 5.0)
    avant = [ecrit.ecrire(garde.valeur) for garde in await monde.sources.gardes(UNITES) if garde]
    for viewer in APPELANTS:
        for _ in range(4):
            await monde.demander(viewer, ecrire(tirer_operation(hasard), hasard, ids))
    apres = [ecrit.ecrire(garde.valeur) for garde in await monde.sources.gardes(UNITES) if garde]
    assert len(avant) == len(UNITES)
    assert avant == apres


def abimer(valeur: Any) -> None:
    """Write over all that can be written over."""
    enfants = valeur.values() if isinstance(valeur, dict) else valeur if isinstance(valeur, list) else ()
    for enfant in enfants:
        abimer(enfant)
    if isinstance(valeur, dict):
        valeur.update({cle: "abîmé" for cle, enfant in valeur.items() if not isinstance(enfant, dict | list)})

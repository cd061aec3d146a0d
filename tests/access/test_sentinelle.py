"""The assertion that must never fire, made to fire: by a mask, a decision, a view and an executor broken on purpose."""

import logging
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from gateway.auth import jugement
from gateway.auth.decide import decider
from gateway.auth.mask import masquer
from gateway.auth.politique import Politique
from gateway.auth.rules import CategorieDonnee
from gateway.auth.rules import CategorieDonnee as C
from gateway.auth.sentinelle import en_trop, fuite
from gateway.errors import FuiteArretee
from gateway.federation import vitrine
from gateway.federation.views import Vue
from gateway.reponses import erreur_graphql
from gateway.schema.nouns import MotifPriorite, Rupture
from tests.access.outils import POLITIQUE
from tests.access.petit_monde import PetitMonde, appelant, tirer

pytestmark = pytest.mark.anyio

RESEAU, CFA = appelant("TETE_DE_RESEAU", "mfr"), appelant("CFA", "0600001A")
ML, AUTRE = appelant("MISSION_LOCALE", "60001"), appelant("MISSION_LOCALE", "60002")
TELEPHONES = "{ liste: jeunes { edges { node { nom tel: telephone suivi { commentaire } } } } }"
SUIVIS = "{ jeunes { edges { node { nom suivi { commentaire } } } } }"


@pytest.fixture
def monde() -> PetitMonde:
    return PetitMonde(tirer(Random(5), 10))


def _laxiste(*arguments: Any) -> Any:
    """decide, for a policy that grants everything to everybody."""
    toutes = tuple(r.model_copy(update={"categories": frozenset(CategorieDonnee)}) for r in POLITIQUE.regle)
    large: Politique = POLITIQUE.model_copy(update={"regle": toutes})
    schema, document, operation, variables, viewer, _ = arguments
    return decider(schema, document, operation, variables, viewer, large)


def _sans_masque(objet: Any, _categories: Any) -> Any:
    return objet


@pytest.fixture
def casser(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Breaks the locks named: decide, masque, and the look at nouns."""

    def faire(*verrous: str) -> None:
        if "decide" in verrous:
            monkeypatch.setattr(jugement, "decider", _laxiste)
        if "masque" in verrous:
            monkeypatch.setattr(vitrine, "masquer", _sans_masque)
        if "noms" in verrous:
            monkeypatch.setattr(vitrine, "en_trop", lambda _objet, _categories: None)

    return faire


async def test_it_never_fires_on_what_is_whole(monde: PetitMonde) -> None:
    for viewer in (RESEAU, CFA, ML):
        assert (await monde.demander(viewer, TELEPHONES))["data"]["liste"]["edges"]
    assert monde.arretees == []


async def test_a_broken_decision_alone_shows_nothing(monde: PetitMonde, casser: Callable[..., None]) -> None:
    casser("decide")
    aretes = (await monde.demander(RESEAU, TELEPHONES))["data"]["liste"]["edges"]
    assert {arete["node"]["tel"] for arete in aretes} == {None}
    assert monde.arretees == []


@pytest.mark.parametrize(
    ("verrous", "viewer", "coordonnee"),
    [
        (("masque",), RESEAU, "Jeune.rqth"),  # the noun is looked at whole, whatever was asked of it
        (("decide", "masque"), RESEAU, "Jeune.rqth"),
        (("decide", "masque", "noms"), RESEAU, "liste.edges.node.tel"),
        (("decide", "masque", "noms"), appelant("FRANCE_TRAVAIL", "32"), "liste.edges.node.suivi"),
    ],
)
async def test_it_fires_and_nothing_is_sent(
    monde: PetitMonde,
    casser: Callable[..., None],
    caplog: pytest.LogCaptureFixture,
    verrous: tuple[str, ...],
    viewer: Any,
    coordonnee: str,
) -> None:
    casser(*verrous)
    for _ in range(3):  # by graphql-core, then by a plan whose bytes nobody could look into
        with caplog.at_level(logging.DEBUG), pytest.raises(FuiteArretee):
            await monde.demander(viewer, TELEPHONES)
    assert monde.arretees == [coordonnee] * 3
    critiques = [trace.getMessage() for trace in caplog.records if trace.levelno == logging.CRITICAL]
    assert critiques == [f"{coordonnee} : non accordé, rien n'est envoyé"] * 3
    assert not any(un["CONTACT"] in caplog.text or un["SUIVI"] in caplog.text for un in monde.habitants)


async def test_it_knows_what_may_be_read_of_each_person(monde: PetitMonde, casser: Callable[..., None]) -> None:
    """A CFA reads the follow-up of some of its people: a mask that forgets it is caught on the others."""
    assert {un.collaboration for un in monde.habitants if un.cfa in CFA.perimetre.uais} == {True, False}
    casser("masque")
    with pytest.raises(FuiteArretee):
        await monde.demander(CFA, SUIVIS)
    assert monde.arretees == ["Jeune.suivi"]


async def test_u10_a_row_of_another_perimeter_stops_the_answer(
    monde: PetitMonde, monkeypatch: pytest.MonkeyPatch
) -> None:
    vues: list[Vue] = []
    vraie = monde.passerelle.vues.vue

    async def premiere(*arguments: Any) -> Vue:
        vues.append(await vraie(*arguments))
        return vues[0]

    monkeypatch.setattr(type(monde.passerelle.vues), "vue", lambda _vues, *arguments: premiere(*arguments))
    assert (await monde.demander(ML, SUIVIS))["data"]["jeunes"]["edges"]
    with pytest.raises(FuiteArretee):
        await monde.demander(AUTRE, SUIVIS)
    assert monde.arretees == ["Jeune hors périmètre"]


def test_the_caller_is_told_an_internal_error_and_no_more() -> None:
    assert erreur_graphql(FuiteArretee("Jeune.rqth")) == {
        "message": "Erreur interne de la passerelle.",
        "extensions": {"code": "ERREUR_INTERNE"},
    }


def test_only_forbidden_branches_are_walked() -> None:
    class Curieux(dict[str, Any]):
        def get(self, *_: Any) -> Any:
            raise AssertionError("looked at what is granted")

    assert fuite(Curieux(a=1), {}) is None
    assert fuite([Curieux(a=1)] * 3, {}) is None


@pytest.mark.parametrize(
    ("data", "trouvee"),
    [
        ({"a": {"b": None}}, None),
        ({"a": None}, None),
        ({"a": {"c": 1}}, None),
        ({"a": {"b": 0}}, ("a", "b")),
        ({"a": {"b": False}}, ("a", "b")),
        ({"a": {"b": []}}, ("a", "b")),
        ({"a": [{"b": None}, [{"b": ""}]]}, ("a", "b")),
        (None, None),
    ],
)
def test_what_is_not_null_where_it_must_be_is_found(data: Any, trouvee: tuple[str, ...] | None) -> None:
    assert fuite(data, {"a": {"b": None}}) == trouvee


def test_a_reason_that_tells_another_category_is_too_much() -> None:
    rupture = Rupture(prioritaire=True, motifs_priorite=[MotifPriorite.SOUHAITE_RDV, MotifPriorite.RQTH])
    assert en_trop(rupture, frozenset({C.SUIVI})) == "Rupture.motifs_priorite"
    assert en_trop(rupture, frozenset({C.SUIVI, C.SENSIBLE})) is None
    assert en_trop(masquer(rupture, frozenset({C.SUIVI})), frozenset({C.SUIVI})) is None

"""A decision kept is the decision that would be made: the key holds all that it depends on, and nothing of a person."""

from typing import Any

from graphql import get_operation_ast, get_variable_values, parse, validate
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.auth.decide import decider
from gateway.auth.jugement import JUGEMENTS_MAX, Juge, empreinte
from gateway.auth.viewer import Viewer
from gateway.errors import ArgumentRefuse
from tests.access.outils import POLITIQUE, SCHEMA, viewer
from tests.access.petit_monde import APPELANTS

DOCUMENT = parse("""
query ($a: Boolean!, $b: Boolean! = true, $f: FiltreRuptures, $g: FiltreJeunes, $t: TriRuptures!, $e: EtatTraitement,
       $id: ID!, $numero: String, $n: Int, $jour: Date, $champs: [String!]) {
  ruptures(filtre: $f, tri: $t, first: $n) { totalCount edges { node { ...R } } }
  autres: ruptures(filtre: {etat: $e, depuis: $jour}) @include(if: $a) { totalCount }
  jeunes(filtre: $g) @skip(if: $b) { edges { node { telephone ine @include(if: $a) parcours(depuis: $jour) { depuis } } } }
  contrat(id: $id, numero: $numero) { numero provenance(champs: $champs) { champ } }
}
fragment R on Rupture { date etat @include(if: $b) jeune { nom rqth @skip(if: $a) } }
""")
assert validate(SCHEMA, DOCUMENT) == []
OPERATION = get_operation_ast(DOCUMENT)
assert OPERATION is not None
BOOLEENS, TEXTES = st.booleans(), st.text("abc", min_size=3, max_size=5)
JOURS = st.sampled_from(["2026-01-01", "2026-10-15"])
ETATS = st.sampled_from(["TRAITE", "A_TRAITER"])


def _objet(**champs: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any] | None]:
    """Absent, null or set: each of its keys as well."""
    return st.none() | st.fixed_dictionaries({}, optional={nom: st.none() | valeurs for nom, valeurs in champs.items()})


VARIABLES = st.fixed_dictionaries(
    {"a": BOOLEENS, "t": st.sampled_from(["DATE_DESC", "DATE_ASC", "PRIORITE"]), "id": TEXTES},
    optional={
        "b": BOOLEENS,
        "f": _objet(depuis=JOURS, etat=ETATS, prioritaire=BOOLEENS, ageMax=st.integers(0, 99), departements=st.lists(TEXTES)),
        "g": _objet(nom=TEXTES, communes=st.lists(st.sampled_from(["60057", "60175"]))),
        "e": st.none() | ETATS,
        "numero": st.none() | TEXTES,
        "n": st.integers(0, 500),
        "jour": st.none() | JOURS,
        "champs": st.none() | st.lists(TEXTES),
    },
)  # fmt: skip


def _lues(brutes: dict[str, Any]) -> dict[str, Any]:
    assert OPERATION is not None
    lues = get_variable_values(SCHEMA, OPERATION.variable_definitions or (), brutes)
    assert not isinstance(lues, list), lues
    return dict(lues.coerced)


def _autres_valeurs(valeur: Any) -> Any:
    """The same variables with other values, where a decision must not see the difference."""
    if isinstance(valeur, dict):
        return {nom: _autres_valeurs(une) for nom, une in valeur.items()}
    if isinstance(valeur, list):
        return [_autres_valeurs(une) for une in valeur]
    if isinstance(valeur, str):
        paires = {"60057": "60175", "2026-01-01": "2026-10-15", "TRAITE": "INJOIGNABLE"}
        autres = {**paires, **{autre: une for une, autre in paires.items()}}
        return autres.get(valeur, valeur if valeur.isupper() else f"{valeur}z")
    return valeur if valeur is None or isinstance(valeur, bool) else 500 - valeur


def _issue(juger: Any, variables: dict[str, Any], qui: Viewer) -> Any:
    try:
        return juger(variables, qui)
    except ArgumentRefuse as refus:
        return str(refus)


def _neuve(variables: dict[str, Any], qui: Viewer) -> Any:
    assert OPERATION is not None
    return decider(SCHEMA, DOCUMENT, OPERATION, variables, qui, POLITIQUE)


JUGE = Juge(SCHEMA, POLITIQUE)  # shared by all examples: what it kept of one must be right for the others


def _gardee(variables: dict[str, Any], qui: Viewer) -> Any:
    assert OPERATION is not None
    return JUGE.juger(DOCUMENT, OPERATION, variables, qui).decision


@settings(max_examples=300, deadline=None)
@given(brutes=VARIABLES, qui=st.sampled_from(APPELANTS))
def test_c05_a_kept_decision_is_the_one_that_would_be_made(brutes: dict[str, Any], qui: Viewer) -> None:
    for variables in (_lues(brutes), _lues(_autres_valeurs(brutes))):
        assert _issue(_gardee, variables, qui) == _issue(_neuve, variables, qui)


@settings(max_examples=300, deadline=None)
@given(une=VARIABLES, autre=VARIABLES, qui=st.sampled_from(APPELANTS))
def test_c05_two_questions_of_one_key_have_one_answer(une: dict[str, Any], autre: dict[str, Any], qui: Viewer) -> None:
    assert OPERATION is not None
    for premieres, secondes in ((_lues(une), _lues(_autres_valeurs(une))), (_lues(une), _lues(autre))):
        if empreinte(SCHEMA, OPERATION, premieres) == empreinte(SCHEMA, OPERATION, secondes):
            assert _issue(_neuve, premieres, qui) == _issue(_neuve, secondes, qui)


def test_no_value_is_in_a_key_and_a_value_makes_no_other_key() -> None:
    assert OPERATION is not None
    juge = Juge(SCHEMA, POLITIQUE)
    ml = APPELANTS[0]
    for numero in ("SECRETE", "AUTRE"):
        brutes = {"a": True, "t": "DATE_ASC", "id": numero, "numero": numero, "g": {"nom": numero}, "f": {"ageMax": 18}}
        juge.juger(DOCUMENT, OPERATION, _lues(brutes), ml)
    (cle,) = juge._connus
    assert "SECRETE" not in repr(cle)


def test_c05_two_callers_of_other_rights_share_nothing() -> None:
    assert OPERATION is not None
    juge = Juge(SCHEMA, POLITIQUE)
    decisions = [juge.juger(DOCUMENT, OPERATION, _lues({"a": False, "t": "DATE_ASC", "id": "1"}), q) for q in APPELANTS]
    droits = {(q.profil, q.finalite, q.finalites) for q in APPELANTS}
    assert len(juge._connus) == len({id(jugement) for jugement in decisions}) == len(droits)


def test_c07_the_judge_forgets() -> None:
    juge = Juge(SCHEMA, POLITIQUE)
    qui = viewer(APPELANTS[0].profil)
    for rang in range(JUGEMENTS_MAX + 5):
        document = parse(f"{{ moi {{ a{rang}: profil }} }}")
        operation = get_operation_ast(document)
        assert operation is not None
        assert juge.juger(document, operation, {}, qui).decision.racines == {"moi"}
    assert len(juge._connus) == JUGEMENTS_MAX

"""A decision kept is the decision that would be made: the key holds all that it depends on, and nothing of a person."""

from typing import Any

from graphql import get_operation_ast, get_variable_values, parse, validate
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.auth.authentication.clients import Viewer
from gateway.auth.authorization.decide import decide
from gateway.auth.authorization.decision_cache import DECISIONS_MAX, DecisionCache, digest
from gateway.errors import ArgumentRefused
from tests.support.access.small_world import CALLERS
from tests.support.access.tools import POLICY, SCHEMA, viewer

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
BOOLEANS, TEXTS = st.booleans(), st.text("abc", min_size=3, max_size=5)
DAYS = st.sampled_from(["2026-01-01", "2026-10-15"])
STATES = st.sampled_from(["TRAITE", "A_TRAITER"])


def _object(**champs: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any] | None]:
    """Absent, null or set: each of its keys as well."""
    return st.none() | st.fixed_dictionaries({}, optional={name: st.none() | values for name, values in champs.items()})


VARIABLES = st.fixed_dictionaries(
    {"a": BOOLEANS, "t": st.sampled_from(["DATE_DESC", "DATE_ASC", "PRIORITE"]), "id": TEXTS},
    optional={
        "b": BOOLEANS,
        "f": _object(depuis=DAYS, etat=STATES, prioritaire=BOOLEANS, ageMax=st.integers(0, 99), departements=st.lists(TEXTS)),
        "g": _object(nom=TEXTS, communes=st.lists(st.sampled_from(["60057", "60175"]))),
        "e": st.none() | STATES,
        "numero": st.none() | TEXTS,
        "n": st.integers(0, 500),
        "jour": st.none() | DAYS,
        "champs": st.none() | st.lists(TEXTS),
    },
)  # fmt: skip


def _coerced(raw: dict[str, Any]) -> dict[str, Any]:
    assert OPERATION is not None
    results = get_variable_values(SCHEMA, OPERATION.variable_definitions or (), raw)
    assert not isinstance(results, list), results
    return dict(results.coerced)


def _other_values(valeur: Any) -> Any:
    """The same variables with other values, where a decision must not see the difference."""
    if isinstance(valeur, dict):
        return {name: _other_values(one) for name, one in valeur.items()}
    if isinstance(valeur, list):
        return [_other_values(one) for one in valeur]
    if isinstance(valeur, str):
        pairs = {"60057": "60175", "2026-01-01": "2026-10-15", "TRAITE": "INJOIGNABLE"}
        others = {**pairs, **{other: one for one, other in pairs.items()}}
        return others.get(valeur, valeur if valeur.isupper() else f"{valeur}z")
    return valeur if valeur is None or isinstance(valeur, bool) else 500 - valeur


def _outcome(judge: Any, variables: dict[str, Any], who: Viewer) -> Any:
    try:
        return judge(variables, who)
    except ArgumentRefused as refusal:
        return str(refusal)


def _decided_afresh(variables: dict[str, Any], who: Viewer) -> Any:
    assert OPERATION is not None
    return decide(SCHEMA, DOCUMENT, OPERATION, variables, who, POLICY)


DECISION_CACHE = DecisionCache(
    SCHEMA, POLICY
)  # shared by all examples: what it kept of one must be right for the others


def _kept(variables: dict[str, Any], who: Viewer) -> Any:
    assert OPERATION is not None
    return DECISION_CACHE.judge(DOCUMENT, OPERATION, variables, who).decision


@settings(max_examples=300, deadline=None)
@given(raw=VARIABLES, who=st.sampled_from(CALLERS))
def test_c05_a_kept_decision_is_the_one_that_would_be_made(raw: dict[str, Any], who: Viewer) -> None:
    for variables in (_coerced(raw), _coerced(_other_values(raw))):
        assert _outcome(_kept, variables, who) == _outcome(_decided_afresh, variables, who)


@settings(max_examples=300, deadline=None)
@given(one=VARIABLES, other=VARIABLES, who=st.sampled_from(CALLERS))
def test_c05_two_questions_of_one_key_have_one_answer(one: dict[str, Any], other: dict[str, Any], who: Viewer) -> None:
    assert OPERATION is not None
    for first, seconds in ((_coerced(one), _coerced(_other_values(one))), (_coerced(one), _coerced(other))):
        if digest(SCHEMA, OPERATION, first) == digest(SCHEMA, OPERATION, seconds):
            assert _outcome(_decided_afresh, first, who) == _outcome(_decided_afresh, seconds, who)


def test_no_value_is_in_a_key_and_a_value_makes_no_other_key() -> None:
    assert OPERATION is not None
    decision_cache = DecisionCache(SCHEMA, POLICY)
    ml = CALLERS[0]
    for numero in ("SECRETE", "AUTRE"):
        raw = {"a": True, "t": "DATE_ASC", "id": numero, "numero": numero, "g": {"nom": numero}, "f": {"ageMax": 18}}
        decision_cache.judge(DOCUMENT, OPERATION, _coerced(raw), ml)
    (key,) = decision_cache._known
    assert "SECRETE" not in repr(key)


def test_c05_two_callers_of_other_rights_share_nothing() -> None:
    assert OPERATION is not None
    decision_cache = DecisionCache(SCHEMA, POLICY)
    decisions = [
        decision_cache.judge(DOCUMENT, OPERATION, _coerced({"a": False, "t": "DATE_ASC", "id": "1"}), q)
        for q in CALLERS
    ]
    rights = {(q.profil, q.perimetre.profil, q.finalite, q.finalites) for q in CALLERS}
    assert len(decision_cache._known) == len({id(judgement) for judgement in decisions}) == len(rights)


def test_c07_the_judge_forgets() -> None:
    decision_cache = DecisionCache(SCHEMA, POLICY)
    who, known = viewer(CALLERS[0].profil), decision_cache._known
    for rank in range(400):
        # Texts of 250 tokens: two hundred of them are more than the decisions kept may weigh, with the trees they hold.
        document = parse("{ moi { " + " ".join(f"a{rank}_{n}: profil" for n in range(85)) + " } }")
        operation = get_operation_ast(document)
        assert operation is not None
        assert decision_cache.judge(document, operation, {}, who).decision.roots == {"moi"}
        assert known.currsize == sum(kept.weight for kept in known.values()) <= DECISIONS_MAX
    assert 100 < len(known) < 250

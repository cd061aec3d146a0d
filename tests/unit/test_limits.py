"""The weight of an operation is judged on its text, linearly, before any work."""

import pytest
from graphql import get_introspection_query, parse

from gateway.documents.limits import COST_MAX, DEPTH_MAX, cost_of, judge
from gateway.errors import InvalidRequest, TooCostlyRequest


def weigh(text: str, **variables: object) -> int:
    (shape,) = judge(parse(text)).values()
    return cost_of(shape, variables)


def test_the_cost_counts_written_fields_by_the_size_of_the_page() -> None:
    assert weigh("{ ruptures(first: 100) { totalCount edges { node { date } } } }") == 1 + 100 * 4


def test_g08_an_unsaid_page_counts_for_its_default_and_an_absurd_one_for_the_largest() -> None:
    assert weigh("{ jeunes { totalCount } }") == 21
    assert weigh("query($n: Int) { jeunes(first: $n) { totalCount } }", n=10) == 11
    for absurd in ("2147483647", "-1", "null", "$inconnue"):
        assert weigh(f"{{ jeunes(first: {absurd}) {{ totalCount }} }}") == 501


def test_inner_lists_count_for_their_usual_size() -> None:
    assert weigh('{ jeune(id: "x") { contrats { numero } parcours { depuis } } }') == 1 + (1 + 4) + (1 + 10)


ALL = """
query Tout($n: Int!) { ruptures(first: $n) { totalCount complet pageInfo { hasNextPage endCursor } edges { cursor node {
  id date cause signaleeLe delaiSignalementJours joursDepuis etat prioritaire motifsPriorite sources
  provenance { champ source recueLe retenue divergente }
  contrat { id numero type dateDebut dateFin employeur { siret denomination naf idcc }
    formation { intitule rncp cfd niveau dateDebut dateFin } cfa { id uai siret nom commune { code nom } region { code } } }
  jeune { id nom prenom dateNaissance sexe age mineur rqth telephone courriel
    adresse { voie complement codePostal commune { code nom } } representants { nom courriel telephone }
    commune { code nom codesPostaux } missionLocale { code nom } statut { valeur depuis } parcours { valeur depuis }
    formations { intitule rncp niveau dateDebut dateFin cfa { uai nom } }
    contrats { id numero dateDebut dateFin employeur { siret denomination } cfa { uai } rupture { date } }
    ruptures { id date sources } suivi { situation date conseiller commentaire historique { situation date } }
    collaboration { demandeeLe motifs referent } provenance { champ source retenue divergente } } } } } }
"""


def test_a_hundred_ruptures_with_everything_nested_pass_and_nothing_ten_times_as_heavy() -> None:
    cost = weigh(ALL, n=100)
    print(f"cost of ruptures(first: 100) with everything nested: {cost} of {COST_MAX}")
    assert COST_MAX / 10 < cost <= COST_MAX


def depth(n: int) -> str:
    return "{ jeunes { edges { node " + "{ contrats { jeune " * n + "{ nom }" + "} }" * n + " } } }"


def test_g01_depth_at_the_limit_passes_and_one_more_does_not() -> None:
    assert DEPTH_MAX == 3 + 2 * 5 + 1 + 1
    with pytest.raises(TooCostlyRequest, match="profondeur 16, 15 au plus"):
        weigh(depth(6))
    assert weigh('{ jeune(id: "x") ' + "{ contrats { jeune " * 6 + "{ contrats { numero } }" + "} }" * 6 + "}") > 0


@pytest.mark.parametrize("n", [60, 61, 1000])
def test_g02_aliases_are_counted_after_fragments_are_expanded(n: int) -> None:
    alias = " ".join(f"a{i}: nom" for i in range(n // 2))
    text = (
        f'{{ jeune(id: "x") {{ {alias} ...A }} }} fragment A on Jeune {{ '
        + alias.replace("a", "b")
        + (" c: nom }" if n % 2 else " }")
    )
    if n == 60:
        assert weigh(text) == 61
    else:
        with pytest.raises(TooCostlyRequest):
            weigh(text)


@pytest.mark.parametrize(
    "text",
    [
        "{" + "moi { profil } " * 300 + "}",
        '{ jeune(id: "x") { ' + "nom " * 1000 + "} }",
        '{ jeune(id: "x") { ' + "...F " * 11 + "} } fragment F on Jeune { nom }",
        '{ jeune(id: "x") { '
        + " ".join(f"...F{i}" for i in range(11))
        + " } }"
        + " ".join(f"fragment F{i} on Jeune {{ nom }}" for i in range(11)),
    ],
)
def test_g03_a_field_repeated_is_refused_before_validation_compares_it_with_itself(text: str) -> None:
    with pytest.raises(TooCostlyRequest, match="répétitions"):
        weigh(text)


@pytest.mark.parametrize("n", [22, 60])
def test_g06_fragments_that_fan_out_are_measured_once_each_and_refused(n: int) -> None:
    fragments = " ".join(f"fragment F{i} on Jeune {{ a{i}: nom ...F{i + 1} ...F{i + 1} }}" for i in range(n))
    with pytest.raises(TooCostlyRequest):
        weigh(f'{{ jeune(id: "x") {{ ...F0 }} }} {fragments} fragment F{n} on Jeune {{ id nom prenom }}')


def test_g06_a_fragment_spread_in_two_places_counts_twice() -> None:
    text = '{ jeune(id: "x") { ...N contrats { jeune { ...N } } } } fragment N on Jeune { nom prenom }'
    assert weigh(text) == 1 + 2 + 1 + 4 * (1 + 2)


def test_g06_a_long_chain_of_fragments_is_refused_and_not_recursed_into() -> None:
    chain = " ".join(f"fragment F{i} on Jeune {{ ...F{i + 1} }}" for i in range(240))
    with pytest.raises(TooCostlyRequest, match="fragments emboîtés"):
        weigh(f'{{ jeune(id: "x") {{ ...F0 }} }} {chain} fragment F240 on Jeune {{ nom }}')


@pytest.mark.parametrize("body", ["...A", "nom ...B", "contrats { jeune { ...A } }"])
def test_g07_a_fragment_that_includes_itself_is_refused(body: str) -> None:
    for holder in ('{ jeune(id: "x") { ...A } }', "{ moi { profil } }"):
        with pytest.raises(InvalidRequest):
            weigh(f"{holder} fragment A on Jeune {{ {body} }} fragment B on Jeune {{ ...A }}")


@pytest.mark.parametrize(("n", "passed"), [(1, True), (2, True), (3, False), (4, False), (5, False)])
def test_g08_nested_lists_multiply(n: int, passed: bool) -> None:
    text = "{ jeunes(first: 500) { edges { node " + "{ contrats { jeune " * n + "{ nom }" + "} }" * n + " } } }"
    if passed:
        assert weigh(text) <= COST_MAX
    else:
        with pytest.raises(TooCostlyRequest, match="coût"):
            weigh(text)


INTROSPECTION = get_introspection_query(
    descriptions=True,
    specified_by_url=True,
    directive_is_repeatable=True,
    schema_description=True,
    input_value_deprecation=True,
)


def test_g09_introspection_takes_nothing_of_the_budget_and_has_its_own() -> None:
    assert weigh(INTROSPECTION) == 0
    operation, fragments = INTROSPECTION.split("fragment FullType")
    body = operation[operation.index("{") + 1 : operation.rindex("}")]
    with pytest.raises(TooCostlyRequest, match="coût d'introspection"):
        weigh("{" + body + body.replace("__schema", "encore: __schema") + "} fragment FullType" + fragments)
    with pytest.raises(TooCostlyRequest, match="profondeur d'introspection"):
        weigh("{ __schema { queryType " + "{ ofType " * 19 + "{ name }" + "}" * 19 + " } }")


@pytest.mark.parametrize(
    "text",
    [
        "{" + " ".join(f"a{i}: moi {{ profil }}" for i in range(11)) + "}",
        "{ ...R } fragment R on Query {" + " ".join(f"a{i}: moi {{ profil }}" for i in range(11)) + "}",
        '{ jeune(id: "x") { nom ' + "@skip(if: false) " * 41 + "} }",
        "query Q " + "@skip(if: false) " * 41 + '{ jeune(id: "x") { nom } }',
        "{ jeunes { edges { node { "
        + " ".join(f"...F{i}" for i in range(60))
        + "} } } }"
        + "".join(f" fragment F{i} on Jeune {{ {' '.join(f'f{i}x{j}' for j in range(11))} }}" for i in range(60)),
        " ".join(f"query Q{i} {{ moi {{ profil }} }}" for i in range(11)),
    ],
    ids=["roots", "roots by a fragment", "directives", "directives of the operation", "fields", "operations"],
)
def test_g04_g18_each_limit_refuses(text: str) -> None:
    with pytest.raises(TooCostlyRequest):
        judge(parse(text))

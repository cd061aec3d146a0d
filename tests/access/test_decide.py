"""Golden decisions: what runs, what is refused and where, for the shapes that broke other gateways (docs/security.md, Accès)."""

from dataclasses import replace

import pytest
from graphql import get_operation_ast, parse

from gateway.auth.authentication.clients import Viewer
from gateway.auth.authorization.decide import decide
from gateway.auth.authorization.reasons import field_refused
from gateway.auth.policy.policy import Perimetre
from gateway.auth.policy.rules import CategorieDonnee, Finalite, Profil
from gateway.errors import ArgumentRefused, TooCostlyRequest
from tests.support.access.tools import POLICY, SCHEMA, decision, nulls, refusal, viewer

ML, CFA, RESEAU = Profil.MISSION_LOCALE, Profil.CFA, Profil.TETE_DE_RESEAU
FOR_ML = replace(viewer(Profil.SI_PARTENAIRE), perimetre=Perimetre(Profil.MISSION_LOCALE, "59010"))
FOR_CFA = replace(viewer(Profil.SI_PARTENAIRE), perimetre=Perimetre(Profil.CFA, "0590010A"))
FT, DREETS, ADMIN = Profil.FRANCE_TRAVAIL, Profil.DREETS, Profil.ADMINISTRATEUR


def test_everything_granted() -> None:
    seen = decision(ML, "{ ruptures { totalCount edges { node { id date jeune { nom adresse { codePostal } } } } } }")
    assert seen.roots == {"ruptures"}
    assert seen.refusal == ()
    assert seen.nulls == frozenset()
    assert seen.nominative
    assert seen.coordinates == {
        "Query.ruptures",
        "RuptureConnection.totalCount",
        "RuptureConnection.edges",
        "RuptureEdge.node",
        "Rupture.id",
        "Rupture.date",
        "Rupture.jeune",
        "Jeune.nom",
        "Jeune.adresse",
        "Adresse.codePostal",
    }


def test_a_refusal_does_not_cancel_its_neighbours() -> None:
    seen = decision(ML, "{ jeunes { edges { node { nom ine } } } }")
    assert refusal(seen) == [("jeunes.edges.node.ine", "Jeune.ine", "IDENTIFIANT_NATIONAL")]
    assert nulls(seen) == {("jeunes.edges.node.ine", "Jeune.ine")}
    assert "Jeune.nom" in seen.coordinates
    assert "Jeune.ine" not in seen.coordinates


def test_a_refused_root_and_nothing_below() -> None:
    seen = decision(FT, "{ r: ruptures { edges { node { cause jeune { ine } } } } jeunes { edges { node { nom } } } }")
    assert seen.roots == {"jeunes"}
    assert refusal(seen) == [("r", "Query.ruptures", "RUPTURE")]
    assert nulls(seen) == {("r", "Query.ruptures")}


def test_everything_refused() -> None:
    seen = decision(DREETS, "{ jeunes { edges { node { rqth adresse { voie } } } } ruptures { totalCount } }")
    assert seen.roots == frozenset()
    assert seen.coordinates == frozenset()
    assert not seen.nominative
    assert [path for path, _, _ in refusal(seen)] == [
        "jeunes.edges.node.rqth",
        "jeunes.edges.node.adresse",
        "ruptures",
    ]


def test_a_list_with_nothing_granted_is_null_and_its_counts_with_it() -> None:
    seen = decision(
        FT, "{ jeunes { totalCount pageInfo { hasNextPage } edges { cursor node { id contrats { id } } } } }"
    )
    assert nulls(seen) == {("jeunes", "Query.jeunes")}
    assert refusal(seen) == [("jeunes.edges.node.contrats", "Jeune.contrats", "CONTRAT")]


def test_a_list_with_nothing_governed_is_executed() -> None:
    seen = decision(FT, "{ jeunes { totalCount edges { node { id } } } }")
    assert seen.roots == {"jeunes"}
    assert seen.refusal == ()


def test_an_object_with_nothing_granted_is_null() -> None:
    seen = decision(RESEAU, "{ ruptures { edges { node { date jeune { id telephone courriel } } } } }")
    assert nulls(seen) == {("ruptures.edges.node.jeune", "Rupture.jeune")}
    assert [path for path, _, _ in refusal(seen)] == [
        "ruptures.edges.node.jeune.telephone",
        "ruptures.edges.node.jeune.courriel",
    ]
    assert "Rupture.jeune" not in seen.coordinates


def test_alias() -> None:
    seen = decision(RESEAU, '{ a: jeune(id: "1") { n: nom t: telephone } b: jeune(id: "2") { telephone } }')
    assert seen.roots == {"a"}
    assert refusal(seen) == [("a.t", "Jeune.telephone", "CONTACT"), ("b.telephone", "Jeune.telephone", "CONTACT")]
    assert nulls(seen) == {("a.t", "Jeune.telephone"), ("b", "Query.jeune")}


def test_selections_of_the_same_key_merge() -> None:
    seen = decision(RESEAU, '{ jeune(id: "1") { telephone } ...F } fragment F on Query { jeune(id: "1") { nom } }')
    assert seen.roots == {"jeune"}
    assert nulls(seen) == {("jeune.telephone", "Jeune.telephone")}


def test_nested_fragments() -> None:
    seen = decision(
        RESEAU,
        """
        { ruptures { edges { node { ...R } } } }
        fragment R on Rupture { date jeune { ...J } ... { contrat { jeune { ...J } } } }
        fragment J on Jeune { nom ...C ... on Node { id } }
        fragment C on Jeune { telephone }
        """,
    )
    assert refusal(seen) == [
        ("ruptures.edges.node.jeune.telephone", "Jeune.telephone", "CONTACT"),
        ("ruptures.edges.node.contrat.jeune.telephone", "Jeune.telephone", "CONTACT"),
    ]
    assert {"Jeune.id", "Jeune.nom"} <= seen.coordinates


@pytest.mark.parametrize(
    ("variables", "awaited"),
    [
        ({}, ["jeune.courriel"]),
        ({"avec": True}, ["jeune.telephone", "jeune.courriel"]),
        ({"avec": False, "sans": True}, []),
    ],
)
def test_skip_and_include_follow_the_variables(variables: dict[str, bool], awaited: list[str]) -> None:
    partner_request = """
    query ($avec: Boolean! = false, $sans: Boolean! = false) {
      jeune(id: "1") { nom telephone @include(if: $avec) ... on Jeune @skip(if: $sans) { courriel } rqth @skip(if: true) }
    }
    """
    assert [path for path, _, _ in refusal(decision(RESEAU, partner_request, variables))] == awaited


NODE = 'query { node(id: "x") { __typename id %s } }'


def test_node_opens_each_type_by_its_rule() -> None:
    seen = decision(FT, NODE % "... on Jeune { nom ine } ... on Rupture { jeune { nom } } ... on Cfa { nom }")
    assert seen.roots == {"node"}
    assert set(refusal(seen)) == {
        ("node.ine", "Jeune.ine", "IDENTIFIANT_NATIONAL"),
        ("node.jeune", "Rupture.jeune", "RUPTURE"),
    }
    assert "Rupture.id" not in seen.coordinates
    assert {"Jeune.nom", "Cfa.nom"} <= seen.coordinates


def test_a_node_with_everything_refused_is_not_looked_for() -> None:
    seen = decision(FT, NODE % "... on Rupture { date } ... on Contrat { numero }")
    assert seen.roots == frozenset()
    assert nulls(seen) == {("node", "Query.node")}


def test_node_public() -> None:
    seen = decision(ADMIN, NODE % "... on Cfa { nom } ... on Jeune { provenance { champ } }")
    assert seen.roots == {"node"}
    assert refusal(seen) == [("node.provenance", "Jeune.provenance", "PARCOURS")]
    assert not seen.nominative


def test_the_administrator_sees_the_sources_and_nobody() -> None:
    seen = decision(ADMIN, "{ sources { nom etat } jeunes { edges { node { provenance { source } } } } }")
    assert seen.roots == {"sources"}
    assert refusal(seen) == [("jeunes", "Query.jeunes", "PARCOURS")]
    assert not seen.nominative


@pytest.mark.parametrize("profil", [DREETS, RESEAU, FT, Profil.ARML, FOR_ML])
def test_s5_the_state_of_a_system_is_refused_and_its_cfa_stays(profil: Profil | Viewer) -> None:
    for below in ("uai source { etat }", "source { nom latenceMs }"):
        seen = decision(profil, f'{{ cfa(uai: "0809001Z") {{ {below} }} }}')
        assert refusal(seen) == [("cfa.source", "Cfa.source", "TECHNIQUE")]
        assert nulls(seen) == {("cfa.source", "Cfa.source")}
        assert seen.roots == {"cfa"}
        assert not seen.nominative


def test_public_without_anybody() -> None:
    seen = decision(Profil.STATISTIQUES, '{ moi { profil } missionLocale(code: "59010") { nom } __typename }')
    assert seen.roots == {"moi", "missionLocale", "__typename"}
    assert not seen.nominative


@pytest.mark.parametrize(
    ("profil", "champ"),
    [
        (RESEAU, "ruptures(filtre: {etat: TRAITE}) { totalCount }"),
        (RESEAU, "ruptures(filtre: {prioritaire: false}) { totalCount }"),
        (RESEAU, "ruptures(tri: PRIORITE) { totalCount }"),
        (RESEAU, 'ruptures(filtre: {communes: ["59350"]}) { totalCount }'),
        (DREETS, 'jeunes(filtre: {communes: ["59350"]}) { totalCount }'),
        # The follow-up is read where a collaboration was asked: filtering by it would tell of the others.
        (CFA, "ruptures(filtre: {etat: TRAITE}) { totalCount }"),
        (CFA, "ruptures(tri: PRIORITE) { totalCount }"),
        # A priority may come from a disability, which a partner system does not read.
        (FOR_ML, "ruptures(tri: PRIORITE) { totalCount }"),
        (FOR_ML, "ruptures(filtre: {prioritaire: true}) { totalCount }"),
        (FOR_CFA, "ruptures(filtre: {etat: TRAITE}) { totalCount }"),
    ],
)
def test_a_refused_criterion_refuses_everything(profil: Profil | Viewer, champ: str) -> None:
    with pytest.raises(ArgumentRefused):
        decision(profil, f"{{ moi {{ profil }} {champ} }}")


@pytest.mark.parametrize(
    ("profil", "champ"),
    [
        (ML, "ruptures(filtre: {etat: TRAITE, prioritaire: true}, tri: PRIORITE) { totalCount }"),
        (RESEAU, "jeunes(tri: NOM_ASC) { totalCount }"),
        (RESEAU, "ruptures(filtre: {etat: null, statut: [RUPTURANT]}, tri: DATE_ASC) { totalCount }"),
        (FOR_ML, "ruptures(filtre: {etat: TRAITE}) { totalCount }"),
        (CFA, 'ruptures(filtre: {communes: ["59350"]}) { totalCount }'),
    ],
)
def test_a_readable_criterion_passes(profil: Profil | Viewer, champ: str) -> None:
    assert len(decision(profil, f"{{ {champ} }}").roots) == 1


@pytest.mark.parametrize(
    ("declaration", "usage", "variables"),
    [
        ("$f: FiltreRuptures", "filtre: $f", {"f": {"etat": "TRAITE"}}),
        ("$f: FiltreRuptures = {etat: TRAITE}", "filtre: $f", {}),
        ("$e: EtatTraitement", "filtre: {etat: $e}", {"e": "TRAITE"}),
        ("$t: TriRuptures! = PRIORITE", "tri: $t", {}),
    ],
)
def test_a_criterion_hidden_in_a_variable(declaration: str, usage: str, variables: dict[str, object]) -> None:
    partner_request = f"query ({declaration}) {{ ruptures({usage}) {{ totalCount }} }}"
    with pytest.raises(ArgumentRefused, match=r"^Le critère .* le profil TETE_DE_RESEAU ne la lit pas"):
        decision(RESEAU, partner_request, variables)


def test_an_absent_variable_is_no_criterion() -> None:
    partner_request = "query ($e: EtatTraitement) { ruptures(filtre: {etat: $e}) { totalCount } }"
    assert decision(RESEAU, partner_request).roots == {"ruptures"}


def test_criteria_are_coordinates() -> None:
    seen = decision(ML, "{ ruptures(filtre: {etat: TRAITE}, tri: PRIORITE) { totalCount } }")
    assert {"FiltreRuptures.etat", "TriRuptures.PRIORITE"} <= seen.coordinates


def test_without_a_finalite_what_names_people_waits() -> None:
    two = viewer(ML, Finalite.ACCOMPAGNEMENT, Finalite.PILOTAGE)
    assert decision(two, "{ moi { categories } }").roots == {"moi"}
    seen = decision(two, "{ moi { categories } jeunes { totalCount edges { node { nom } } } }")
    assert seen.roots == {"moi"}
    (refuses,) = seen.refusal
    assert field_refused(refuses.coordinate, refuses.categorie, two, POLICY) == (
        "Le champ jeunes demande la catégorie PARCOURS. Il faut déclarer la finalité ACCOMPAGNEMENT par X-Finalite."
    )


def test_another_finalite_opens_nothing() -> None:
    seen = decision(viewer(ML, Finalite.PILOTAGE), "{ jeunes { totalCount } }")
    assert seen.roots == frozenset()
    assert seen.categories == {CategorieDonnee.PUBLIQUE, CategorieDonnee.AGREGAT}


@pytest.mark.parametrize(
    ("finalites", "missing"),
    [
        ((Finalite.ACCOMPAGNEMENT,), "Aucune finalité ne l'ouvre à ce profil."),
        ((Finalite.PILOTAGE, Finalite.ACCOMPAGNEMENT), "Aucune finalité ne l'ouvre à ce profil."),
    ],
)
def test_a_refusal_tells_the_categorie_and_that_no_finalite_opens_it(
    finalites: tuple[Finalite, ...], missing: str
) -> None:
    ml = replace(viewer(ML, *finalites), finalite=Finalite.ACCOMPAGNEMENT)
    (refuses,) = decision(ml, '{ jeune(id: "secret") { nom national: ine } }').refusal
    assert field_refused(refuses.coordinate, refuses.categorie, ml, POLICY) == (
        "Le champ ine demande la catégorie IDENTIFIANT_NATIONAL, "
        f"que le profil MISSION_LOCALE ne lit pas pour la finalité ACCOMPAGNEMENT. {missing}"
    )


@pytest.mark.parametrize(
    ("finalites", "missing"),
    [
        ((Finalite.PILOTAGE,), "Il faudrait que le registre accorde à ce client la finalité ACCOMPAGNEMENT."),
        ((Finalite.PILOTAGE, Finalite.ACCOMPAGNEMENT), "Il faut déclarer la finalité ACCOMPAGNEMENT par X-Finalite."),
    ],
)
def test_a_refusal_tells_which_finalite_would_open_it(finalites: tuple[Finalite, ...], missing: str) -> None:
    ml = replace(viewer(ML, *finalites), finalite=Finalite.PILOTAGE)
    (refuses,) = decision(ml, "{ jeunes { totalCount } }").refusal
    assert field_refused(refuses.coordinate, refuses.categorie, ml, POLICY) == (
        "Le champ jeunes demande la catégorie PARCOURS, "
        f"que le profil MISSION_LOCALE ne lit pas pour la finalité PILOTAGE. {missing}"
    )


def test_a_refused_criterion_tells_what_is_missing() -> None:
    with pytest.raises(ArgumentRefused) as partial:
        decision(CFA, "{ ruptures(filtre: {etat: TRAITE}) { totalCount } }")
    assert str(partial.value) == (
        "Le critère filtre.etat demande la catégorie SUIVI pour toutes les personnes du périmètre : "
        "le profil CFA ne la lit que pour certaines."
    )
    with pytest.raises(ArgumentRefused, match=r"le profil DREETS ne la lit pas\. Aucune finalité ne l'ouvre"):
        decision(DREETS, '{ jeunes(filtre: {communes: ["59350"]}) { totalCount } }')


def _fan(niveau: str, depth: int) -> str:
    fragments = [niveau.replace("F+", f"F{i + 1}").replace("F=", f"F{i}") for i in range(depth)]
    return " ".join(['{ jeune(id: "1") { ...F0 } }', *fragments, f"fragment F{depth} on Jeune {{ telephone }}"])


def _decide_without_validating(partner_request: str) -> int:
    document = parse(partner_request)
    operation = get_operation_ast(document)
    assert operation is not None
    return len(decide(SCHEMA, document, operation, {}, viewer(RESEAU), POLICY).refusal)


def test_repeated_fragments_are_read_once() -> None:
    """F3: 2^60 paths when fragments are re-expanded; one path pattern, so one error."""
    niveau = "fragment F= on Jeune { nom contrats { jeune { ...F+ ...F+ } } contrats { jeune { ...F+ } } }"
    assert _decide_without_validating(_fan(niveau, 60)) == 1


def test_branching_aliases_are_stopped() -> None:
    niveau = "fragment F= on Jeune { nom a: contrats { jeune { ...F+ } } b: contrats { jeune { ...F+ } } }"
    with pytest.raises(TooCostlyRequest):
        _decide_without_validating(_fan(niveau, 60))


@pytest.mark.parametrize(
    ("declaration", "variables"),
    [
        ("$f: FiltreJeunes", {"f": "texte"}),
        ("$f: FiltreJeunes", {"f": 3}),
        ("$f: FiltreJeunes", {"f": {"nom": {"a": 1}}}),
        ("$f: FiltreJeunes", {"f": {"statut": {"a": 1}}}),
        ("$f: FiltreJeunes", {"f": {"statut": ["INCONNU"]}}),
    ],
)
def test_b11_variables_of_another_shape_are_left_for_the_validator_to_tell(
    declaration: str, variables: dict[str, object]
) -> None:
    """They are read before they are coerced: no input of a client is a failure of ours."""
    decision(Profil.MISSION_LOCALE, f"query ({declaration}) {{ jeunes(filtre: $f) {{ totalCount }} }}", variables)


def test_b11_an_order_that_does_not_exist_asks_for_nothing() -> None:
    text = "query ($t: TriJeunes!) { jeunes(tri: $t) { totalCount } }"
    assert decision(Profil.MISSION_LOCALE, text, {"t": "INCONNU"}).refusal == ()

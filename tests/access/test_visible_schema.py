"""The graph that introspection shows to each caller: what its register lets it read, and nothing else (docs/graphe.md)."""

from random import Random
from typing import Any

import pytest
from graphql import build_client_schema, get_introspection_query, get_named_type, is_object_type

from gateway.auth.authentication.clients import Viewer
from gateway.auth.authorization.visible_schema import VisibleSchemas
from gateway.auth.policy.rules import CategorieDonnee, Finalite, Profil
from tests.support.access.law import reads
from tests.support.access.operations import FIELDS, OPENINGS
from tests.support.access.small_world import CALLERS, SmallWorld, caller, draw_from, reader
from tests.support.access.tools import POLICY, SCHEMA, decision, viewer

pytestmark = pytest.mark.anyio

SHAPES = VisibleSchemas(SCHEMA, POLICY)
OF_RUPTURES = ("DATE_DESC", "DATE_ASC", "SIGNALEE_DESC", "SIGNALEE_ASC", "NOM_ASC", "NOM_DESC", "AGE_ASC", "AGE_DESC")
BY_CHANGE = ("MODIFIE_DESC", "MODIFIE_ASC")
OF_NOBODY = {Profil.ARML, Profil.REGION, Profil.OPCO, Profil.STATISTIQUES, Profil.ADMINISTRATEUR}
OF_MISSION_LOCALE, OF_CFA = ("noterSuivi", "repondreAccompagnement"), ("demanderAccompagnement", "declarerRupture")
WRITERS = {  # who acts as whom, for what: what may be written (docs/ecritures.md)
    (Profil.MISSION_LOCALE, Profil.MISSION_LOCALE, Finalite.ACCOMPAGNEMENT): OF_MISSION_LOCALE,
    (Profil.SI_PARTENAIRE, Profil.MISSION_LOCALE, Finalite.ACCOMPAGNEMENT): OF_MISSION_LOCALE,
    (Profil.CFA, Profil.CFA, Finalite.GESTION_CFA): OF_CFA,
    (Profil.SI_PARTENAIRE, Profil.CFA, Finalite.GESTION_CFA): OF_CFA,
}
TYPE = "{ __type(name: %s) { name fields { name } inputFields { name } enumValues { name } } }"


def _names(who: Viewer, type_: str) -> set[str]:
    seen: Any = SHAPES.for_viewer(who).get_type(type_)
    return set(seen.fields if hasattr(seen, "fields") else seen.values if seen else ())


@pytest.mark.parametrize("who", CALLERS, ids=lambda who: f"{who.profil.value}-{who.finalite}")
def test_g09_each_caller_sees_the_fields_that_the_oracle_lets_it_read(who: Viewer) -> None:
    facts = reader(who)

    def lit(categorie: str | None) -> bool:
        return any(reads(facts.under(one), None, categorie) for one in facts.finalites)

    for noun, ouverture in OPENINGS.items():
        visible = {champ for champ, (categorie, _) in FIELDS[noun].items() if lit(categorie)}
        assert _names(who, noun) == (visible if lit(ouverture) else set()), noun
    expected = {"moi", "node", "cfa", "missionLocale", "cfas", "communes", "missionsLocales"}
    expected |= {"sources", "transmissions"} if lit("TECHNIQUE") else set()
    expected |= {"statistiques"} if lit("AGREGAT") else set()
    for noun, ouverture in OPENINGS.items():
        expected |= {noun.lower(), f"{noun.lower()}s"} if lit(ouverture) else set()
    expected |= {"rechercheJeune", "evenements"} if lit("PARCOURS") else set()
    expected |= {"inscritsSansContrat"} if lit("SANS_CONTRAT") else set()
    acts = {field for one in who.finalites for field in WRITERS.get((who.profil, who.perimetre.profil, one), ())}
    expected |= {"ecritures"} if acts else set()
    assert _names(who, "Query") == expected
    assert _names(who, "Mutation") == acts | ({"reprendreEcriture", "abandonnerEcriture"} if acts else set())


@pytest.mark.parametrize(
    ("profil", "type_", "awaited"),
    [
        ("MISSION_LOCALE", "TriRuptures", {*OF_RUPTURES, *BY_CHANGE, "PRIORITE"}),
        ("SI_PARTENAIRE", "TriRuptures", {*OF_RUPTURES}),
        ("FRANCE_TRAVAIL", "TriRuptures", set()),
        # Without the ruptures, no order by them; without provenance, none by what changed.
        ("DREETS", "TriJeunes", {"STATUT_RECENT", "STATUT_ANCIEN", "NOM_ASC", "NOM_DESC", "AGE_ASC", "AGE_DESC"}),
        ("DREETS", "FiltreJeunes", {"statut", "cfa", "nom", "recherche"}),
        ("CFA", "FiltreContrats", {"debutDepuis", "debutJusqua", "cfa", "rompus", "recherche", "modifieDepuis"}),
        ("FRANCE_TRAVAIL", "FiltreJeunes", {"statut", "cfa", "nom", "communes", "recherche"}),
        ("TETE_DE_RESEAU", "FiltreRuptures", {"depuis", "jusqua", "cfa", "statut", "ageMax", "mineur", "recherche"}),
        # The follow-up is read of some people only: a field to read, no criterion to sort people by.
        ("CFA", "TriRuptures", {*OF_RUPTURES, *BY_CHANGE}),
        ("ARML", "Jeune", set()),
        ("ADMINISTRATEUR", "Jeune", set()),
    ],
)
def test_filters_and_sort_keys_are_those_that_would_not_be_refused(profil: str, type_: str, awaited: set[str]) -> None:
    assert _names(viewer(Profil(profil)), type_) == awaited


def test_several_purposes_show_what_any_of_them_opens() -> None:
    two = viewer(Profil.MISSION_LOCALE, Finalite.ACCOMPAGNEMENT, Finalite.PILOTAGE)
    assert _names(two, "Jeune") == _names(viewer(Profil.MISSION_LOCALE), "Jeune")
    assert _names(viewer(Profil.MISSION_LOCALE, Finalite.PILOTAGE), "Jeune") == set()
    other_order = viewer(Profil.MISSION_LOCALE, Finalite.PILOTAGE, Finalite.ACCOMPAGNEMENT)
    assert SHAPES.for_viewer(two) is SHAPES.for_viewer(other_order)


@pytest.mark.parametrize("profil", list(Profil))
def test_whatever_is_shown_may_be_asked(profil: Profil) -> None:
    shape = SHAPES.for_viewer(viewer(profil))
    assert (shape.get_type("Jeune") is None) is (profil in OF_NOBODY)
    for noun, root in (("Jeune", "jeune"), ("Contrat", "contrat"), ("Rupture", "rupture")):
        type_ = shape.get_type(noun)
        for name, champ in type_.fields.items() if is_object_type(type_) else ():
            below = " { __typename }" if is_object_type(get_named_type(champ.type)) else ""
            assert decision(profil, f'{{ {root}(id: "1") {{ {name}{below} }} }}').refusal == (), (profil, noun, name)


async def _request(who: Viewer, partner_request: str, **variables: Any) -> Any:
    return (await SmallWorld([]).request(who, partner_request, **variables))["data"]


@pytest.mark.parametrize("who", CALLERS, ids=lambda who: f"{who.profil.value}-{who.finalite}")
async def test_graphiql_can_build_the_graph_of_each_caller(who: Viewer) -> None:
    """The query of GraphiQL, without its depth: the answer is a whole schema."""
    response = await SmallWorld([]).request(
        who, get_introspection_query(specified_by_url=True, input_value_deprecation=True)
    )
    assert "errors" not in response
    client = build_client_schema(response["data"])
    assert client.query_type is not None
    assert set(client.query_type.fields) == _names(who, "Query")


async def test_g09_aliases_fragments_variables_and_data_beside() -> None:
    dreets = caller("DREETS", "32")
    partner_request = """
    query ($nom: String!) {
      avant: moi { profil } ...M apres: missionLocale(code: "60001") { nom }
      jeunes { edges { node { nom rqth } } }
    }
    fragment M on Query { s: __schema { queryType { fields { name } } } t: __type(name: $nom) { ...T } }
    fragment T on __Type { name fields { name } } """
    data = await _request(dreets, partner_request, nom="Jeune")
    assert list(data) == ["avant", "s", "t", "apres", "jeunes"]
    assert data["avant"] == {"profil": "DREETS"}
    assert "rqth" not in {champ["name"] for champ in data["t"]["fields"]}
    assert {champ["name"] for champ in data["s"]["queryType"]["fields"]} == _names(dreets, "Query")
    assert data["apres"] == {"nom": "Mission locale 60001"}


async def test_a_variable_of_a_type_that_is_not_shown_does_no_harm() -> None:
    partner_request = (
        "query ($f: FiltreRuptures) { __schema { queryType { name } } ruptures(filtre: $f) { totalCount } }"
    )
    assert await _request(caller("DREETS", "32"), partner_request, f={"etat": "TRAITE"}) == {
        "__schema": {"queryType": {"name": "Query"}},
        "ruptures": None,
    }


async def test_g10_what_is_not_shown_and_what_does_not_exist_are_the_same() -> None:
    world = SmallWorld([])
    dreets = caller("DREETS", "32")
    shown = [
        await world.request(dreets, TYPE % f'"{name}"') for name in ("Rupture", "TriRuptures", "Employeur", "Rupturee")
    ]
    assert [seen["data"] for seen in shown] == [{"__type": None}] * 4
    assert not any("errors" in seen for seen in shown)


async def test_g10_a_refused_field_is_refused_and_an_unknown_one_unknown_without_suggestion() -> None:
    world = SmallWorld([])
    dreets = caller("DREETS", "32")
    refuses = await world.request(dreets, '{ jeune(id: "1") { nom rqth } }')
    assert [e["extensions"]["code"] for e in refuses["errors"]] == ["CHAMP_REFUSE"]
    for champ in ("rqthh", "employeurs", "__rqth"):
        unknown = await world.request(dreets, f'{{ jeune(id: "1") {{ {champ} }} }}')
        assert [e["message"] for e in unknown["errors"]] == [
            f"Champ inconnu : {champ} sur Jeune. (ligne 1, colonne 20)"
        ]
        assert "data" not in unknown


async def test_a_prober_with_the_whole_vocabulary_obtains_no_value() -> None:
    """Every word of the graph, asked as a field of every noun by who reads none: no value, no suggestion."""
    world, arml = SmallWorld(draw_from(Random(2), 8)), caller("ARML", "32")
    words = sorted({champ for type_ in SCHEMA.type_map.values() for champ in getattr(type_, "fields", ())})
    for word in words:
        for root in ('jeune(id: "1")', "jeunes { edges { node", "ruptures { edges { node"):
            partner_request = f"{{ {root} {{ {word} }} {'} }' if 'edges' in root else ''} }}"
            response = await world.request(arml, partner_request)
            assert not any((response.get("data") or {}).values()), partner_request
            assert not any("mean" in e["message"] for e in response["errors"]), partner_request
    assert world.sources.requests == []


@pytest.mark.parametrize(
    ("profil", "arguments"), [("MISSION_LOCALE", {"id", "numero"}), ("CFA", {"id", "numero"}), ("DREETS", None)]
)
def test_the_arguments_of_a_look_up_are_shown_to_who_may_use_them(profil: str, arguments: set[str] | None) -> None:
    query: Any = SHAPES.for_viewer(viewer(Profil(profil))).query_type
    found = query.fields.get("contrat")
    assert (found and set(found.args)) == arguments


def test_an_argument_of_what_is_read_of_some_only_is_not_shown() -> None:
    """Contracts opened under a condition: to be read, and no criterion to choose people by, be it a number looked up."""
    own, asked = (row for row in POLICY.regle if Profil.CFA in row.profils)
    some = own.model_copy(update={"categories": own.categories - {CategorieDonnee.CONTRAT}})
    more = asked.model_copy(update={"categories": asked.categories | {CategorieDonnee.CONTRAT}})
    rows = tuple({id(own): some, id(asked): more}.get(id(row), row) for row in POLICY.regle)
    shapes = VisibleSchemas(SCHEMA, POLICY.model_copy(update={"regle": rows}))
    query: Any = shapes.for_viewer(viewer(Profil.CFA)).query_type
    assert set(query.fields["contrat"].args) == {"id"}
    orders: Any = shapes.for_viewer(viewer(Profil.CFA)).get_type("TriContrats")
    assert "DEBUT_ASC" not in (orders.values if orders else {})

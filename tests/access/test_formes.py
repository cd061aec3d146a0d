"""The graph that introspection shows to each caller: what its register lets it read, and nothing else (ANSWERS 14)."""

from random import Random
from typing import Any

import pytest
from graphql import build_client_schema, get_introspection_query, get_named_type, is_object_type

from gateway.auth.formes import Formes
from gateway.auth.rules import Finalite, Profil
from gateway.auth.viewer import Viewer
from tests.access.operations import CHAMPS, OUVERTURES
from tests.access.oracle import oracle_decide
from tests.access.outils import POLITIQUE, SCHEMA, decision, viewer
from tests.access.petit_monde import APPELANTS, PetitMonde, appelant, lecteur, tirer

pytestmark = pytest.mark.anyio

FORMES = Formes(SCHEMA, POLITIQUE)
TYPE = "{ __type(name: %s) { name fields { name } inputFields { name } enumValues { name } } }"


def _noms(qui: Viewer, type_: str) -> set[str]:
    vu: Any = FORMES.pour(qui).get_type(type_)
    return set(vu.fields if hasattr(vu, "fields") else vu.values if vu else ())


@pytest.mark.parametrize("qui", APPELANTS, ids=lambda qui: f"{qui.profil.value}-{qui.finalite}")
def test_g09_each_caller_sees_the_fields_that_the_oracle_lets_it_read(qui: Viewer) -> None:
    faits = lecteur(qui)

    def lit(categorie: str | None) -> bool:
        return any(oracle_decide({**faits, "finalite": une}, None, categorie) for une in faits["finalites"])

    for noun, ouverture in OUVERTURES.items():
        visibles = {champ for champ, (categorie, _) in CHAMPS[noun].items() if lit(categorie)}
        assert _noms(qui, noun) == (visibles if lit(ouverture) else set()), noun
    attendues = {"moi", "node", "cfa", "missionLocale"} | ({"sources"} if lit("TECHNIQUE") else set())
    for noun, ouverture in OUVERTURES.items():
        attendues |= {noun.lower(), f"{noun.lower()}s"} if lit(ouverture) else set()
    attendues |= {"rechercheJeune"} if lit("PARCOURS") else set()
    assert _noms(qui, "Query") == attendues


@pytest.mark.parametrize(
    ("profil", "type_", "attendus"),
    [
        ("MISSION_LOCALE", "TriRuptures", {"DATE_DESC", "DATE_ASC", "PRIORITE"}),
        ("SI_PARTENAIRE", "TriRuptures", {"DATE_DESC", "DATE_ASC"}),
        ("FRANCE_TRAVAIL", "TriRuptures", set()),
        ("DREETS", "FiltreJeunes", {"statut", "cfa", "nom"}),
        ("FRANCE_TRAVAIL", "FiltreJeunes", {"statut", "cfa", "nom", "communes"}),
        ("TETE_DE_RESEAU", "FiltreRuptures", {"depuis", "jusqua", "cfa", "statut", "ageMax", "mineur"}),
        # The follow-up is read of some people only: a field to read, no criterion to sort people by.
        ("CFA", "TriRuptures", {"DATE_DESC", "DATE_ASC"}),
        ("ARML", "Jeune", set()),
        ("ADMINISTRATEUR", "Jeune", set()),
    ],
)
def test_filters_and_sort_keys_are_those_that_would_not_be_refused(profil: str, type_: str, attendus: set[str]) -> None:
    assert _noms(viewer(Profil(profil)), type_) == attendus


def test_several_purposes_show_what_any_of_them_opens() -> None:
    deux = viewer(Profil.MISSION_LOCALE, Finalite.ACCOMPAGNEMENT, Finalite.PILOTAGE)
    assert _noms(deux, "Jeune") == _noms(viewer(Profil.MISSION_LOCALE), "Jeune")
    assert _noms(viewer(Profil.MISSION_LOCALE, Finalite.PILOTAGE), "Jeune") == set()
    autre_ordre = viewer(Profil.MISSION_LOCALE, Finalite.PILOTAGE, Finalite.ACCOMPAGNEMENT)
    assert FORMES.pour(deux) is FORMES.pour(autre_ordre)


@pytest.mark.parametrize("profil", list(Profil))
def test_whatever_is_shown_may_be_asked(profil: Profil) -> None:
    forme = FORMES.pour(viewer(profil))
    for noun, racine in (("Jeune", "jeune"), ("Contrat", "contrat"), ("Rupture", "rupture")):
        type_ = forme.get_type(noun)
        for nom, champ in type_.fields.items() if is_object_type(type_) else ():
            dessous = " { __typename }" if is_object_type(get_named_type(champ.type)) else ""
            assert decision(profil, f'{{ {racine}(id: "1") {{ {nom}{dessous} }} }}').refus == (), (profil, noun, nom)


async def _demander(qui: Viewer, requete: str, **variables: Any) -> Any:
    return (await PetitMonde([]).demander(qui, requete, **variables))["data"]


@pytest.mark.parametrize("qui", APPELANTS, ids=lambda qui: f"{qui.profil.value}-{qui.finalite}")
async def test_graphiql_can_build_the_graph_of_each_caller(qui: Viewer) -> None:
    """The query of GraphiQL, without its depth: the answer is a whole schema."""
    reponse = await PetitMonde([]).demander(
        qui, get_introspection_query(specified_by_url=True, input_value_deprecation=True)
    )
    assert "errors" not in reponse
    client = build_client_schema(reponse["data"])
    assert client.query_type is not None
    assert set(client.query_type.fields) == _noms(qui, "Query")


async def test_g09_aliases_fragments_variables_and_data_beside() -> None:
    dreets = appelant("DREETS", "32")
    requete = """
    query ($nom: String!) {
      avant: moi { profil } ...M apres: missionLocale(code: "60001") { nom }
      jeunes { edges { node { nom rqth } } }
    }
    fragment M on Query { s: __schema { queryType { fields { name } } } t: __type(name: $nom) { ...T } }
    fragment T on __Type { name fields { name } } """
    data = await _demander(dreets, requete, nom="Jeune")
    assert list(data) == ["avant", "s", "t", "apres", "jeunes"]
    assert data["avant"] == {"profil": "DREETS"}
    assert "rqth" not in {champ["name"] for champ in data["t"]["fields"]}
    assert {champ["name"] for champ in data["s"]["queryType"]["fields"]} == _noms(dreets, "Query")
    assert data["apres"] == {"nom": "Mission locale 60001"}


async def test_a_variable_of_a_type_that_is_not_shown_does_no_harm() -> None:
    requete = "query ($f: FiltreRuptures) { __schema { queryType { name } } ruptures(filtre: $f) { totalCount } }"
    assert await _demander(appelant("DREETS", "32"), requete, f={"etat": "TRAITE"}) == {
        "__schema": {"queryType": {"name": "Query"}},
        "ruptures": None,
    }


async def test_g10_what_is_not_shown_and_what_does_not_exist_are_the_same() -> None:
    monde = PetitMonde([])
    dreets = appelant("DREETS", "32")
    vus = [
        await monde.demander(dreets, TYPE % f'"{nom}"') for nom in ("Rupture", "TriRuptures", "Employeur", "Rupturee")
    ]
    assert [vu["data"] for vu in vus] == [{"__type": None}] * 4
    assert not any("errors" in vu for vu in vus)


async def test_g10_a_refused_field_is_refused_and_an_unknown_one_unknown_without_suggestion() -> None:
    monde = PetitMonde([])
    dreets = appelant("DREETS", "32")
    refuse = await monde.demander(dreets, '{ jeune(id: "1") { nom rqth } }')
    assert [e["extensions"]["code"] for e in refuse["errors"]] == ["CHAMP_REFUSE"]
    for champ in ("rqthh", "employeurs", "__rqth"):
        inconnu = await monde.demander(dreets, f'{{ jeune(id: "1") {{ {champ} }} }}')
        assert [e["message"] for e in inconnu["errors"]] == [
            f"Champ inconnu : {champ} sur Jeune. (ligne 1, colonne 20)"
        ]
        assert "data" not in inconnu


async def test_a_prober_with_the_whole_vocabulary_obtains_no_value() -> None:
    """Every word of the graph, asked as a field of every noun by who reads none: no value, no suggestion."""
    monde, arml = PetitMonde(tirer(Random(2), 8)), appelant("ARML", "32")
    mots = sorted({champ for type_ in SCHEMA.type_map.values() for champ in getattr(type_, "fields", ())})
    for mot in mots:
        for racine in ('jeune(id: "1")', "jeunes { edges { node", "ruptures { edges { node"):
            requete = f"{{ {racine} {{ {mot} }} {'} }' if 'edges' in racine else ''} }}"
            reponse = await monde.demander(arml, requete)
            assert not any((reponse.get("data") or {}).values()), requete
            assert not any("mean" in e["message"] for e in reponse["errors"]), requete
    assert monde.sources.demandes == []

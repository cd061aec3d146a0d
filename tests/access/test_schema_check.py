"""A coordinate without a rule, or a rule without effect, stops the start (docs/graphe.md, Droits, docs/security.md A12)."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLString,
)

from gateway.auth.policy.criteria_check import rule_of, unruled_criteria
from gateway.auth.policy.policy import FILE, read_policy
from gateway.auth.policy.rules import (
    ABOUT,
    ANY_OF,
    CATEGORIE,
    DERIVATION,
    OPENED_BY,
    PATHS_TO,
    SIZE,
    CategorieDonnee,
    Derivation,
    categorie,
    required_by_value,
)
from gateway.auth.policy.schema_check import check_schema
from gateway.errors import ConfigurationError
from gateway.schema import query
from gateway.schema.connections import PageInfo
from gateway.schema.nouns import Contrat, Statut
from gateway.schema.orders import TriContrats, TriJeunes
from gateway.schema.organisations import Commune, Source
from tests.support.access.tools import POLICY


def new_schema() -> GraphQLSchema:
    """One that a test may change."""
    return query.core_schema(query.build.__wrapped__())


def test_the_delivered_schema_is_governed() -> None:
    check_schema(new_schema(), POLICY)


def _field(type_: str, nom: str, champ: GraphQLField) -> Callable[[GraphQLSchema], None]:
    def put(schema: GraphQLSchema) -> None:
        schema.type_map[type_].fields[nom] = champ  # type: ignore[attr-defined]

    return put


def _as(model: str, retype: Callable[[Any], Any]) -> Callable[[GraphQLSchema], None]:
    """Changes the type of a field and keeps its rule."""

    def put(schema: GraphQLSchema) -> None:
        type_, _, name = model.partition(".")
        champ = schema.type_map[type_].fields[name]  # type: ignore[attr-defined]
        champ.type = retype(champ.type)

    return put


def _towards(type_: str, nom: str, target: str) -> Callable[[GraphQLSchema], None]:
    """A field without a rule that leads to a noun."""

    def put(schema: GraphQLSchema) -> None:
        champ = GraphQLField(schema.type_map[target])  # type: ignore[arg-type]
        schema.type_map[type_].fields[nom] = champ  # type: ignore[attr-defined]

    return put


def _filter_without_rule(schema: GraphQLSchema) -> None:
    filtre = schema.type_map["FiltreJeunes"]
    filtre.fields["rqth"] = GraphQLInputField(GraphQLBoolean)  # type: ignore[attr-defined]


def _sort_value(schema: GraphQLSchema) -> None:
    order = schema.type_map["TriJeunes"]
    order.values["RQTH"] = order.values["NOM_ASC"]  # type: ignore[attr-defined]


def _new_order(schema: GraphQLSchema) -> None:
    order = GraphQLArgument(GraphQLEnumType("TriEmployeurs", {"EMPLOYEUR": None}))
    schema.type_map["Query"].fields["contrats"].args["tri"] = order  # type: ignore[attr-defined]


def _free_argument(schema: GraphQLSchema) -> None:
    champs = schema.type_map["Query"].fields  # type: ignore[attr-defined]
    champs["jeunes"].args["telephone"] = GraphQLArgument(GraphQLString)


def _drift(coordinate: str, derivation: Derivation | None) -> Callable[[GraphQLSchema], None]:
    def put(schema: GraphQLSchema) -> None:
        type_, _, name = coordinate.partition(".")
        champ = schema.type_map[type_].fields[name]  # type: ignore[attr-defined]
        rules = {CATEGORIE: categorie(champ), DERIVATION: derivation}
        champ.extensions = {"strawberry-definition": SimpleNamespace(metadata=rules)}

    return put


def _written(coordinate: str, key: str, value: object) -> Callable[[GraphQLSchema], None]:
    """Changes one fact beside a field."""

    def put(schema: GraphQLSchema) -> None:
        type_, _, name = coordinate.partition(".")
        champ = schema.type_map[type_].fields[name]  # type: ignore[attr-defined]
        facts = {**champ.extensions["strawberry-definition"].metadata, key: value}
        champ.extensions = {"strawberry-definition": SimpleNamespace(metadata=facts)}

    return put


def _filter(
    about: tuple[str, ...], asked: CategorieDonnee = CategorieDonnee.IDENTITE
) -> Callable[[GraphQLSchema], None]:
    def put(schema: GraphQLSchema) -> None:
        champ = schema.type_map["FiltreJeunes"].fields["nom"]  # type: ignore[attr-defined]
        rules = {CATEGORIE: asked, ABOUT: about}
        champ.extensions = {"strawberry-definition": SimpleNamespace(metadata=rules)}

    return put


def _without_priorite(schema: GraphQLSchema) -> None:
    del schema.type_map["TriRuptures"].values["PRIORITE"]  # type: ignore[attr-defined]


def _rule_on_the_interface(schema: GraphQLSchema) -> None:
    champs = schema.type_map["Node"].fields  # type: ignore[attr-defined]
    champs["nom"] = schema.type_map["Jeune"].fields["nom"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_field("Jeune", "nir", GraphQLField(GraphQLString)), "Jeune.nir n'a pas de catégorie"),
        (_field("Contrat", "salaire", GraphQLField(GraphQLString)), "Contrat.salaire n'a pas de catégorie"),
        (_field("Rupture", "faute", GraphQLField(GraphQLString)), "Rupture.faute n'a pas de catégorie"),
        (_field("Query", "tout", GraphQLField(GraphQLString)), "Query.tout n'a pas de catégorie"),
        (_as("Jeune.nom", GraphQLNonNull), "Jeune.nom est gouverné et ne peut pas être nul"),
        (_as("Query.jeunes", GraphQLNonNull), "Query.jeunes est gouverné et ne peut pas être nul"),
        (
            _towards("Cfa", "apprentis", "Jeune"),
            "Cfa.apprentis (PUBLIQUE) mène à Jeune, que PARCOURS ou SANS_CONTRAT ouvre",
        ),
        (
            _towards("MissionLocale", "ruptures", "RuptureConnection"),
            "MissionLocale.ruptures (PUBLIQUE) mène à RuptureConnection, que RUPTURE ouvre",
        ),
        (_towards("Commune", "source", "Source"), "Commune.source (PUBLIQUE) mène à Source, que TECHNIQUE ouvre"),
        (_towards("Territoire", "suivi", "Suivi"), "Territoire.suivi (PUBLIQUE) mène à Suivi, que SUIVI ouvre"),
        (
            _towards("Statut", "employeur", "Employeur"),
            "Statut.employeur (PARCOURS) mène à Employeur, que CONTRAT ouvre",
        ),
        (
            _field("Cfa", "etat", GraphQLField(GraphQLObjectType("Etat", {"mot": GraphQLField(GraphQLString)}))),
            "Etat ne dit ni qu'il est un référentiel, ni quelle catégorie mène à lui",
        ),
        (
            _filter(("Rupture.cause",), CategorieDonnee.COLLABORATION),
            "FiltreJeunes.nom regarde Rupture.cause, qui peut n'être lu que sous condition",
        ),
        (_filter_without_rule, "FiltreJeunes.rqth n'a pas de catégorie"),
        (_sort_value, "TriJeunes.RQTH n'a pas de catégorie"),
        (_new_order, "Query.contrats(tri:) n'a pas de catégorie"),
        (_free_argument, "Query.jeunes(telephone:) n'a pas de catégorie"),
        (
            _drift("Jeune.age", Derivation(("Jeune.dateNaissance",))),
            "Jeune.age dérive de Jeune.dateNaissance, d'une autre",
        ),
        (
            _drift("Jeune.age", Derivation(("Jeune.nir",), "pour voir")),
            "Jeune.age dérive de Jeune.nir, qui n'existe pas",
        ),
        (
            _drift("Jeune.age", Derivation(("Jeune.statut",), "pour voir")),
            "Jeune.age donne une raison que rien ne demande",
        ),
        (_filter(()), "FiltreJeunes.nom ne dit pas quels champs il regarde"),
        (_filter(("Jeune.telephone",)), "FiltreJeunes.nom regarde Jeune.telephone sans exiger CONTACT"),
        (_filter(("Jeune.nir",)), "FiltreJeunes.nom regarde Jeune.nir, qui n'existe pas"),
        (_without_priorite, "TriRuptures.PRIORITE n'existe pas"),
        (_written("Jeune.contrats", SIZE, None), "Jeune.contrats ne dit pas combien d'éléments son coût compte"),
        (_written("Rupture.provenance", SIZE, 7), "Rupture.provenance compte 7 éléments, une autre liste de ce nom 20"),
        (_written("Rupture.prioritaire", ANY_OF, None), "Rupture.motifsPriorite : rien ne dit s'il en reste (any_of)"),
        (_written("Rupture.prioritaire", ANY_OF, "cause"), "Rupture.cause : rien ne dit s'il en reste (any_of)"),
        (_rule_on_the_interface, "Node.nom : règle sur une interface"),
    ],
)
def test_a_flaw_stops_the_startup(change: Callable[[GraphQLSchema], None], told: str) -> None:
    schema = new_schema()
    change(schema)
    with pytest.raises(ConfigurationError) as raised:
        check_schema(schema, POLICY)
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_node_that_no_rule_opens_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(Contrat, OPENED_BY)
    with pytest.raises(ConfigurationError, match="Contrat n'a pas de règle d'ouverture"):
        check_schema(new_schema(), POLICY)


@pytest.mark.parametrize("type_", [Source, Statut, Commune, PageInfo])
def test_s5_a_type_that_does_not_declare_itself_stops_the_start(type_: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(type_, PATHS_TO)
    with pytest.raises(ConfigurationError, match=f"{type_.__name__} ne dit ni qu'il est un référentiel"):
        check_schema(new_schema(), POLICY)


def test_s5_a_type_reached_by_a_governed_field_and_a_free_one_stops_the_start() -> None:
    """The finding itself: the rule of Cfa.source taken off, the state of a system is public by that edge."""
    schema = new_schema()
    _written("Cfa.source", CATEGORIE, None)(schema)
    with pytest.raises(ConfigurationError, match=r"Cfa\.source \(PUBLIQUE\) mène à Source, que TECHNIQUE ouvre"):
        check_schema(schema, POLICY)


def test_a_sort_key_that_asks_for_nothing_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TriJeunes.NOM_ASC, "asks", frozenset())
    with pytest.raises(ConfigurationError, match=r"TriJeunes\.NOM_ASC n'a pas de catégorie"):
        check_schema(new_schema(), POLICY)


def test_a_free_field_may_lead_where_its_rule_leads_already() -> None:
    schema = new_schema()
    _towards("Employeur", "contrat", "Contrat")(schema)  # reached by Contrat.employeur only, which CONTRAT rules
    check_schema(schema, POLICY)


def test_a_governed_non_null_list_is_refused() -> None:
    schema = new_schema()
    _as("Jeune.contrats", lambda type_: GraphQLNonNull(GraphQLList(type_)))(schema)
    with pytest.raises(ConfigurationError, match=r"Jeune\.contrats est gouverné"):
        check_schema(schema, POLICY)


def test_a_categorie_that_nobody_reads(tmp_path: Path) -> None:
    text = FILE.read_text(encoding="utf-8").replace('"REPRESENTANT",', "")
    path = tmp_path / "policy.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="personne ne lit la catégorie REPRESENTANT"):
        check_schema(new_schema(), read_policy(path))


@pytest.mark.parametrize(
    ("coordinate", "rule"),
    [
        ("Jeune.nom", CategorieDonnee.IDENTITE),
        ("Jeune.nir", None),
        ("Inconnu.nom", None),
        ("TriJeunes.NOM_ASC", None),
        ("FiltreJeunes.nom", None),
        ("Jeune", None),
    ],
)
def test_a_rule_is_that_of_a_field_of_an_object(coordinate: str, rule: CategorieDonnee | None) -> None:
    assert rule_of(new_schema(), coordinate) is rule


@pytest.mark.parametrize("value", [TriJeunes.NOM_ASC, "NOM_ASC"])
def test_an_order_asks_for_what_it_tells_however_its_value_comes(value: object) -> None:
    """A literal is a text, a variable once coerced a member: either is refused to who reads no name."""
    assert required_by_value("TriJeunes", value) == ("TriJeunes.NOM_ASC", frozenset({CategorieDonnee.IDENTITE}))
    assert required_by_value("StatutApprenant", "INSCRIT") == ("StatutApprenant.INSCRIT", frozenset())


def test_an_order_that_the_graph_has_not_is_told_line_by_line() -> None:
    schema = new_schema()
    del schema.type_map["TriContrats"]
    told = list(unruled_criteria(schema))
    assert told == sorted(f"TriContrats.{order.name} n'existe pas" for order in TriContrats)

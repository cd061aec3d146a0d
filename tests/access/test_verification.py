"""A coordinate without a rule, or a rule without effect, stops the start (ANSWERS 12, SECURITY A12)."""

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
    GraphQLSchema,
    GraphQLString,
)

from gateway.auth.coordonnees import categorie
from gateway.auth.politique import FICHIER, lire_politique
from gateway.auth.rules import ANY_OF, CATEGORIE, DERIVATION, OPENED_BY, SIZE, SUR, CategorieDonnee, Derivation
from gateway.auth.verification import verifier_schema
from gateway.errors import ErreurConfiguration
from gateway.schema.build import construire, graphe
from gateway.schema.filtres import TriJeunes
from gateway.schema.nouns import Contrat
from tests.access.outils import POLITIQUE


def test_le_schema_livre_est_gouverne() -> None:
    verifier_schema(graphe(construire()), POLITIQUE)


def _champ(type_: str, nom: str, champ: GraphQLField) -> Callable[[GraphQLSchema], None]:
    def poser(schema: GraphQLSchema) -> None:
        schema.type_map[type_].fields[nom] = champ  # type: ignore[attr-defined]

    return poser


def _comme(modele: str, retype: Callable[[Any], Any]) -> Callable[[GraphQLSchema], None]:
    """Changes the type of a field and keeps its rule."""

    def poser(schema: GraphQLSchema) -> None:
        type_, _, nom = modele.partition(".")
        champ = schema.type_map[type_].fields[nom]  # type: ignore[attr-defined]
        champ.type = retype(champ.type)

    return poser


def _vers(type_: str, nom: str, cible: str) -> Callable[[GraphQLSchema], None]:
    """A field without a rule that leads to a noun."""

    def poser(schema: GraphQLSchema) -> None:
        champ = GraphQLField(schema.type_map[cible])  # type: ignore[arg-type]
        schema.type_map[type_].fields[nom] = champ  # type: ignore[attr-defined]

    return poser


def _filtre_sans_regle(schema: GraphQLSchema) -> None:
    filtre = schema.type_map["FiltreJeunes"]
    filtre.fields["rqth"] = GraphQLInputField(GraphQLBoolean)  # type: ignore[attr-defined]


def _valeur_de_tri(schema: GraphQLSchema) -> None:
    ordre = schema.type_map["TriJeunes"]
    ordre.values["RQTH"] = ordre.values["NOM_ASC"]  # type: ignore[attr-defined]


def _nouvel_ordre(schema: GraphQLSchema) -> None:
    ordre = GraphQLArgument(GraphQLEnumType("TriContrats", {"EMPLOYEUR": None}))
    schema.type_map["Query"].fields["contrats"].args["tri"] = ordre  # type: ignore[attr-defined]


def _argument_libre(schema: GraphQLSchema) -> None:
    champs = schema.type_map["Query"].fields  # type: ignore[attr-defined]
    champs["jeunes"].args["telephone"] = GraphQLArgument(GraphQLString)


def _derive(coordonnee: str, derivation: Derivation | None) -> Callable[[GraphQLSchema], None]:
    def poser(schema: GraphQLSchema) -> None:
        type_, _, nom = coordonnee.partition(".")
        champ = schema.type_map[type_].fields[nom]  # type: ignore[attr-defined]
        regles = {CATEGORIE: categorie(champ), DERIVATION: derivation}
        champ.extensions = {"strawberry-definition": SimpleNamespace(metadata=regles)}

    return poser


def _written(coordonnee: str, key: str, value: object) -> Callable[[GraphQLSchema], None]:
    """Changes one fact beside a field."""

    def poser(schema: GraphQLSchema) -> None:
        type_, _, nom = coordonnee.partition(".")
        champ = schema.type_map[type_].fields[nom]  # type: ignore[attr-defined]
        facts = {**champ.extensions["strawberry-definition"].metadata, key: value}
        champ.extensions = {"strawberry-definition": SimpleNamespace(metadata=facts)}

    return poser


def _filtre(sur: tuple[str, ...]) -> Callable[[GraphQLSchema], None]:
    def poser(schema: GraphQLSchema) -> None:
        champ = schema.type_map["FiltreJeunes"].fields["nom"]  # type: ignore[attr-defined]
        regles = {CATEGORIE: CategorieDonnee.IDENTITE, SUR: sur}
        champ.extensions = {"strawberry-definition": SimpleNamespace(metadata=regles)}

    return poser


def _sans_priorite(schema: GraphQLSchema) -> None:
    del schema.type_map["TriRuptures"].values["PRIORITE"]  # type: ignore[attr-defined]


def _regle_sur_l_interface(schema: GraphQLSchema) -> None:
    champs = schema.type_map["Node"].fields  # type: ignore[attr-defined]
    champs["nom"] = schema.type_map["Jeune"].fields["nom"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("changer", "dit"),
    [
        (_champ("Jeune", "nir", GraphQLField(GraphQLString)), "Jeune.nir n'a pas de catégorie"),
        (_champ("Contrat", "salaire", GraphQLField(GraphQLString)), "Contrat.salaire n'a pas de catégorie"),
        (_champ("Rupture", "faute", GraphQLField(GraphQLString)), "Rupture.faute n'a pas de catégorie"),
        (_champ("Query", "tout", GraphQLField(GraphQLString)), "Query.tout n'a pas de catégorie"),
        (_comme("Jeune.nom", GraphQLNonNull), "Jeune.nom est gouverné et ne peut pas être nul"),
        (_comme("Query.jeunes", GraphQLNonNull), "Query.jeunes est gouverné et ne peut pas être nul"),
        (_vers("Cfa", "apprentis", "Jeune"), "Query.cfa (PUBLIQUE) mène à Jeune, que PARCOURS ouvre"),
        (_vers("MissionLocale", "ruptures", "RuptureConnection"), "mène à Rupture, que RUPTURE ouvre"),
        (_filtre_sans_regle, "FiltreJeunes.rqth n'a pas de catégorie"),
        (_valeur_de_tri, "TriJeunes.RQTH n'a pas de catégorie"),
        (_nouvel_ordre, "Query.contrats(tri:) n'a pas de catégorie"),
        (_argument_libre, "Query.jeunes(telephone:) n'a pas de catégorie"),
        (
            _derive("Jeune.age", Derivation(("Jeune.dateNaissance",))),
            "Jeune.age dérive de Jeune.dateNaissance, d'une autre",
        ),
        (
            _derive("Jeune.age", Derivation(("Jeune.nir",), "pour voir")),
            "Jeune.age dérive de Jeune.nir, qui n'existe pas",
        ),
        (
            _derive("Jeune.age", Derivation(("Jeune.statut",), "pour voir")),
            "Jeune.age donne une raison que rien ne demande",
        ),
        (_filtre(()), "FiltreJeunes.nom ne dit pas quels champs il regarde"),
        (_filtre(("Jeune.telephone",)), "FiltreJeunes.nom regarde Jeune.telephone sans exiger CONTACT"),
        (_filtre(("Jeune.nir",)), "FiltreJeunes.nom regarde Jeune.nir, qui n'existe pas"),
        (_sans_priorite, "TriRuptures.PRIORITE n'existe pas"),
        (_written("Jeune.contrats", SIZE, None), "Jeune.contrats ne dit pas combien d'éléments son coût compte"),
        (_written("Rupture.provenance", SIZE, 7), "Rupture.provenance compte 7 éléments, une autre liste de ce nom 20"),
        (_written("Rupture.prioritaire", ANY_OF, None), "Rupture.motifsPriorite : rien ne dit s'il en reste (any_of)"),
        (_written("Rupture.prioritaire", ANY_OF, "cause"), "Rupture.cause : rien ne dit s'il en reste (any_of)"),
        (_regle_sur_l_interface, "Node.nom : règle sur une interface"),
    ],
)
def test_un_defaut_arrete_le_demarrage(changer: Callable[[GraphQLSchema], None], dit: str) -> None:
    schema = graphe(construire())
    changer(schema)
    with pytest.raises(ErreurConfiguration) as leve:
        verifier_schema(schema, POLITIQUE)
    assert dit in str(leve.value)
    assert "\n" not in str(leve.value)


def test_a_node_that_no_rule_opens_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(Contrat, OPENED_BY)
    with pytest.raises(ErreurConfiguration, match="Contrat n'a pas de règle d'ouverture"):
        verifier_schema(graphe(construire()), POLITIQUE)


def test_a_sort_key_that_asks_for_nothing_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TriJeunes.NOM_ASC, "asks", frozenset())
    with pytest.raises(ErreurConfiguration, match=r"TriJeunes\.NOM_ASC n'a pas de catégorie"):
        verifier_schema(graphe(construire()), POLITIQUE)


def test_un_champ_libre_peut_mener_la_ou_sa_regle_mene_deja() -> None:
    schema = graphe(construire())
    _vers("Employeur", "contrat", "Contrat")(schema)  # reached by Contrat.employeur only, which CONTRAT rules
    verifier_schema(schema, POLITIQUE)


def test_une_liste_non_nulle_gouvernee_est_refusee() -> None:
    schema = graphe(construire())
    _comme("Jeune.contrats", lambda type_: GraphQLNonNull(GraphQLList(type_)))(schema)
    with pytest.raises(ErreurConfiguration, match=r"Jeune\.contrats est gouverné"):
        verifier_schema(schema, POLITIQUE)


def test_une_categorie_que_personne_ne_lit(tmp_path: Path) -> None:
    texte = FICHIER.read_text(encoding="utf-8").replace('"REPRESENTANT",', "")
    chemin = tmp_path / "policy.toml"
    chemin.write_text(texte, encoding="utf-8")
    with pytest.raises(ErreurConfiguration, match="personne ne lit la catégorie REPRESENTANT"):
        verifier_schema(graphe(construire()), lire_politique(chemin))

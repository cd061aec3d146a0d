"""Prints the access policy for its readers: who reads what, and the category of each field (ACCES.md). Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from graphql import GraphQLSchema, is_input_object_type

from gateway.auth.coordonnees import (
    Categories,
    categorie,
    derivation,
    exigees_par_le_champ,
    opening,
    openings,
    sort_orders,
)
from gateway.auth.politique import Politique, Regle
from gateway.auth.rules import CategorieDonnee, Finalite, Profil
from gateway.auth.verification import gouvernes, objets
from gateway.domain.statut import StatutApprenant

SENS = {
    CategorieDonnee.PUBLIQUE: "référentiels et annuaires, lisibles par tout appelant authentifié",
    CategorieDonnee.PARCOURS: "formations, statut, âge, Mission locale compétente",
    CategorieDonnee.IDENTITE: "nom, prénom, date de naissance, sexe",
    CategorieDonnee.CONTACT: "téléphone et courriel du jeune",
    CategorieDonnee.ADRESSE: "adresse et commune de résidence",
    CategorieDonnee.SENSIBLE: "reconnaissance de la qualité de travailleur handicapé",
    CategorieDonnee.REPRESENTANT: "représentants légaux",
    CategorieDonnee.IDENTIFIANT_NATIONAL: "INE ; le NIR n'existe nulle part",
    CategorieDonnee.CONTRAT: "contrats d'apprentissage et employeurs",
    CategorieDonnee.RUPTURE: "ruptures de contrat",
    CategorieDonnee.SUIVI: "suivi par la Mission locale, priorité et état du traitement",
    CategorieDonnee.COLLABORATION: "demande d'accompagnement conjoint, cause de la rupture",
    CategorieDonnee.AGREGAT: "statistiques du périmètre",
    CategorieDonnee.TECHNIQUE: "provenance des données, état des systèmes partenaires",
}

ENTETE = """# Accès : qui lit quoi

Écrit par `python -m gateway acces` à partir de `gateway/auth/policy.toml` et du schéma : ne pas modifier à la main.

Un champ qu'aucune ligne n'accorde répond `null` avec l'erreur `CHAMP_REFUSE`, et n'est demandé à aucun partenaire. Une
personne hors du périmètre n'existe pas : elle est absente des listes et des décomptes. Un filtre ou un tri sur une donnée
que l'appelant ne lit pas pour toutes les personnes de son périmètre fait refuser toute la requête (`ARGUMENT_REFUSE`).
"""


@dataclass(frozen=True, slots=True)
class Choix:
    """Whose lines are printed; None: everybody's, every purpose's."""

    profil: Profil | None = None
    finalite: Finalite | None = None

    @property
    def profils(self) -> list[Profil]:
        return [profil for profil in Profil if self.profil in (None, profil)]

    def finalites(self, politique: Politique, profil: Profil) -> list[Finalite | None]:
        """Without purpose, then those for which the profile reads something more."""
        utiles = {regle.finalite for regle in politique.regle if profil in regle.profils}
        utiles |= {politique.exploitation.finalite} if profil in politique.exploitation.profils else set()
        return [None, *(f for f in Finalite if f in utiles and self.finalite in (None, f))]

    def lues(self, politique: Politique) -> Categories:
        """What one of the chosen profiles reads for a chosen purpose."""
        return _union(politique.categories(p, f) for p in self.profils for f in self.finalites(politique, p))

    def partout(self, politique: Politique) -> Categories:
        """What one of them reads of every person it sees."""
        return _union(politique.partout(p, f) for p in self.profils for f in self.finalites(politique, p))


def tableau(politique: Politique, schema: GraphQLSchema, choix: Choix = Choix()) -> str:
    """ACCES.md, in Markdown, or what `choix` leaves of it; the same policy and schema give the same text."""
    parties = [
        ENTETE,
        "## Catégories\n\n" + _table(("catégorie", "contenu"), [(c.value, SENS[c]) for c in CategorieDonnee]),
        "## Qui lit quoi, sur qui, pour quoi faire\n\n" + _regles(politique, choix),
        "## Vue d'ensemble\n\n" + _vue_d_ensemble(politique, choix),
        "## Champs\n\n" + _champs(schema, choix.lues(politique)),
        "## Champs calculés\n\n" + _derives(schema, choix.lues(politique)),
        "## Arguments, filtres et tris\n\n" + _criteres(schema, choix.partout(politique)),
    ]
    return "\n".join(parties)


def _regles(politique: Politique, choix: Choix) -> str:
    lignes = [
        (profil.value, _noms(r.relations), _statuts(r), r.finalite.value, _noms(r.categories), r.condition or "")
        for profil in choix.profils
        for r in politique.regle
        if profil in r.profils and r.finalite in choix.finalites(politique, profil)
    ]
    agregat = [
        (profil.value, "son périmètre", "", "toutes", "AGREGAT", "")
        for profil in choix.profils
        if profil in politique.agregat.profils
    ]
    exploitation = politique.exploitation
    technique = [
        (profil.value, "aucune personne", "", exploitation.finalite.value, _noms(exploitation.categories), "")
        for profil in choix.profils
        if profil in exploitation.profils and exploitation.finalite in choix.finalites(politique, profil)
    ]
    return _table(
        ("profil", "relation", "statuts", "finalité", "catégories", "condition"), [*lignes, *agregat, *technique]
    )


def _vue_d_ensemble(politique: Politique, choix: Choix) -> str:
    """Profile × category: ● for every record seen, ○ for some of them."""
    colonnes = [categorie for categorie in CategorieDonnee if categorie is not CategorieDonnee.PUBLIQUE]
    lignes = []
    for profil in choix.profils:
        sien = Choix(profil, choix.finalite)
        lues, partout = sien.lues(politique), sien.partout(politique)
        cases = ["●" if c in partout else "○" if c in lues else "" for c in colonnes]
        lignes.append((profil.value, *cases))
    return _table(("profil", *(c.value for c in colonnes)), lignes) + "\n● pour tout le périmètre, ○ sous condition.\n"


def _champs(schema: GraphQLSchema, lues: Categories) -> str:
    lignes = [
        (f"{nom}.{champ}", categorie.value)
        for nom, type_ in objets(schema).items()
        for champ, categorie in sorted(gouvernes(type_).items())
        if {categorie, opening(type_) or CategorieDonnee.PUBLIQUE} <= lues
    ]
    ouvertures = [
        (f"node → {nom}", categorie.value) for nom, categorie in openings(schema).items() if categorie in lues
    ]
    note = "\nUn champ absent de cette liste suit la règle du champ qui mène à lui.\n"
    return _table(("champ", "catégorie"), [*lignes, *ouvertures]) + note


def _derives(schema: GraphQLSchema, lues: Categories) -> str:
    """What fields are computed from, and why whoever reads them may."""
    lignes = [
        (f"{nom}.{champ}", ", ".join(derive.de), derive.raison or "même catégorie")
        for nom, type_ in objets(schema).items()
        for champ, categorie in sorted(gouvernes(type_).items())
        if categorie in lues and (derive := derivation(type_.fields[champ]))
    ]
    return _table(("champ", "calculé à partir de", "pourquoi le lire est permis"), lignes)


def _criteres(schema: GraphQLSchema, partout: Categories) -> str:
    filtres = [
        (f"{nom}.{champ}", exigees_par_le_champ(definition))
        for nom, type_ in sorted(schema.type_map.items())
        if is_input_object_type(type_)
        for champ, definition in sorted(type_.fields.items())
    ]
    tris = [(f"{nom}.{key.name}", key.asks) for nom, order in sort_orders().items() for key in order]
    lignes = [(nom, _noms(exigees)) for nom, exigees in [*_arguments(schema), *filtres, *tris] if exigees <= partout]
    return _table(("critère", "catégories exigées"), lignes)


def _arguments(schema: GraphQLSchema) -> Iterator[tuple[str, Categories]]:
    """The arguments that select by data of a person."""
    for nom, type_ in objets(schema).items():
        for champ, definition in sorted(type_.fields.items()):
            for argument, ecrit in definition.args.items():
                propre = categorie(ecrit)
                if propre not in (None, CategorieDonnee.PUBLIQUE):
                    yield f"{nom}.{champ}({argument}:)", frozenset({propre})


def _union(ensembles: Iterable[Categories]) -> Categories:
    return frozenset[CategorieDonnee]().union(*ensembles)


def _statuts(regle: Regle) -> str:
    return "tous" if len(regle.statuts) == len(StatutApprenant) else _noms(regle.statuts)


def _noms(membres: Iterable[Enum]) -> str:
    """Members of one enum, in the order of its definition."""
    presents = set(membres)
    classes = {type(membre) for membre in presents}
    return ", ".join(str(membre.value) for classe in classes for membre in classe if membre in presents)


def _table(entete: Sequence[str], lignes: Iterable[Sequence[str]]) -> str:
    rangs = [entete, ["---"] * len(entete), *lignes]
    return "".join(f"| {' | '.join(rang)} |\n" for rang in rangs)

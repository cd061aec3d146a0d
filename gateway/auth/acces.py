"""Prints the access policy for its readers: who reads what, and the category of each field (ACCES.md). Pure."""

from collections.abc import Iterable, Sequence
from enum import Enum

from graphql import GraphQLSchema, is_input_object_type

from gateway.auth.coordonnees import NOEUDS, TRIS, exigees_par_le_champ
from gateway.auth.politique import Politique, Regle
from gateway.auth.rules import CategorieDonnee, Profil
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


def tableau(politique: Politique, schema: GraphQLSchema) -> str:
    """The whole of ACCES.md, in Markdown; the same policy and schema give the same text."""
    parties = [
        ENTETE,
        "## Catégories\n\n" + _table(("catégorie", "contenu"), [(c.value, SENS[c]) for c in CategorieDonnee]),
        "## Qui lit quoi, sur qui, pour quoi faire\n\n" + _regles(politique),
        "## Vue d'ensemble\n\n" + _vue_d_ensemble(politique),
        "## Champs\n\n" + _champs(schema),
        "## Filtres et tris\n\n" + _criteres(schema),
    ]
    return "\n".join(parties)


def _regles(politique: Politique) -> str:
    lignes = [
        (profil.value, _noms(r.relations), _statuts(r), r.finalite.value, _noms(r.categories), r.condition or "")
        for profil in Profil
        for r in politique.regle
        if profil in r.profils
    ]
    agregat = [
        (profil.value, "son périmètre", "", "toutes", "AGREGAT", "")
        for profil in Profil
        if profil in politique.agregat.profils
    ]
    exploitation = politique.exploitation
    technique = [
        (profil.value, "aucune personne", "", exploitation.finalite.value, _noms(exploitation.categories), "")
        for profil in Profil
        if profil in exploitation.profils
    ]
    return _table(
        ("profil", "relation", "statuts", "finalité", "catégories", "condition"), [*lignes, *agregat, *technique]
    )


def _vue_d_ensemble(politique: Politique) -> str:
    """Profile × category: ● for every record seen, ○ for some of them."""
    colonnes = [categorie for categorie in CategorieDonnee if categorie is not CategorieDonnee.PUBLIQUE]
    lignes = []
    for profil in Profil:
        finalites = {regle.finalite for regle in politique.regle if profil in regle.profils}
        finalites |= {politique.exploitation.finalite} if profil in politique.exploitation.profils else set()
        lues = frozenset().union(
            politique.categories(profil, None), *(politique.categories(profil, f) for f in finalites)
        )
        partout = frozenset().union(politique.partout(profil, None), *(politique.partout(profil, f) for f in finalites))
        cases = ["●" if c in partout else "○" if c in lues else "" for c in colonnes]
        lignes.append((profil.value, *cases))
    return _table(("profil", *(c.value for c in colonnes)), lignes) + "\n● pour tout le périmètre, ○ sous condition.\n"


def _champs(schema: GraphQLSchema) -> str:
    lignes = [
        (f"{nom}.{champ}", categorie.value)
        for nom, type_ in objets(schema).items()
        for champ, categorie in sorted(gouvernes(type_).items())
    ]
    ouvertures = [(f"node → {nom}", categorie.value) for nom, categorie in NOEUDS.items()]
    note = "\nUn champ absent de cette liste suit la règle du champ qui mène à lui.\n"
    return _table(("champ", "catégorie"), [*lignes, *ouvertures]) + note


def _criteres(schema: GraphQLSchema) -> str:
    filtres = [
        (f"{nom}.{champ}", _noms(exigees_par_le_champ(nom, champ, definition)))
        for nom, type_ in sorted(schema.type_map.items())
        if is_input_object_type(type_)
        for champ, definition in sorted(type_.fields.items())
    ]
    tris = [
        (f"{ordre}.{valeur}", _noms(exigees)) for ordre, valeurs in TRIS.items() for valeur, exigees in valeurs.items()
    ]
    return _table(("critère", "catégories exigées"), [*filtres, *tris])


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

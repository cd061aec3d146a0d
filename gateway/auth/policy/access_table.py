"""Prints the access policy for its readers: who reads what, and the category of each field (ACCES.md). Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from graphql import GraphQLSchema, is_input_object_type

from gateway.auth.policy.policy import AccessPolicy, PolicyRow, union
from gateway.auth.policy.rules import (
    CategorieDonnee,
    Categories,
    Finalite,
    Profil,
    categorie,
    derivation,
    opening,
    openings,
    required_by_field,
    sort_orders,
)
from gateway.auth.policy.schema_check import governed, governed_fields, objects
from gateway.domain.statut import StatutApprenant

MEANING = {
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

HEADER = """# Accès : qui lit quoi

Écrit par `python -m gateway acces` à partir de `gateway/auth/policy.toml` et du schéma : ne pas modifier à la main.

Un champ qu'aucune ligne n'accorde répond `null` avec l'erreur `CHAMP_REFUSE`, et n'est demandé à aucun partenaire. Une
personne hors du périmètre n'existe pas : elle est absente des listes et des décomptes. Un filtre ou un tri sur une donnée
que l'appelant ne lit pas pour toutes les personnes de son périmètre fait refuser toute la requête (`ARGUMENT_REFUSE`).
"""

LOOK_UPS = """## Consultations sans lire de ligne

Un total, une arête ou une position dans une liste (`totalCount`, `edges`, `pageInfo`), demandés par un nom, une commune, un
département, un CFA, une borne d'âge, une autre fenêtre de dates que celle par défaut ou `after`, sont une **consultation** de
ceux qui répondent s'ils sont de 1 à 10 (par un nom : 50), ou de ceux par qui ce total diffère, s'ils sont 10 au plus, de l'un
des 32 derniers que ce compte a obtenus de cette liste ce jour-là. Elle est inscrite au journal des lectures et compte dans les
plafonds de personnes distinctes ; un nom que personne ne porte compte dans les recherches vaines. Les critères fermés
(`statut`, `etat`, `prioritaire`, `mineur`, `rompus`) et la fenêtre par défaut sont libres. Le détail est dans
[docs/graphe.md](docs/graphe.md#ce-qui-compte-comme-une-consultation).
"""


@dataclass(frozen=True, slots=True)
class RowFilter:
    """The profile and the purpose whose lines are printed; None: all of them."""

    profil: Profil | None = None
    finalite: Finalite | None = None

    @property
    def profils(self) -> list[Profil]:
        return [profil for profil in Profil if self.profil in (None, profil)]

    def finalites(self, policy: AccessPolicy, profil: Profil) -> list[Finalite | None]:
        """Without purpose, then those for which the profile reads something more."""
        useful = {rule.finalite for rule in policy.regle if profil in rule.profils}
        useful |= {policy.exploitation.finalite} if profil in policy.exploitation.profils else set()
        return [None, *(f for f in Finalite if f in useful and self.finalite in (None, f))]

    def readable(self, policy: AccessPolicy) -> Categories:
        """The categories that one of the chosen profiles reads for a chosen purpose."""
        return union(policy.categories(p, f) for p in self.profils for f in self.finalites(policy, p))

    def everywhere(self, policy: AccessPolicy) -> Categories:
        """The categories that one of them reads of every person it sees."""
        return union(policy.everywhere(p, f) for p in self.profils for f in self.finalites(policy, p))


def render(policy: AccessPolicy, schema: GraphQLSchema, choice: RowFilter = RowFilter()) -> str:
    """ACCES.md, in Markdown, or what `choice` leaves of it; the same policy and schema give the same text."""
    parts = [
        HEADER,
        "## Catégories\n\n" + _table(("catégorie", "contenu"), [(c.value, MEANING[c]) for c in CategorieDonnee]),
        "## Qui lit quoi, sur qui, pour quoi faire\n\n" + _rules(policy, choice),
        "## Vue d'ensemble\n\n" + _overview(policy, choice),
        "## Champs\n\n" + _fields(schema, choice.readable(policy)),
        "## Champs calculés\n\n" + _derived(schema, choice.readable(policy)),
        "## Arguments, filtres et tris\n\n" + _criteria(schema, choice.everywhere(policy)),
        LOOK_UPS,
    ]
    return "\n".join(parts)


def _rules(policy: AccessPolicy, choice: RowFilter) -> str:
    titles = ("profil", "relation", "statuts", "finalité", "catégories", "condition")
    rows = [
        (profil.value, _names(r.relations), _statuts(r), r.finalite.value, _names(r.categories), r.condition or "")
        for profil in choice.profils
        for r in policy.regle
        if profil in r.profils and r.finalite in choice.finalites(policy, profil)
    ]
    figures = [profil.value for profil in choice.profils if profil in policy.agregat.profils]
    rows += [(profil, "son périmètre", "", "toutes", "AGREGAT", "") for profil in figures]
    exploitation = policy.exploitation
    rows += [
        (profil.value, "aucune personne", "", exploitation.finalite.value, _names(exploitation.categories), "")
        for profil in choice.profils
        if profil in exploitation.profils and exploitation.finalite in choice.finalites(policy, profil)
    ]
    return _table(titles, rows)


def _overview(policy: AccessPolicy, choice: RowFilter) -> str:
    """Profile × category: ● for every record seen, ○ for some of them."""
    columns = [categorie for categorie in CategorieDonnee if categorie is not CategorieDonnee.PUBLIQUE]
    rows = []
    for profil in choice.profils:
        own = RowFilter(profil, choice.finalite)
        readable, everywhere = own.readable(policy), own.everywhere(policy)
        cells = ["●" if c in everywhere else "○" if c in readable else "" for c in columns]
        rows.append((profil.value, *cells))
    return _table(("profil", *(c.value for c in columns)), rows) + "\n● pour tout le périmètre, ○ sous condition.\n"


def _fields(schema: GraphQLSchema, readable: Categories) -> str:
    rows = [
        (f"{name}.{field}", categorie.value)
        for name, type_ in objects(schema).items()
        for field, categorie in sorted(governed(type_).items())
        if {categorie, opening(type_) or CategorieDonnee.PUBLIQUE} <= readable
    ]
    opening_lines = [
        (f"node → {name}", categorie.value) for name, categorie in openings(schema).items() if categorie in readable
    ]
    note = "\nUn champ absent de cette liste suit la règle du champ qui mène à lui.\n"
    return _table(("champ", "catégorie"), [*rows, *opening_lines]) + note


def _derived(schema: GraphQLSchema, readable: Categories) -> str:
    """The fields that are computed from others, and why whoever reads them may."""
    rows = [
        (coordinate, ", ".join(derived.de), derived.reason or "même catégorie")
        for coordinate, field, categorie in governed_fields(schema)
        if categorie in readable and (derived := derivation(field))
    ]
    return _table(("champ", "calculé à partir de", "pourquoi le lire est permis"), rows)


def _criteria(schema: GraphQLSchema, everywhere: Categories) -> str:
    filters = [
        (f"{name}.{field}", required_by_field(definition))
        for name, type_ in sorted(schema.type_map.items())
        if is_input_object_type(type_)
        for field, definition in sorted(type_.fields.items())
    ]
    sorts = [(f"{name}.{key.name}", key.asks) for name, sort_keys in sort_orders().items() for key in sort_keys]
    rows = [
        (name, _names(required)) for name, required in [*_arguments(schema), *filters, *sorts] if required <= everywhere
    ]
    return _table(("critère", "catégories exigées"), rows)


def _arguments(schema: GraphQLSchema) -> Iterator[tuple[str, Categories]]:
    """The arguments that select by data of a person."""
    for name, type_ in objects(schema).items():
        for field, definition in sorted(type_.fields.items()):
            for argument, written in definition.args.items():
                own = categorie(written)
                if own not in (None, CategorieDonnee.PUBLIQUE):
                    yield f"{name}.{field}({argument}:)", frozenset({own})


def _statuts(rule: PolicyRow) -> str:
    return "tous" if len(rule.statuts) == len(StatutApprenant) else _names(rule.statuts)


def _names(members: Iterable[Enum]) -> str:
    """Members of one enum, in the order of its definition."""
    present = set(members)
    classes = {type(member) for member in present}
    return ", ".join(str(member.value) for enum in classes for member in enum if member in present)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)

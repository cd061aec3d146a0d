"""Prints the access policy for its readers: who reads what, and the category of each field (ACCES.md). Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from graphql import GraphQLSchema, is_input_object_type

from gateway.auth.policy.acts import is_granted_by_act
from gateway.auth.policy.acts_table import write_table
from gateway.auth.policy.figure_rows import FigureRow
from gateway.auth.policy.policy import RELATIONS, AccessPolicy, PolicyRow, Relation, union
from gateway.auth.policy.rules import (
    PARTNER_ROLES,
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
    CategorieDonnee.SANS_CONTRAT: "attente d'un premier contrat : depuis quand, échéance, contrat prévu",
    CategorieDonnee.AGREGAT: "chiffres de nombreuses personnes",
    CategorieDonnee.TECHNIQUE: "provenance des données, état des systèmes partenaires",
}
RELATION_MEANING = {
    Relation.RESIDENCE: "l'adresse du jeune est dans le territoire de la Mission locale",
    Relation.SUIVI: "la Mission locale a déjà un dossier sur le jeune, où qu'il habite",
    Relation.CFA: "le jeune est ou a été inscrit dans ce CFA, ou dans un lieu de formation dont ce CFA est responsable",
    Relation.RESEAU: "le jeune est ou a été inscrit dans un CFA du réseau",
    Relation.TERRITOIRE_CFA: "le CFA du jeune est dans la région, le département ou l'académie du service ; pas son domicile",
    Relation.RESIDENCE_REGION: "l'adresse du jeune est dans la région",
}
CONDITION_MEANING = {
    "collaboration_demandee": "l'accompagnement conjoint de ce jeune a été demandé à la Mission locale ; pour un CFA, ou "
    "qui agit pour lui : demandé par ce CFA, et non par un autre",
}
AGE = """
Une Mission locale, France Travail et qui agit comme Mission locale ne voient que des jeunes de 16 à 25 ans, ou à partir de
16 ans sans limite si un handicap est reconnu et que l'appelant a le droit de le lire. Un système délégué ne le lit pas : la
seconde partie ne lui ouvre rien.
"""

PLACES = {"PERIMETRE": "son périmètre", "FRANCE": "la France et tous ses lieux"}
FIGURES = """
Un compte n'est exact que pour la finalité qui ouvre les personnes comptées, une à une : sans elle, et pour tout autre chiffre, il
est protégé ([docs/statistiques.md](docs/statistiques.md#secret)). Chacun lit aussi, protégés, le département, la région et la
France autour de son périmètre. Ce que tout le monde lit, sans s'identifier, est arrondi encore, à la dizaine.
"""

HEADER = """# Accès : qui lit quoi

Écrit par `python -m gateway acces` à partir de `gateway/auth/policy.toml` et du schéma : ne pas modifier à la main.

Un champ qu'aucune ligne n'accorde répond `null` avec l'erreur `CHAMP_REFUSE`, et n'est demandé à aucun partenaire. Une
personne hors du périmètre n'existe pas : elle est absente des listes et des décomptes. Un filtre ou un tri sur une donnée
que l'appelant ne lit pas pour toutes les personnes de son périmètre fait refuser toute la requête (`ARGUMENT_REFUSE`).

Ce que chacun peut savoir, de qui et pourquoi est dit en phrases dans [docs/droits.md](docs/droits.md), que le délégué à la
protection des données (DPO) confirme. Un système délégué (`SI_PARTENAIRE`) ne lit jamais plus que celui pour qui il agit.
"""
ROW_TITLES = (
    "profil", "relation", "statuts", "finalité", "catégories", "condition", "fondement", "conservation",
)  # fmt: skip

LOOK_UPS = """## Consultations sans lire de ligne

Un total, une arête ou une position dans une liste (`totalCount`, `edges`, `nodes`, `pageInfo`), demandés par un nom, une
commune, un département, un CFA, une borne d'âge, une autre fenêtre de dates que celle par défaut, `after` ou `before`, sont une
**consultation** de ceux qui répondent s'ils sont de 1 à 10 (par un nom : 50), ou de ceux par qui ce total diffère, s'ils sont 10
au plus, de l'un des 32 derniers que ce compte a obtenus de cette liste ce jour-là. Elle est inscrite au journal des lectures et
compte dans les plafonds de personnes distinctes ; un nom que personne ne porte compte dans les recherches vaines. Les critères
fermés (`statut`, `etat`, `prioritaire`, `mineur`, `rompus`, `depassee`) et la fenêtre par défaut sont libres. Le détail est dans
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

    @property
    def readers(self) -> list[tuple[Profil, Profil | None]]:
        """The profiles, a delegate once for each whom it may act for."""
        roles = {Profil.SI_PARTENAIRE: PARTNER_ROLES}
        return [(profil, role) for profil in self.profils for role in roles.get(profil, (None,))]

    def readable(self, policy: AccessPolicy) -> Categories:
        """The categories that one of the chosen profiles reads for a chosen purpose."""
        return union(policy.categories(p, f) for p in self.profils for f in self.finalites(policy, p))

    def filterable(self, policy: AccessPolicy) -> Categories:
        """The categories that one of them may filter and sort by."""
        return union(policy.filterable(p, f, role) for p, role in self.readers for f in self.finalites(policy, p))


def render(policy: AccessPolicy, schema: GraphQLSchema, choice: RowFilter = RowFilter()) -> str:
    """ACCES.md, in Markdown, or what `choice` leaves of it; the same policy and schema give the same text."""
    parts = [
        HEADER,
        "## Catégories\n\n" + _table(("catégorie", "contenu"), [(c.value, MEANING[c]) for c in CategorieDonnee]),
        "## Relations et conditions\n\n" + _words(),
        "## Qui lit quoi, sur qui, pour quoi faire\n\n" + _rules(policy, choice),
        "## Qui écrit quoi, sur qui, pour quoi faire\n\n" + write_table(policy, schema, choice.readers),
        "## Chiffres\n\n" + _figures(policy, choice),
        "## Vue d'ensemble\n\n" + _overview(policy, choice),
        "## Champs\n\n" + _fields(schema, choice.readable(policy)),
        "## Champs calculés\n\n" + _derived(schema, choice.readable(policy)),
        "## Arguments, filtres et tris\n\n" + _criteria(schema, choice.filterable(policy)),
        LOOK_UPS,
    ]
    return "\n".join(parts)


def _words() -> str:
    """Each relation and condition in a sentence."""
    relations = _table(("relation", "ce qu'elle veut dire"), [(r.value, RELATION_MEANING[r]) for r in Relation])
    conditions = _table(("condition", "ce qu'elle veut dire"), list(CONDITION_MEANING.items()))
    return f"{relations}\n{conditions}{AGE}"


def _rules(policy: AccessPolicy, choice: RowFilter) -> str:
    rows = [
        (_reader(profil, role), *_told(row, role), row.fondement, row.conservation)
        for profil, role in choice.readers
        for row in policy.regle
        if row in policy.rows(profil, row.finalite, role) and row.finalite in choice.finalites(policy, profil)
    ]
    figures, state = policy.agregat, policy.exploitation
    rows += [
        (_reader(profil, role), _lieux(row), "", "toutes", "AGREGAT", "", figures.fondement, figures.conservation)
        for profil, role in choice.readers
        if (row := figures.row(profil, role))
    ]
    told = (
        "aucune personne",
        "",
        state.finalite.value,
        _names(state.categories),
        "",
        state.fondement,
        state.conservation,
    )
    rows += [
        (profil.value, *told)
        for profil in choice.profils
        if profil in state.profils and state.finalite in choice.finalites(policy, profil)
    ]
    return _table(ROW_TITLES, rows)


def _figures(policy: AccessPolicy, choice: RowFilter) -> str:
    """Of what each profile reads figures, and which of them it counts exactly."""
    rows = [
        (
            _reader(profil, role),
            PLACES[row.lieux],
            f"par {row.par}" if row.par else "",
            ", ".join(row.exacts) or "aucun",
        )
        for profil, role in choice.readers
        if (row := policy.agregat.row(profil, role))
    ]
    return _table(("profil", "lieux", "seulement", "comptes exacts"), rows) + FIGURES


def _lieux(row: FigureRow) -> str:
    return "la France et ses régions" if row.par else PLACES[row.lieux]


def _told(row: PolicyRow, role: Profil | None) -> tuple[str, ...]:
    """What a row says, for whom a delegate acts for where it does."""
    relations = row.relations & RELATIONS[role] if role else row.relations
    return _names(relations), _statuts(row), row.finalite.value, _names(row.categories), row.condition or ""


def _reader(profil: Profil, role: Profil | None) -> str:
    return f"{profil.value} comme {role.value}" if role else profil.value


def _overview(policy: AccessPolicy, choice: RowFilter) -> str:
    """Profile × category: ● for every record seen, ○ for some of them."""
    columns = [categorie for categorie in CategorieDonnee if categorie is not CategorieDonnee.PUBLIQUE]
    rows = []
    for profil, role in choice.readers:
        finalites = RowFilter(profil, choice.finalite).finalites(policy, profil)
        readable = union(policy.categories(profil, f, role) for f in finalites)
        everywhere = union(policy.everywhere(profil, f, role) for f in finalites)
        cells = ["●" if c in everywhere else "○" if c in readable else "" for c in columns]
        rows.append((_reader(profil, role), *cells))
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


def _criteria(schema: GraphQLSchema, filterable: Categories) -> str:
    filters = [
        (f"{name}.{field}", required_by_field(definition))
        for name, type_ in sorted(schema.type_map.items())
        if is_input_object_type(type_)
        for field, definition in sorted(type_.fields.items())
        if not is_granted_by_act(definition)
    ]
    sorts = [(f"{name}.{key.name}", key.asks) for name, sort_keys in sort_orders().items() for key in sort_keys]
    rows = [
        (name, _names(required)) for name, required in [*_arguments(schema), *filters, *sorts] if required <= filterable
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

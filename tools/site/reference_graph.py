"""The reference of the graph, from the schema and the access policy: of each field its type, its category, who reads it, where
its value comes from, what it costs. French: it is read by who calls. Knows no noun in particular."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    get_named_type,
    is_introspection_type,
    is_specified_scalar_type,
)
from strawberry.utils.str_converters import to_camel_case

from gateway.auth.policy.access_table import MEANING, RowFilter
from gateway.auth.policy.policy import read_policy
from gateway.auth.policy.rules import (
    SIZE,
    TOLD_BY,
    CategorieDonnee,
    Profil,
    categorie,
    derivation,
    opening,
    required_by_field,
    required_by_value,
    written,
)
from gateway.documents.limits import WRITE_PRICE
from gateway.federation.join.precedence import CONTRAT, JEUNE, RUPTURE, Preference
from gateway.schema.connections import PAGE_MAX
from gateway.schema.coordinates import DEFAULT_SIZES, LARGEST_PAGES
from gateway.schema.organisations import TypeSource
from gateway.schema.query import build, core_schema

ROOTS = {"Query": "Lire", "Mutation": "Écrire", "Subscription": "Suivre"}
KEPT: Mapping[str, Mapping[str, Any]] = {"Jeune": JEUNE, "Contrat": CONTRAT, "Rupture": RUPTURE}
ORDERS = {
    Preference.SOURCE: "ERP du CFA, puis registre, puis Mission locale ; de deux sources d'une sorte, la plus récente",
    Preference.RECENT: "ce qui fut écrit en dernier, par qui que ce soit",
    Preference.EFFECT: "comme *source* ; mais le lendemain, si une autre source dit ce jour-là",
    Preference.FIRST: "la plus ancienne valeur dite",
    Preference.PLACED: "la première qui mène à une Mission locale",
}
TELLERS = {
    TypeSource.ERP_CFA: "les ERP des CFA seuls",
    TypeSource.REGISTRE_CONTRATS: "le registre des contrats seul",
    TypeSource.MISSION_LOCALE: "les systèmes des Missions locales seuls",
    TypeSource.REFERENTIEL: "le référentiel seul",
}
PAGES = {"operations": "Les opérations", "types": "Les types", "saisies": "Filtres, tris, saisies et scalaires"}
READ = (
    "Chaque champ dit sa **catégorie** et les profils qui la lisent pour une finalité au moins (de qui, et sous quelle "
    "condition : [ACCES.md](../depot/ACCES.md)), d'où vient sa valeur, et ce qu'il coûte quand il n'est pas d'une unité "
    "([coût et limites](../graphe.md#coût-et-limites)).\n"
)


@cache
def _schema() -> Any:
    return core_schema(build())


@cache
def _readers(category: CategorieDonnee) -> str:
    policy = read_policy()
    readers = [profil.value for profil in Profil if category in RowFilter(profil).readable(policy)]
    everybody = category is CategorieDonnee.PUBLIQUE or len(readers) == len(Profil)
    return "tout appelant identifié" if everybody else ", ".join(readers) or "personne"


def _place(type_: GraphQLNamedType) -> str:
    """Which of the pages tells of a type."""
    if type_.name in ROOTS:
        return "operations"
    return "types" if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType) else "saisies"


def _told(type_: Any) -> str:
    """A type as GraphQL writes it, which leads to where it is told of."""
    named = get_named_type(type_)
    text = str(type_)
    if is_specified_scalar_type(named):
        return f"`{text}`"
    return f"[`{text}`]({_place(named)}.md#{named.name.lower()})"


def graph_pages() -> dict[str, str]:
    """The pages of the graph, by name."""
    types = [
        type_
        for name, type_ in sorted(_schema().type_map.items())
        if not is_introspection_type(type_) and not is_specified_scalar_type(type_)
    ]
    types.sort(key=lambda type_: list(ROOTS).index(type_.name) if type_.name in ROOTS else 0)
    return {
        name: f"# {title}\n\n{_before(name)}\n" + "\n".join(_one(type_) for type_ in types if _place(type_) == name)
        for name, title in PAGES.items()
    }


def _before(page: str) -> str:
    return f"{READ}\n{_categories()}" if page == "operations" else READ


def _categories() -> str:
    rows = [f"| {one.value} | {MEANING[one]} | {_readers(one)} |" for one in CategorieDonnee]
    head = "| catégorie | contenu | qui la lit, pour une finalité au moins |\n| --- | --- | --- |\n"
    return "## Catégories\n\n" + head + "\n".join(rows) + "\n"


def _one(type_: GraphQLNamedType) -> str:
    """The section of a type."""
    head = f"## {type_.name}\n\n{_sentence(type_.description)}\n"
    if isinstance(type_, GraphQLScalarType):
        return head
    if isinstance(type_, GraphQLEnumType):
        return head + "\n" + "\n".join(_value(type_.name, name, value) for name, value in type_.values.items())
    if isinstance(type_, GraphQLInputObjectType):
        return head + "\n" + "\n".join(_input(name, field) for name, field in type_.fields.items())
    if not isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
        return head
    return head + _opened(type_) + "\n" + "\n".join(_field(type_, name, one) for name, one in type_.fields.items())


def _opened(type_: GraphQLNamedType) -> str:
    category = opening(type_)
    return f"\nOuvrir un tel objet demande {category.value} : {_readers(category)}.\n" if category else ""


def _sentence(text: str | None) -> str:
    return " ".join((text or "").split())


def _definition(term: str, type_: Any, lines: Iterable[str]) -> str:
    """A term and what is told of it, as a list of definitions."""
    kept = [line for line in lines if line]
    return f"`{term}` : {_told(type_)}\n: " + "\n\n  ".join(kept or ["—"]) + "\n"


def _field(type_: GraphQLNamedType, name: str, field: GraphQLField) -> str:
    arguments = "\n  ".join(_argument(argument, one) for argument, one in field.args.items())
    facts = (
        _sentence(field.description),
        _ruled(categorie(field)),
        _deprecated(field.deprecation_reason),
        _whence(type_.name, name, field),
        _cost(type_.name, name, field),
        f"Arguments :\n\n  {arguments}" if arguments else "",
    )
    return _definition(name, field.type, facts)


def _ruled(category: CategorieDonnee | None) -> str:
    if category is None:
        return "*Règle* : celle du champ qui mène à cet objet."
    return f"*Catégorie* : {category.value}, lue par {_readers(category)}."


def _deprecated(reason: str | None) -> str:
    return f"**Déprécié** : {_sentence(reason)}" if reason else ""


def _whence(type_: str, name: str, field: GraphQLField) -> str:
    """Where the value comes from: computed, told by one kind of source, or kept of several by a rule."""
    computed = derivation(field)
    if computed:
        why = f" ({computed.reason})" if computed.reason else ""
        return f"*Provenance* : calculé de {', '.join(f'`{one}`' for one in computed.de)}{why}."
    teller = written(field, TOLD_BY)
    if teller and type_ not in ROOTS:
        return f"*Provenance* : {TELLERS[teller]}."
    rule = next((rule for key, rule in KEPT.get(type_, {}).items() if to_camel_case(key) == name), None)
    return f"*Provenance* : de plusieurs sources, {ORDERS[rule.order]}." if rule else ""


def _cost(type_: str, name: str, field: GraphQLField) -> str:
    if type_ == "Mutation":
        return f"*Coût* : {WRITE_PRICE} par écriture."
    if type_ == "Query" and name in DEFAULT_SIZES:
        largest = LARGEST_PAGES.get(name, PAGE_MAX)
        return (
            f"*Coût* : `first` fois ce qui est demandé de chacun ; {DEFAULT_SIZES[name]} par défaut, {largest} au plus."
        )
    size = written(field, SIZE) or 1
    return f"*Coût* : {size} fois ce qui est demandé de chacun." if size > 1 else ""


def _argument(name: str, argument: GraphQLArgument) -> str:
    category = categorie(argument)
    ruled = f" Demande {category.value}." if category not in (None, CategorieDonnee.PUBLIQUE) else ""
    return f"- `{name}` : {_told(argument.type)}. {_sentence(argument.description)}{ruled}"


def _input(name: str, field: Any) -> str:
    required = sorted(one.value for one in required_by_field(field) if one is not CategorieDonnee.PUBLIQUE)
    needs = f"*Demande* de lire {', '.join(required)} de toutes les personnes vues." if required else ""
    return _definition(name, field.type, (_sentence(field.description), _deprecated(field.deprecation_reason), needs))


def _value(type_: str, name: str, value: Any) -> str:
    _, asked = required_by_value(type_, value.value if hasattr(value.value, "name") else name)
    needs = f" *Demande* {', '.join(sorted(one.value for one in asked))}." if asked else ""
    told = _sentence(value.description)
    return f"- `{name}`{f' : {told}' if told else ''}{needs}"

"""Prints who writes what, and what an act lets be said (ACCES.md). Pure."""

from collections.abc import Iterable

from graphql import GraphQLSchema, get_named_type, is_input_object_type

from gateway.auth.policy.acts import Acte, acts_of, is_granted_by_act, mutations
from gateway.auth.policy.policy import RELATIONS, AccessPolicy, WriteRow
from gateway.auth.policy.rules import CategorieDonnee, Profil, categorie

TITLES = ("profil", "relation", "finalité", "actes", "fondement", "conservation")
NOTE = """
Un acte accordé accorde ce qu'il faut en dire, et rien à lire. `reprendreEcriture`, `abandonnerEcriture` et `ecritures` s'ouvrent
à qui peut faire un acte, pour les écritures de son organisation ([docs/ecritures.md](docs/ecritures.md)).
"""


def write_table(policy: AccessPolicy, schema: GraphQLSchema, readers: Iterable[tuple[Profil, Profil | None]]) -> str:
    """Who writes, by profile, a delegate once for each whom it may act for; then the fields that each act is told by."""
    rows = [
        (_name(profil, role), *_told(row, role), row.fondement, row.conservation)
        for profil, role in readers
        for row in policy.ecriture
        if row in policy.writes(profil, row.finalite, role)
    ]
    return _table(TITLES, rows) + NOTE + "\n" + _table(("saisie", "acte", "catégorie"), _inputs(schema))


def _told(row: WriteRow, role: Profil | None) -> tuple[str, str, str]:
    relations = row.relations & RELATIONS[role] if role else row.relations
    names = ", ".join(sorted(relation.value for relation in relations))
    return names, row.finalite.value, ", ".join(acte.value for acte in Acte if acte in row.actes)


def _name(profil: Profil, role: Profil | None) -> str:
    return f"{profil.value} comme {role.value}" if role else profil.value


def _inputs(schema: GraphQLSchema) -> list[tuple[str, str, str]]:
    """The fields that tell something, by the act that grants them."""
    found = []
    for field in mutations(schema).values():
        for argument in field.args.values():
            type_ = get_named_type(argument.type)
            for name, told in type_.fields.items() if is_input_object_type(type_) else ():
                rule = categorie(told)
                if is_granted_by_act(told) and rule not in (None, CategorieDonnee.PUBLIQUE):
                    acts = ", ".join(acte.value for acte in Acte if acte in acts_of(field))
                    found.append((f"{type_.name}.{name}", acts, rule.value if rule else ""))
    return found


def _table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    header = list(header)
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)

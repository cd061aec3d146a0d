"""Checks the rows of the policy file against each other: one that opens nothing, or that gives a delegate more than whom it
acts for, stops the start.

Knows no field, no viewer, no person.
"""

from collections.abc import Iterator, Mapping

from graphql import GraphQLSchema

from gateway.auth.policy.acts import acts_of, mutations
from gateway.auth.policy.policy import RELATIONS, WITHOUT_FINALITE, AccessPolicy, PolicyRow, Relation, WriteRow, union
from gateway.auth.policy.rules import PARTNER_ROLES, CategorieDonnee, Categories, Profil
from gateway.domain.statut import StatutApprenant

# A partner system has the relations of the organisation it acts for.
HELD: Mapping[Profil, frozenset[Relation]] = {
    **RELATIONS,
    Profil.SI_PARTENAIRE: frozenset().union(*(RELATIONS[role] for role in PARTNER_ROLES)),
}
UNKNOWN = "statut inconnu"


def rows_without_effect(policy: AccessPolicy, carried: Categories) -> Iterator[str]:
    """One text for each row, or part of a row, that changes nothing. `carried`: categories that fields carry."""
    for rank, row in enumerate(policy.regle):
        other_rows = [other for number, other in enumerate(policy.regle) if number != rank]
        for fault in (*_categories(row, carried), *_relations(row), *_among(row, other_rows)):
            yield f"regle.{rank} : {fault}"


def unwritable(schema: GraphQLSchema, policy: AccessPolicy) -> Iterator[str]:
    """One text for each field of Mutation without an act, act without a row, or row that lets nothing more be written."""
    fields = mutations(schema)
    yield from sorted(f"Mutation.{name} n'a pas d'acte" for name, field in fields.items() if not acts_of(field))
    offered, granted = union(map(acts_of, fields.values())), union(row.actes for row in policy.ecriture)
    yield from sorted(f"aucune ligne [[ecriture]] n'accorde l'acte {acte.value}" for acte in offered - granted)
    for rank, row in enumerate(policy.ecriture):
        faults = (*_relations(row), *(f"aucun champ n'écrit {acte.value}" for acte in row.actes - offered))
        others = [other for number, other in enumerate(policy.ecriture) if number != rank]
        redundant = "une autre ligne accorde déjà tout cela" if any(_includes(other, row) for other in others) else ""
        yield from (f"ecriture.{rank} : {fault}" for fault in filter(None, (*faults, redundant)))


def _includes(larger: WriteRow, smaller: WriteRow) -> bool:
    parts = ((larger.relations, smaller.relations), (larger.actes, smaller.actes))
    within = set(smaller.profils) <= set(larger.profils) and all(small <= large for large, small in parts)
    return larger.finalite is smaller.finalite and within


def _categories(row: PolicyRow, carried: Categories) -> Iterator[str]:
    for categorie in sorted(row.categories, key=lambda c: c.value):
        if categorie in WITHOUT_FINALITE:
            yield f"{categorie.value} ne dépend pas d'une relation à un jeune"
        elif categorie not in carried:
            yield f"aucun champ ne porte la catégorie {categorie.value}"


def _relations(row: PolicyRow | WriteRow) -> Iterator[str]:
    held = {profil: HELD.get(profil, frozenset()) & row.relations for profil in row.profils}
    yield from (f"{profil.value} n'a aucune de ces relations" for profil, own in held.items() if not own)
    useless = row.relations - frozenset().union(*held.values())
    yield from sorted(f"aucun de ces profils n'a la relation {relation.value}" for relation in useless)


def _among(row: PolicyRow, other_rows: list[PolicyRow]) -> Iterator[str]:
    """A row that another contains adds nothing; one under condition adds to a record, so something must open it."""
    neighbours = [other for other in other_rows if other.finalite is row.finalite and not other.condition]
    if any(_contains(other, row) and row.categories <= other.categories for other in neighbours):
        yield "une autre ligne accorde déjà tout cela"
    if row.condition and not any(_contains(other, row) for other in neighbours):
        yield "sa condition complète des dossiers qu'aucune ligne n'ouvre"


def _contains(larger: PolicyRow, smaller: PolicyRow) -> bool:
    """True when each record that the smaller row opens is opened by the larger one."""
    return (
        set(smaller.profils) <= set(larger.profils)
        and smaller.relations <= larger.relations
        and smaller.statuts <= larger.statuts
    )


def delegate_excess(policy: AccessPolicy) -> Iterator[str]:
    """One text for each thing that a partner system would read and that whom it acts for would not, whatever the purpose."""
    for role in PARTNER_ROLES:
        for rank, row in enumerate(policy.regle):
            if Profil.SI_PARTENAIRE in row.profils:
                own = _as_far(policy, role, row)
                yield from (f"regle.{rank} : {_told(role)} {excess}" for excess in _excess(row, own, RELATIONS[role]))
        for name, part in (("agregat", policy.agregat), ("exploitation", policy.exploitation)):
            if Profil.SI_PARTENAIRE in part.profils and role not in part.profils:
                yield f"{name} : {_told(role)} ce que {role.value} ne lit pas"


def _as_far(policy: AccessPolicy, role: Profil, row: PolicyRow) -> list[PolicyRow]:
    """The rows of the principal that show whoever the delegate's row does.

    Who reads SENSIBLE for a purpose is shown people over the age of Missions locales for their disability (docs/domaine.md,
    Rupture), with all that this purpose opens: a row of the principal without SENSIBLE does not show them.
    """
    own = [other for other in policy.regle if role in other.profils]
    delegate = policy.rows(Profil.SI_PARTENAIRE, row.finalite, role)
    if role is Profil.CFA or all(CategorieDonnee.SENSIBLE not in other.categories for other in delegate):
        return own
    return [other for other in own if CategorieDonnee.SENSIBLE in other.categories]


def _told(role: Profil) -> str:
    return f"agissant comme {role.value}, SI_PARTENAIRE y lirait"


def _excess(row: PolicyRow, own: list[PolicyRow], held: frozenset[Relation]) -> Iterator[str]:
    """What a row opens through these relations that no row of the principal does, under the same condition or without."""
    wider = [other for other in own if other.condition in (None, row.condition)]
    for relation in sorted(row.relations & held, key=lambda r: r.value):
        for categorie in sorted(row.categories, key=lambda c: c.value):
            same = [other for other in wider if relation in other.relations and categorie in other.categories]
            statuts = _statuts(row).difference(*map(_statuts, same))
            if statuts:
                told = "tout statut" if statuts == _statuts(row) else ", ".join(sorted(statuts))
                condition = row.condition or "sans condition"
                yield f"{categorie.value} par {relation.value} ({told}, {condition}), que celui-ci ne lit pas ainsi"


def _statuts(row: PolicyRow) -> frozenset[str]:
    """The statuses under which a row opens somebody: one that is not known, only where the row is open to all of them."""
    known = frozenset(statut.value for statut in row.statuts)
    return known | {UNKNOWN} if len(known) == len(StatutApprenant) else known

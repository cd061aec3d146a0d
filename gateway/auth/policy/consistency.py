"""Checks the rows of the policy file against each other: one that opens nothing, or that gives a delegate more than whom it
acts for, stops the start.

Knows no field, no viewer, no person.
"""

from collections.abc import Iterator, Mapping

from gateway.auth.policy.policy import RELATIONS, WITHOUT_FINALITE, AccessPolicy, PolicyRow, Relation
from gateway.auth.policy.rules import PARTNER_ROLES, Categories, Profil

# A partner system has the relations of the organisation it acts for.
HELD: Mapping[Profil, frozenset[Relation]] = {
    **RELATIONS,
    Profil.SI_PARTENAIRE: frozenset().union(*(RELATIONS[role] for role in PARTNER_ROLES)),
}


def rows_without_effect(policy: AccessPolicy, carried: Categories) -> Iterator[str]:
    """One text for each row, or part of a row, that changes nothing. `carried`: categories that fields carry."""
    for rank, row in enumerate(policy.regle):
        other_rows = [other for number, other in enumerate(policy.regle) if number != rank]
        for fault in (*_categories(row, carried), *_relations(row), *_among(row, other_rows)):
            yield f"regle.{rank} : {fault}"


def _categories(row: PolicyRow, carried: Categories) -> Iterator[str]:
    for categorie in sorted(row.categories, key=lambda c: c.value):
        if categorie in WITHOUT_FINALITE:
            yield f"{categorie.value} ne dépend pas d'une relation à un jeune"
        elif categorie not in carried:
            yield f"aucun champ ne porte la catégorie {categorie.value}"


def _relations(row: PolicyRow) -> Iterator[str]:
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
        own = [row for row in policy.regle if role in row.profils]
        for rank, row in enumerate(policy.regle):
            if Profil.SI_PARTENAIRE in row.profils:
                yield from (f"regle.{rank} : {_told(role)} {excess}" for excess in _excess(row, own, RELATIONS[role]))
        for name, part in (("agregat", policy.agregat), ("exploitation", policy.exploitation)):
            if Profil.SI_PARTENAIRE in part.profils and role not in part.profils:
                yield f"{name} : {_told(role)} ce que {role.value} ne lit pas"


def _told(role: Profil) -> str:
    return f"agissant comme {role.value}, SI_PARTENAIRE y lirait"


def _excess(row: PolicyRow, own: list[PolicyRow], held: frozenset[Relation]) -> Iterator[str]:
    """What a row opens through these relations that no row of the principal does, under the same condition or without."""
    wider = [other for other in own if other.condition in (None, row.condition)]
    for relation in sorted(row.relations & held, key=lambda r: r.value):
        for categorie in sorted(row.categories, key=lambda c: c.value):
            same = [other for other in wider if relation in other.relations and categorie in other.categories]
            statuts = row.statuts - frozenset().union(*(other.statuts for other in same))
            if statuts:
                told = "tout statut" if statuts == row.statuts else ", ".join(sorted(s.value for s in statuts))
                condition = row.condition or "sans condition"
                yield f"{categorie.value} par {relation.value} ({told}, {condition}), que celui-ci ne lit pas ainsi"

"""Checks the rows of the policy file against each other: one that opens nothing stops the start.

Knows no field, no viewer, no person.
"""

from collections.abc import Iterator, Mapping

from gateway.auth.policy.perimetre import RELATIONS, Relation
from gateway.auth.policy.policy import WITHOUT_FINALITE, AccessPolicy, PolicyRow
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

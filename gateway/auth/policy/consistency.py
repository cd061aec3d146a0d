"""Holds the policy file to itself: a row that opens nothing stops the start. Knows no field, no viewer, no person."""

from collections.abc import Iterator, Mapping

from gateway.auth.policy.perimetre import RELATIONS, Relation
from gateway.auth.policy.policy import WITHOUT_FINALITE, AccessPolicy, Categories, PolicyRow
from gateway.auth.policy.rules import PARTNER_ROLES, Profil

# A partner system has the relations of the organisation it acts for.
KEPT: Mapping[Profil, frozenset[Relation]] = {
    **RELATIONS,
    Profil.SI_PARTENAIRE: frozenset().union(*(RELATIONS[role] for role in PARTNER_ROLES)),
}


def rows_without_effect(policy: AccessPolicy, employees: Categories) -> Iterator[str]:
    """One line for each row, or part of a row, that changes nothing. `employees`: categories that fields carry."""
    for rank, line in enumerate(policy.regle):
        others = [other for numero, other in enumerate(policy.regle) if numero != rank]
        for default in (*_categories(line, employees), *_relations(line), *_among(line, others)):
            yield f"regle.{rank} : {default}"


def _categories(line: PolicyRow, employees: Categories) -> Iterator[str]:
    for categorie in sorted(line.categories, key=lambda c: c.value):
        if categorie in WITHOUT_FINALITE:
            yield f"{categorie.value} ne dépend pas d'une relation à un jeune"
        elif categorie not in employees:
            yield f"aucun champ ne porte la catégorie {categorie.value}"


def _relations(line: PolicyRow) -> Iterator[str]:
    kept_versions = {profil: KEPT.get(profil, frozenset()) & line.relations for profil in line.profils}
    yield from (f"{profil.value} n'a aucune de ces relations" for profil, own in kept_versions.items() if not own)
    vain = line.relations - frozenset().union(*kept_versions.values())
    yield from sorted(f"aucun de ces profils n'a la relation {relation.value}" for relation in vain)


def _among(line: PolicyRow, others: list[PolicyRow]) -> Iterator[str]:
    """A row that another contains adds nothing; one under condition adds to a record, so something must open it."""
    neighbours = [other for other in others if other.finalite is line.finalite and not other.condition]
    if any(_contains(other, line) and line.categories <= other.categories for other in neighbours):
        yield "une autre ligne accorde déjà tout cela"
    if line.condition and not any(_contains(other, line) for other in neighbours):
        yield "sa condition complète des dossiers qu'aucune ligne n'ouvre"


def _contains(larger: PolicyRow, smaller: PolicyRow) -> bool:
    """Whether each record that one row opens is opened by the other."""
    return (
        set(smaller.profils) <= set(larger.profils)
        and smaller.relations <= larger.relations
        and smaller.statuts <= larger.statuts
    )

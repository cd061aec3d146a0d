"""Holds the policy file to itself: a row that opens nothing stops the start. Knows no field, no viewer, no person."""

from collections.abc import Iterator, Mapping

from gateway.auth.perimetre import RELATIONS, Relation
from gateway.auth.politique import SANS_FINALITE, Categories, Politique, Regle
from gateway.auth.rules import ROLES_PARTENAIRE, Profil

# A partner system has the relations of the organisation it acts for.
TENUES: Mapping[Profil, frozenset[Relation]] = {
    **RELATIONS,
    Profil.SI_PARTENAIRE: frozenset().union(*(RELATIONS[role] for role in ROLES_PARTENAIRE)),
}


def lignes_sans_effet(politique: Politique, employees: Categories) -> Iterator[str]:
    """One line for each row, or part of a row, that changes nothing. `employees`: categories that fields carry."""
    for rang, ligne in enumerate(politique.regle):
        autres = [autre for numero, autre in enumerate(politique.regle) if numero != rang]
        for defaut in (*_categories(ligne, employees), *_relations(ligne), *_parmi(ligne, autres)):
            yield f"regle.{rang} : {defaut}"


def _categories(ligne: Regle, employees: Categories) -> Iterator[str]:
    for categorie in sorted(ligne.categories, key=lambda c: c.value):
        if categorie in SANS_FINALITE:
            yield f"{categorie.value} ne dépend pas d'une relation à un jeune"
        elif categorie not in employees:
            yield f"aucun champ ne porte la catégorie {categorie.value}"


def _relations(ligne: Regle) -> Iterator[str]:
    tenues = {profil: TENUES.get(profil, frozenset()) & ligne.relations for profil in ligne.profils}
    yield from (f"{profil.value} n'a aucune de ces relations" for profil, siennes in tenues.items() if not siennes)
    vaines = ligne.relations - frozenset().union(*tenues.values())
    yield from sorted(f"aucun de ces profils n'a la relation {relation.value}" for relation in vaines)


def _parmi(ligne: Regle, autres: list[Regle]) -> Iterator[str]:
    """A row that another contains adds nothing; one under condition adds to a record, so something must open it."""
    voisines = [autre for autre in autres if autre.finalite is ligne.finalite and not autre.condition]
    if any(_contient(autre, ligne) and ligne.categories <= autre.categories for autre in voisines):
        yield "une autre ligne accorde déjà tout cela"
    if ligne.condition and not any(_contient(autre, ligne) for autre in voisines):
        yield "sa condition complète des dossiers qu'aucune ligne n'ouvre"


def _contient(grande: Regle, petite: Regle) -> bool:
    """Whether each record that one row opens is opened by the other."""
    return (
        set(petite.profils) <= set(grande.profils)
        and petite.relations <= grande.relations
        and petite.statuts <= grande.statuts
    )

"""The view of a perimeter: every person it may see, merged and bounded, kept until what it came from changes.

A view is keyed by perimeter, purpose, day and versions of its units (docs/decisions/0006). Nothing here reaches a source.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import cache, partial
from typing import Any

import strawberry
from cachetools import LRUCache

from gateway.auth.policy.perimetre import Affiliation, Perimetre, is_age_admissible, is_contrat_visible, relations
from gateway.auth.policy.policy import AccessPolicy
from gateway.auth.policy.rules import CategorieDonnee, Finalite, Profil
from gateway.domain.identity import Traits
from gateway.domain.search import PersonIndex
from gateway.federation.collect.readings import Readings
from gateway.federation.directory import Directory
from gateway.federation.ids.assign import AssignedIds
from gateway.federation.ids.first_seen import Fact, date_report, undated_facts
from gateway.federation.ids.record_keys import contract_keys, person_keys, shared_identities
from gateway.federation.ids.resolve import RecordKeys
from gateway.federation.join.link import Cluster, link
from gateway.federation.join.merge import MergedPerson, merge, residence, uais_of
from gateway.federation.join.records import SourcedRecord
from gateway.federation.join.traitement import etat_traitement, motifs_priorite
from gateway.schema.nouns import Contrat, Jeune, Rupture
from gateway.schema.organisations import TypeSource

READINGS_MAX = 64  # rights and readings whose masked copies are kept with a view
RETRY_AFTER = 30.0  # seconds a view built without the ledger of links is kept, before it is tried again
LISTS_MAX = 16  # lists of one view kept in order, by filter and order
PAGES_MAX = 16  # pages of one view kept as they were shown to the same rights


@dataclass(frozen=True, slots=True)
class Rights:
    """Who looks, for what: enough to say what may be read of each person."""

    policy: AccessPolicy
    profil: Profil
    finalite: Finalite | None
    perimetre: Perimetre

    @property
    def readable(self) -> frozenset[CategorieDonnee]:
        """What the profile may read of somebody at least, for this purpose."""
        return self.policy.categories(self.profil, self.finalite)


@dataclass(frozen=True, slots=True)
class ViewPerson:
    """A person of a view and the categories its viewer may read of that very person."""

    merged: MergedPerson
    affiliation: Affiliation
    categories: frozenset[CategorieDonnee]

    @property
    def jeune(self) -> Jeune:
        return self.merged.jeune

    @property
    def traits(self) -> list[Traits]:
        """What its records tell of its identity."""
        return [
            sourced_record.traits for sourced_record in self.merged.cluster.sourced_records if sourced_record.traits
        ]


@dataclass(frozen=True, slots=True)
class Selection:
    """The persons of a view, who have no id yet, and all that the ledger of links is asked about them.

    Each comes with the keys that give ids: its own, then its contracts' in their order.
    """

    persons: tuple[tuple[ViewPerson, tuple[RecordKeys, ...]], ...]
    facts: tuple[Fact, ...]

    @property
    def key_sets(self) -> list[RecordKeys]:
        return [record_keys for _, key_sets in self.persons for record_keys in key_sets]


@dataclass(frozen=True, slots=True)
class Shown:
    """What leaves: a masked copy or a page of them, and the categories read of each person in it, by her id."""

    value: Any
    read: dict[str, frozenset[CategorieDonnee]]


@dataclass(slots=True)
class ShownCopies:
    """What was made to be shown to the same rights: masked copies by id, and pages of them."""

    copies: dict[str, Shown] = field(default_factory=dict)
    pages: LRUCache[Hashable, Shown] = field(default_factory=lambda: LRUCache(PAGES_MAX))


@dataclass(slots=True)
class View:
    """The persons of a perimeter, by id, and their contracts and ruptures that it may see.

    `lists` and `_shown_copies` are what answers made of them, kept as long as they are: lists in order, masked copies looked at.
    """

    persons: dict[str, ViewPerson] = field(default_factory=dict)
    contrats: dict[str, tuple[ViewPerson, Contrat]] = field(default_factory=dict)
    ruptures: dict[str, tuple[ViewPerson, Rupture]] = field(default_factory=dict)
    former_ids: dict[str, str] = field(default_factory=dict)  # ids of before, and what they have become
    stale: float | None = None  # loop time when one built without the ledger of links must be built again
    lists: LRUCache[tuple[str, ...], Any] = field(default_factory=lambda: LRUCache(LISTS_MAX))
    _person_index: PersonIndex | None = None
    _shown_copies: dict[object, ShownCopies] = field(default_factory=dict)

    def shown_copies(self, rights: Rights, categories: frozenset[CategorieDonnee], rows: frozenset[str]) -> ShownCopies:
        """What was already made to be shown for these rights and this reading: whoever else looks starts again."""
        key = (rights.profil, rights.finalite, rights.perimetre, categories, rows)
        if key not in self._shown_copies and len(self._shown_copies) >= READINGS_MAX:
            self._shown_copies.clear()
        return self._shown_copies.setdefault(key, ShownCopies())

    @property
    def person_index(self) -> PersonIndex:
        """Its persons, by id, to be looked up by identity; made at the first search."""
        if self._person_index is None:
            self._person_index = PersonIndex((key, person.traits) for key, person in self.persons.items())
        return self._person_index


def limit_lookups(readings: Readings, rights: Rights, directory: Directory, day: date) -> Selection:
    """Join, merge and bound: a person without relation to the viewer never enters the view."""
    pseudonym = cache(directory.pseudonym)  # a record gives several; forgotten with this reading
    clusters = link(readings.sourced_records, partial(_may_place, rights=rights, directory=directory))
    shared = shared_identities(clusters, readings.complete)
    selected_people = []
    for cluster in clusters:
        if not _may_concern(cluster, rights, directory):
            continue
        merged = merge(cluster, directory, day)
        affiliation = _affiliation(merged, directory)
        granted = readable(merged.jeune, affiliation, rights)
        if granted:
            own = person_keys(cluster, shared, pseudonym)
            key_sets = (own, *contract_keys(merged.folded_contrats, pseudonym))
            selected_people.append((ViewPerson(merged, affiliation, granted), key_sets))
    folded_contrats = [folded for person, _ in selected_people for folded in person.merged.folded_contrats]
    facts = [fact for folded in folded_contrats for fact in undated_facts(folded, pseudonym)]
    return Selection(tuple(selected_people), tuple(facts))


def append(
    selected_people: Selection, assigned_ids: AssignedIds, rights: Rights, directory: Directory, readings: Readings
) -> View:
    """Give each person, contract and rupture its id, and its place in the view."""
    view = View(former_ids=dict(assigned_ids.former_ids))
    for person, key_sets in selected_people.persons:
        _identify(person.merged, key_sets, assigned_ids, directory)
        _append(view, person, rights, readings)
    return view


def _identify(
    merged: MergedPerson, key_sets: tuple[RecordKeys, ...], assigned_ids: AssignedIds, directory: Directory
) -> None:
    """Ids, and the first sightings that go with them: what the sources of the moment do not tell."""
    merged.jeune.id = strawberry.ID(directory.seal("Jeune", assigned_ids.id_of(key_sets[0])))
    for contrat, folded, record_keys in zip(merged.contrats, merged.folded_contrats, key_sets[1:], strict=True):
        object_ = assigned_ids.id_of(record_keys)
        contrat.id = strawberry.ID(directory.seal("Contrat", object_))
        if contrat.rupture:
            contrat.rupture.id = strawberry.ID(directory.seal("Rupture", object_))
            date_report(contrat.rupture, folded, assigned_ids.first_seen, directory.pseudonym)


def _may_place(sourced_record: SourcedRecord, rights: Rights, directory: Directory) -> bool:
    """Whether it may be what puts its person in the view: the home of a person is one that a testimony tells."""
    if rights.perimetre.profil is not Profil.MISSION_LOCALE:
        return True
    code = rights.perimetre.organisation
    if sourced_record.type is TypeSource.MISSION_LOCALE and sourced_record.tenant == code:
        return True
    return directory.mission_locale_of_home(sourced_record.jeune.adresse) == code


def _may_concern(cluster: Cluster, rights: Rights, directory: Directory) -> bool:
    """Cheap first look, before merging: those who see by residence need it to be theirs, or to follow the person."""
    if rights.perimetre.profil is not Profil.MISSION_LOCALE:
        return True
    _, place = residence(cluster, directory)
    code = rights.perimetre.organisation
    return (place is not None and place.mission_locale == code) or code in _followed_by(cluster)


def _followed_by(cluster: Cluster) -> frozenset[str]:
    return frozenset(t.tenant for t in cluster.sourced_records if t.type is TypeSource.MISSION_LOCALE)


def _affiliation(merged: MergedPerson, directory: Directory) -> Affiliation:
    uais = uais_of(merged.jeune)
    organismes = [organisme for uai in uais if (organisme := directory.referentiel.organisme(uai, None))]
    place = merged.residence
    return Affiliation(
        mission_locale=place.mission_locale if place else None,
        followed_by=_followed_by(merged.cluster),
        departement=place.departement if place else None,
        region=place.region if place else None,
        uais=uais,
        reseaux=frozenset(reseau for organisme in organismes for reseau in organisme.reseaux),
        regions=_codes(organisme.region for organisme in organismes),
        departements=_codes(organisme.departement for organisme in organismes),
        academies=_codes(organisme.academie for organisme in organismes),
    )


def _codes(codes: Iterable[str | None]) -> frozenset[str]:
    return frozenset(code for code in codes if code)


def readable(jeune: Jeune, affiliation: Affiliation, rights: Rights) -> frozenset[CategorieDonnee]:
    """What the viewer may read of this person; nothing when out of perimeter."""
    links = relations(rights.perimetre, affiliation)
    # Showing somebody for a disability tells it: only to those who may read it.
    rqth = jeune.rqth if CategorieDonnee.SENSIBLE in rights.readable else None
    if not links or not is_age_admissible(rights.perimetre, jeune.age, rqth):
        return frozenset()
    statut = jeune.statut.valeur if jeune.statut else None
    collaboration = jeune.collaboration is not None and jeune.collaboration.demandee_le is not None
    granted = rights.policy.granted(rights.profil, rights.finalite, links, statut, collaboration)
    return granted - {CategorieDonnee.PUBLIQUE} and granted


def _append(view: View, person: ViewPerson, rights: Rights, readings: Readings) -> None:
    jeune = person.jeune
    _bound(jeune, rights.perimetre)
    view.persons[jeune.id] = person
    known_suivi = _known_suivi(jeune, rights, readings)
    for contrat in jeune.contrats or []:
        view.contrats[contrat.id] = (person, contrat)
        if contrat.rupture:
            _processing(contrat.rupture, person, known_suivi)
            view.ruptures[contrat.rupture.id] = (person, contrat.rupture)


def _bound(jeune: Jeune, perimetre: Perimetre) -> None:
    """Rows of the person that the viewer may not see: contracts and trainings at other CFAs than its own."""
    jeune.contrats = [c for c in jeune.contrats or [] if is_contrat_visible(perimetre, c.cfa.uai if c.cfa else None)]
    jeune.ruptures = [r for r in jeune.ruptures or [] if any(r.contrat is contrat for contrat in jeune.contrats)]
    jeune.formations = [
        f for f in jeune.formations or [] if is_contrat_visible(perimetre, f.cfa.uai if f.cfa else None)
    ]
    for contrat in jeune.contrats:
        if not any(contrat.formation is formation for formation in jeune.formations):
            contrat.formation = None


def _known_suivi(jeune: Jeune, rights: Rights, readings: Readings) -> bool:
    """Whether the absence of a follow-up means something: the system that would hold it was heard."""
    code = jeune.mission_locale.code if jeune.mission_locale else None
    if rights.perimetre.profil is Profil.MISSION_LOCALE:
        code = rights.perimetre.organisation
    return jeune.suivi is not None or code in readings.suivi_heard


def _processing(rupture: Rupture, person: ViewPerson, known_suivi: bool) -> None:
    """State and priority; a reason that would tell a category not granted is left out (docs/graphe.md, Droits)."""
    if not known_suivi:
        return
    motifs = motifs_priorite(person.jeune, rupture)
    rupture.etat = etat_traitement(person.jeune.suivi, rupture)
    rupture.motifs_priorite = [reason for reason in motifs if reason.tells in person.categories]
    rupture.prioritaire = bool(rupture.motifs_priorite)

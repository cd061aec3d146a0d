"""Selects the persons of a view to be: joined, merged, and bounded to the perimeter; unties them once they are left. Knows no id,
reaches no store.

Whom Missions locales' records join depends on who looks (docs/decisions/0049): everybody told, for a Mission locale; for
others, nobody: they are attached afterwards, where what they tell may be read.

A young person leads to its contracts, and these back to it. Left as they are, they would wait for the cycle collector, which
stops the process for as long as it looks at everything kept, and is told to come as seldom as can be.
"""

import weakref
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache, partial
from threading import Thread
from typing import Any

from gateway.auth.policy.policy import Affiliation, is_request_open, joins_all
from gateway.auth.policy.rules import CategorieDonnee, Profil
from gateway.federation.collect.kept_readings import Readings
from gateway.federation.directory import Directory
from gateway.federation.ids.assign import Fact, Pseudonym, contract_keys, person_keys, shared_identities, undated_facts
from gateway.federation.ids.resolve import RecordKeys
from gateway.federation.join.follow_ups import attach_follow_ups, claims, own_requests
from gateway.federation.join.link import Cluster, FollowUp, Key, SourcedRecord, link, link_again
from gateway.federation.join.merge import MergedPerson, merge, residence
from gateway.federation.join.precedence import FoldedContrat, fold
from gateway.federation.views.view import Rights, ShownCopies, View, ViewPerson, readable
from gateway.schema.nouns import Contrat, Jeune, Rupture
from gateway.schema.organisations import TypeSource


@dataclass(frozen=True, slots=True)
class SelectedPersons:
    """The persons of a view to be, without ids, and all that the ledger of links is asked about them.

    Each person comes with the keys that give ids: its own, then its contracts' in their order. `base`: the keys of what CFAs
    and the registry alone make of them, be it nobody, where Missions locales' records joined too; else None.
    """

    persons: tuple[tuple[ViewPerson, tuple[RecordKeys, ...]], ...]
    facts: tuple[Fact, ...]
    base: tuple[RecordKeys, ...] | None = None

    @property
    def key_sets(self) -> list[RecordKeys]:
        return [record_keys for _, key_sets in self.persons for record_keys in key_sets]


def select_persons(readings: Readings, rights: Rights, directory: Directory, day: date) -> SelectedPersons:
    """The persons of whom these rights read something, joined and merged."""
    pseudonym = cache(directory.pseudonym)  # one record gives several; not kept longer than this call
    of_others, followed = _parted(readings)
    joined = readings.sourced_records if joins_all(rights.perimetre) else of_others
    clusters = link(joined, partial(_may_place, rights=rights, directory=directory))
    persons = _persons(clusters, rights, directory, day)
    if joined is of_others and followed:
        persons = _with_follow_ups(persons, claims(clusters, followed), rights, directory)
    persons = _within_sight(persons)
    # Over all clusters, not those selected: an identity that two persons share names nobody, be one of them out of sight.
    shared = shared_identities(clusters, readings.complete)
    selected = [(p, _key_sets(p.merged.cluster, p.merged.folded_contrats, shared, pseudonym)) for p in persons]
    base = _base(persons, clusters, of_others, readings.complete, pseudonym) if len(joined) > len(of_others) else None
    folded_contrats = [folded for person in persons for folded in person.merged.folded_contrats]
    facts = [fact for folded in folded_contrats for fact in undated_facts(folded, pseudonym)]
    return SelectedPersons(tuple(selected), tuple(facts), base)


def _parted(readings: Readings) -> tuple[list[SourcedRecord], list[SourcedRecord]]:
    """The records of CFAs and of the registry; those of Missions locales."""
    parts: tuple[list[SourcedRecord], list[SourcedRecord]] = [], []
    for record in readings.sourced_records:
        parts[record.type is TypeSource.MISSION_LOCALE].append(record)
    return parts


def _persons(clusters: Iterable[Cluster], rights: Rights, directory: Directory, day: date) -> list[ViewPerson]:
    """Those of whom something may be read, merged."""
    persons = []
    for cluster in clusters:
        if not _may_concern(cluster, rights, directory):
            continue
        merged = merge(cluster, directory, day)
        affiliation = _affiliation(merged, directory)
        if granted := readable(merged.jeune, affiliation, rights):
            persons.append(ViewPerson(merged, affiliation, granted))
        else:
            untie_merged(merged)
    return persons


def _with_follow_ups(
    persons: Iterable[ViewPerson], found: Mapping[str, Sequence[FollowUp]], rights: Rights, directory: Directory
) -> list[ViewPerson]:
    """The same, each with what Missions locales tell of its follow-up, where that may be read of this very person."""
    return [_follow(person, found.get(person.merged.cluster.key, ()), rights, directory) for person in persons]


def _follow(person: ViewPerson, found: Sequence[FollowUp], rights: Rights, directory: Directory) -> ViewPerson:
    jeune, affiliation = person.jeune, person.affiliation
    own = own_requests(found, lambda request: is_request_open(rights.perimetre, request.uai, affiliation))
    before = jeune.suivi, jeune.collaboration
    merged = attach_follow_ups(person.merged, own, found, directory)
    granted = readable(jeune, affiliation, rights)
    request = jeune.collaboration
    # Whatever the policy says: without its own request, nothing that a CFA reads comes from a Mission locale.
    asked = request is not None and is_request_open(rights.perimetre, request.uai, affiliation)
    if merged.follow_ups and CategorieDonnee.SUIVI in granted and (asked or rights.perimetre.profil is not Profil.CFA):
        return ViewPerson(merged, affiliation, granted)
    # Everything or nothing: elsewhere, not even that a Mission locale knows this person.
    jeune.suivi, jeune.collaboration = before
    return person


def _within_sight(persons: Sequence[ViewPerson]) -> list[ViewPerson]:
    """The same, without the doubtful links to a record of somebody else than them (docs/security.md S4)."""
    seen = {trait.rank for person in persons for trait in person.traits}
    return [_without_strangers(p, seen) if p.merged.cluster.doubtful else p for p in persons]


def _without_strangers(person: ViewPerson, seen: Collection[Key]) -> ViewPerson:
    cluster = person.merged.cluster
    kept = tuple(pair for pair in cluster.doubtful if pair.left.rank in seen and pair.right.rank in seen)
    return replace(person, merged=replace(person.merged, cluster=replace(cluster, doubtful=kept)))


def _key_sets(
    cluster: Cluster, folded_contrats: Sequence[FoldedContrat], shared: frozenset[str], pseudonym: Pseudonym
) -> tuple[RecordKeys, ...]:
    return person_keys(cluster, shared, pseudonym), *contract_keys(folded_contrats, pseudonym)


def _base(
    persons: Iterable[ViewPerson],
    clusters: Sequence[Cluster],
    records: Sequence[SourcedRecord],
    complete: bool,
    pseudonym: Pseudonym,
) -> tuple[RecordKeys, ...]:
    """The keys of what is made of these persons without Missions locales: what everybody else sees of them."""
    # Only what a dossier may have moved is grouped again: the rest is what everybody sees already.
    own = {who.key for person in persons for who in person.merged.cluster.sourced_records}
    touched = _touched(clusters)
    untouched = [cluster for cluster in clusters if cluster.sourced_records[0].key not in touched]
    base = [*untouched, *link_again(records, touched & {who.key for who in records})]
    shared = shared_identities(base, complete)
    concerned = [cluster for cluster in base if any(who.key in own for who in cluster.sourced_records)]
    return tuple(keys for c in concerned for keys in _key_sets(c, fold(c.sourced_records), shared, pseudonym))


def _touched(clusters: Iterable[Cluster]) -> set[Key]:
    """The records, near or far, that a record of a Mission locale may have joined or kept apart: no other would be grouped
    otherwise without it."""
    # Doubtful pairs tie as much as joins: without the record between them, two others may be told apart otherwise.
    tied: dict[Key, set[Key]] = defaultdict(set)
    for cluster in clusters:
        keys = {who.key for who in cluster.sourced_records}
        for pair in cluster.doubtful:
            keys |= {pair.left.rank, pair.right.rank}
        for key in keys:
            tied[key] |= keys
    records = (who for cluster in clusters for who in cluster.sourced_records)
    new = {who.key for who in records if who.type is TypeSource.MISSION_LOCALE}
    touched: set[Key] = set()
    while new:
        touched |= new
        new = set().union(*(tied[key] for key in new)) - touched
    return touched


def _may_place(sourced_record: SourcedRecord, rights: Rights, directory: Directory) -> bool:
    """Whether this record could be what puts its person in the view: its own system's, or an address of the territory."""
    # What nothing ties to such a record is never compared: a Mission locale has a hundredth of its region.
    if rights.perimetre.profil is not Profil.MISSION_LOCALE:
        return True
    return may_place_in(sourced_record, rights.perimetre.organisation, directory)


def may_place_in(sourced_record: SourcedRecord, code: str, directory: Directory) -> bool:
    """Whether this record could be what puts its person before a Mission locale: its own system's, or a home it serves."""
    if sourced_record.type is TypeSource.MISSION_LOCALE and sourced_record.tenant == code:
        return True
    return directory.mission_locale_of_home(sourced_record.jeune.adresse) == code


def _may_concern(cluster: Cluster, rights: Rights, directory: Directory) -> bool:
    """Whether merging is worth it: a Mission locale sees those who live in its territory, and those it follows."""
    # Cheaper than a merge, and never stricter than `readable`, which decides.
    if rights.perimetre.profil is not Profil.MISSION_LOCALE:
        return True
    _, place = residence(cluster, directory)
    code = rights.perimetre.organisation
    return (place is not None and place.mission_locale == code) or code in _followed_by(cluster)


def _followed_by(cluster: Cluster) -> frozenset[str]:
    return frozenset(who.tenant for who in cluster.sourced_records if who.type is TypeSource.MISSION_LOCALE)


def _affiliation(merged: MergedPerson, directory: Directory) -> Affiliation:
    # A CFA that the referential does not know ties its people to no network and no territory.
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


def uais_of(jeune: Jeune) -> frozenset[str]:
    """The CFAs of a person's contracts and formations."""
    cfas = [contrat.cfa for contrat in jeune.contrats or []] + [f.cfa for f in jeune.formations or []]
    return frozenset(cfa.uai for cfa in cfas if cfa and cfa.uai)


def untie_once_left(view: View) -> None:
    """Have it done, beside the loop, when the last who reads the view is gone: nothing of it is shown any more."""
    finalizer = weakref.finalize(view, _start, vars(view))
    # A process that ends gives everything back at once.
    finalizer.atexit = False


def _start(held: dict[str, Any]) -> None:
    Thread(target=_untie_all, args=(held,), name="vue-quittee", daemon=True).start()


def _untie_all(held: dict[str, Any]) -> None:
    # One at a time: freed together, they would hold the interpreter all the while.
    persons: dict[str, ViewPerson] = held["persons"]
    kept_copies: dict[object, ShownCopies] = held["kept_copies"]
    for shown_copies in kept_copies.values():
        shown_copies.pages.clear()
        while shown_copies.copies:
            untie(shown_copies.copies.popitem()[1].value)
    # Lists and indexes lead to the persons, who are untied last.
    for name in held.keys() - {"persons"}:
        del held[name]
    while persons:
        untie_merged(persons.popitem()[1].merged)


def untie_merged(merged: MergedPerson) -> None:
    """Take the links back from a person of whom nothing is shown."""
    _untie_contrats(merged.contrats)


def untie(copy: Any) -> None:
    """Take the links back from a masked copy, and from all that it leads to."""
    jeune = copy if isinstance(copy, Jeune) else copy.jeune
    own = [copy] if isinstance(copy, Contrat) else [copy.contrat] if isinstance(copy, Rupture) else []
    _untie_contrats([contrat for contrat in (*own, *((jeune and jeune.contrats) or ())) if contrat])
    _untie_ruptures([rupture for rupture in ((jeune and jeune.ruptures) or ()) if rupture])


def _untie_contrats(contrats: Iterable[Contrat]) -> None:
    for contrat in contrats:
        contrat.jeune = None
        _untie_ruptures([contrat.rupture] if contrat.rupture else [])


def _untie_ruptures(ruptures: Iterable[Rupture]) -> None:
    for rupture in ruptures:
        rupture.jeune = rupture.contrat = None

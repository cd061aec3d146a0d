"""Selects the persons of a view to be: joined, merged, and bounded to the perimeter. Knows no id, reaches no store.

Whom Missions locales' records join depends on who looks (docs/decisions/0049): everybody told, for a Mission locale; for
others, nobody: they are attached afterwards, where what they tell may be read.

What a group was made into for the same viewer is kept as long as the group is the same object (`join.components`), the same
follow-ups are its own, and it shows the same doubtful links: what one record changed is merged again, and nothing else.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property

from gateway.auth.policy.policy import Affiliation, is_request_open, joins_all
from gateway.auth.policy.rules import CategorieDonnee, Profil
from gateway.domain.matching import ScoredPair
from gateway.federation.collect.kept_readings import SourceReadings
from gateway.federation.ids.id_assigner import AssignedIds, Fact, Pseudonym, contract_keys, person_keys, undated_facts
from gateway.federation.ids.keep_or_create import RecordKeys
from gateway.federation.join.components import NOTHING, Components, RecordsByInstallation, regroup
from gateway.federation.join.follow_ups import Claim, attach_follow_ups, claimed, claims, own_requests
from gateway.federation.join.join_records import Cluster, FollowUp, Key, SourcedRecord
from gateway.federation.join.merge import MergedPerson, Ties, merge, residence, untie_contrats
from gateway.federation.join.precedence import FoldedContrat, fold
from gateway.federation.join.record_pool import RecordPool
from gateway.federation.organisation_directory import Directory
from gateway.federation.views.view import Rights, ViewPerson, readable
from gateway.schema.nouns import Jeune
from gateway.schema.organisations import TypeSource


@dataclass(slots=True)
class Chosen:
    """What was made of a group for one viewer: the person, if something of it may be read, under the keys that give ids (its own,
    then its contracts' in their order). `found`: the follow-ups that may be its own; `sight`: the doubtful links it shows.

    `placed_as`: once in a view, what its ids and days were made of. It may then be in others, and is never written to. `ties`:
    kept once views that hold it are.
    """

    cluster: Cluster
    complete: bool
    found: Sequence[FollowUp] = ()
    person: ViewPerson | None = None
    key_sets: tuple[RecordKeys, ...] = ()
    facts: tuple[Fact, ...] = ()
    sight: tuple[ScoredPair, ...] = ()
    placed_as: Hashable = None
    ties: Ties | None = None


@dataclass(frozen=True, slots=True)
class BaseGroup:
    """A group that CFAs and the registry alone make, and its keys."""

    cluster: Cluster
    complete: bool
    key_sets: tuple[RecordKeys, ...]


@dataclass(frozen=True)
class SelectedPersons:
    """The persons of a view to be, without ids, and all that the ledger of links is asked about them.

    `chosen`: what was made of each of the `groups`, by key of its best record. `base`: where Missions locales' records joined
    too, what CFAs and the registry alone make of these persons, and everybody else sees, be it nobody; else None."""

    chooser: "Chooser | None" = None
    groups: Components = NOTHING
    chosen: dict[Key, Chosen] = field(default_factory=dict)
    base_groups: Components = NOTHING
    base: Mapping[Key, BaseGroup] | None = None
    claims: Mapping[Key, Claim] = field(default_factory=dict)

    @cached_property
    def persons(self) -> list[Chosen]:
        """In an order that tells nothing of what was read before."""
        return sorted((one for one in self.chosen.values() if one.person), key=lambda one: one.cluster.key)

    @cached_property
    def key_sets(self) -> list[RecordKeys]:
        return [record_keys for chosen in self.persons for record_keys in chosen.key_sets]

    @property
    def facts(self) -> list[Fact]:
        return [fact for chosen in self.persons for fact in chosen.facts]

    @property
    def base_key_sets(self) -> list[RecordKeys] | None:
        return None if (base := self.base) is None else [keys for key in sorted(base) for keys in base[key].key_sets]

    @cached_property
    def asked(self) -> tuple[object, ...]:
        """All that the ledger would be asked."""
        return self.key_sets, self.facts, self.base_key_sets


NOBODY = SelectedPersons()


def select_persons(
    readings: SourceReadings, rights: Rights, directory: Directory, day: date, before: SelectedPersons = NOBODY
) -> SelectedPersons:
    """The persons of whom these rights read something, joined and merged; the very ones of `before`, selected for the same rights
    that day, where nothing of them changed."""
    chooser = Chooser(rights, directory, day, readings.complete, directory.pseudonym)
    of_others, followed = _parted(readings)
    if joins_all(rights.perimetre):
        groups = regroup(readings.pool, readings.by_installation, chooser.may_place, before.groups)
        selected = SelectedPersons(chooser, groups, chooser.choose_all(groups, {}, before))
        return chooser.with_base(selected, readings.pool, before) if followed else selected
    groups = readings.groups or regroup(readings.pool, of_others, before=before.groups)
    found = claims(groups, readings.pool, followed, before.claims)
    return SelectedPersons(chooser, groups, chooser.choose_all(groups, claimed(found), before), claims=found)


def renewed(selected: SelectedPersons, assigned_ids: AssignedIds) -> SelectedPersons:
    """The same, those made anew of whom the ledger says something else than in the view that they are in."""
    chooser, chosen = selected.chooser, dict(selected.chosen)
    for key, one in selected.chosen.items():
        if chooser and one.placed_as not in {None, assigned_ids.of(one.key_sets, one.facts)}:
            chosen[key] = chooser.seeing(chooser.choose(one.cluster, one.found), one.sight)
    return replace(selected, chosen=chosen)


def _parted(readings: SourceReadings) -> tuple[RecordsByInstallation, list[SourcedRecord]]:
    """What CFAs and the registry say; the records of Missions locales."""
    of_others, followed = dict[tuple[str, str], Sequence[SourcedRecord]](), list[SourcedRecord]()
    for origin, records in readings.by_installation.items():
        if records and records[0].type is TypeSource.MISSION_LOCALE:
            followed += records
        else:
            of_others[origin] = records
    return of_others, followed


@dataclass(frozen=True, slots=True)
class Chooser:
    """For whom persons are selected, of which directory, on which day; `complete`: whether every source was heard."""

    rights: Rights
    directory: Directory
    day: date
    complete: bool
    pseudonym: Pseudonym

    def may_place(self, sourced_record: SourcedRecord) -> bool:
        """Whether this record could be what puts its person in the view: its own system's, or an address of the territory."""
        return may_place_in(sourced_record, self.rights.perimetre.organisation, self.directory)

    def choose_all(
        self, groups: Components, found: Mapping[str, Sequence[FollowUp]], before: SelectedPersons
    ) -> dict[Key, Chosen]:
        """What is made of each group, by key of its best record."""
        chosen = dict[Key, Chosen]()
        for key, cluster in groups.clusters.items():
            own, was = found.get(cluster.key, ()), before.chosen.get(key)
            kept = was is not None and was.cluster is cluster and was.complete is self.complete
            chosen[key] = was if was and kept and _are_same(was.found, own) else self.choose(cluster, own)
        self._keep_within_sight(groups, chosen)
        return chosen

    def choose(self, cluster: Cluster, found: Sequence[FollowUp]) -> Chosen:
        """What is made of a group, merged anew."""
        person = self._person(cluster)
        if person is None:
            return Chosen(cluster, self.complete, found)
        person = _follow(person, found, self.rights, self.directory) if found else person
        folded = person.merged.folded_contrats
        facts = tuple(fact for one in folded for fact in undated_facts(one, self.pseudonym))
        return Chosen(cluster, self.complete, found, person, self._key_sets(cluster, folded), facts, cluster.doubtful)

    def _person(self, cluster: Cluster) -> ViewPerson | None:
        """The person, if something of it may be read."""
        if not _may_concern(cluster, self.rights, self.directory):
            return None
        merged = merge(cluster, self.directory, self.day)
        affiliation = _affiliation(merged, self.directory)
        granted = readable(merged.jeune, affiliation, self.rights)
        if not granted:
            untie_contrats(merged.contrats)
        return ViewPerson(merged, affiliation, granted) if granted else None

    def _key_sets(self, cluster: Cluster, folded: Sequence[FoldedContrat]) -> tuple[RecordKeys, ...]:
        # An identity that two persons share names nobody, be one of them out of sight; a source not heard may know a second one.
        shared = cluster.shared if self.complete else frozenset(who.identity for who in cluster.sourced_records)
        return person_keys(cluster, shared, self.pseudonym), *contract_keys(folded, self.pseudonym)

    def _keep_within_sight(self, groups: Components, chosen: dict[Key, Chosen]) -> None:
        """Leave out the doubtful links to a record of somebody else than those chosen (docs/security.md S4)."""

        def is_seen(key: Key) -> bool:
            owner = groups.owner.get(key)
            return owner is not None and chosen[owner.sourced_records[0].key].person is not None

        for key, one in chosen.items():
            if one.person and one.cluster.doubtful:
                sight = tuple(p for p in one.cluster.doubtful if is_seen(p.left.rank) and is_seen(p.right.rank))
                chosen[key] = self.seeing(one, sight)

    def seeing(self, chosen: Chosen, sight: tuple[ScoredPair, ...]) -> Chosen:
        """The same, which shows these doubtful links."""
        if sight == chosen.sight:
            return chosen
        # One that is in a view is not written to: what joined its records is written on the very person.
        anew = chosen if chosen.placed_as is None else self.choose(chosen.cluster, chosen.found)
        if anew.person is None:
            return anew
        cluster = replace(anew.person.merged.cluster, doubtful=sight)
        return replace(
            anew, sight=sight, person=replace(anew.person, merged=replace(anew.person.merged, cluster=cluster))
        )

    def with_base(self, selected: SelectedPersons, pool: RecordPool, before: SelectedPersons) -> SelectedPersons:
        """The same, with what is made of these persons without Missions locales."""
        # Whatever links lead to from somebody of the view was followed: no other record can count.
        held = selected.groups.held
        near = [who for key in selected.groups.owner if (who := held[key].who).type is not TypeSource.MISSION_LOCALE]
        groups = regroup(pool, {("", ""): near}, before=before.base_groups)
        own = {who.key for chosen in selected.persons for who in chosen.cluster.sourced_records}
        base = {
            key: self._base_group(cluster, (before.base or {}).get(key))
            for key, cluster in groups.clusters.items()
            if any(who.key in own for who in cluster.sourced_records)
        }
        return replace(selected, base_groups=groups, base=base)

    def _base_group(self, cluster: Cluster, was: BaseGroup | None) -> BaseGroup:
        if was is not None and was.cluster is cluster and was.complete is self.complete:
            return was
        return BaseGroup(cluster, self.complete, self._key_sets(cluster, fold(cluster.sourced_records)))


def _are_same(found: Sequence[FollowUp], other: Sequence[FollowUp]) -> bool:
    """Whether they are the same records, tied as surely."""
    told, also = ([(id(who), p.left.rank, p.right.rank, p.similarity) for who, p in each] for each in (found, other))
    return told == also


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
    return replace(person, claimed=tuple(found)) if rights.perimetre.profil is Profil.CFA else person


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
        regions=frozenset(filter(None, (organisme.region for organisme in organismes))),
        departements=frozenset(filter(None, (organisme.departement for organisme in organismes))),
        academies=frozenset(filter(None, (organisme.academie for organisme in organismes))),
    )


def uais_of(jeune: Jeune) -> frozenset[str]:
    """The CFAs of a person's contracts and formations."""
    cfas = [contrat.cfa for contrat in jeune.contrats or []] + [f.cfa for f in jeune.formations or []]
    return frozenset(cfa.uai for cfa in cfas if cfa and cfa.uai)

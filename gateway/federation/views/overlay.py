"""Lays over a view what was written through the gateway and no partner tells yet. Pure; knows no store and no act.

A write is a testimony of the person that its author saw: it is attached by the id that she had, or what it has become, and joins
nobody. Everything else follows the rules of partners: who may read a follow-up, a request or a rupture is decided anew of
that very person, with what was written.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from gateway.auth.policy.policy import is_request_open
from gateway.auth.policy.rules import CategorieDonnee, Profil
from gateway.connectors.base import Record
from gateway.domain.days import paris_day
from gateway.federation.collect.kept_readings import SourceReadings
from gateway.federation.join.follow_ups import attach_follow_ups
from gateway.federation.join.join_records import SourcedRecord
from gateway.federation.join.merge import Declared, MergedPerson, merge
from gateway.federation.join.provenance import Received
from gateway.federation.organisation_directory import Directory
from gateway.federation.views.build import place_bound, place_person
from gateway.federation.views.view import Rights, View, ViewPerson, readable
from gateway.schema.nouns import Collaboration, Contrat, EtapeSuivi, Jeune, Rupture, Suivi
from gateway.schema.organisations import TypeSource
from gateway.schema.write_states import EtatEcriture, ReponseAccompagnement

DEPOSIT = "depot"  # the name of the gateway among the sources


@dataclass(frozen=True, slots=True)
class Answer:
    """What a Mission locale answers to a request for joint support."""

    reponse: ReponseAccompagnement
    commentaire: str | None


@dataclass(frozen=True, slots=True)
class Testimony:
    """What one write says of a person. `jeune` and `contrat`: the ids they had; `organisation`: UAI or code of who says it;
    `sent_at`: when its partner received it, which tells it from then on."""

    write: str
    jeune: str
    contrat: str | None
    organisation: str
    at: datetime
    sent_at: datetime | None
    etat: EtatEcriture
    told: Suivi | Collaboration | Answer | Rupture


@dataclass(frozen=True, slots=True)
class Overlay:
    """What was told of the persons of a view at a revision of the writes, and the view with it; None: it changes nothing."""

    revision: int
    told: Mapping[str, Sequence[Testimony]]
    view: View | None


@dataclass(frozen=True, slots=True)
class ViewInputs:
    """Who looks, when and where, and what was heard: what a view was built with."""

    rights: Rights
    directory: Directory
    day: date
    readings: SourceReadings


def lay_over(
    view: View, told: Mapping[str, Sequence[Testimony]], inputs: ViewInputs, last: Overlay | None
) -> View | None:
    """The view with what is told of its persons, by their ids; None when that is nothing. `last`: the overlay before.

    It shares the persons of whom nothing is told: whoever reads it holds the view it was made of.
    """
    changed = {key: view.persons[key] for key, said in told.items() if said and key in view.persons}
    if not changed:
        return None
    laid = View(
        persons={key: person for key, person in view.persons.items() if key not in changed},
        contrats={key: pair for key, pair in view.contrats.items() if pair[0].jeune.id not in changed},
        ruptures={key: pair for key, pair in view.ruptures.items() if pair[0].jeune.id not in changed},
        former_ids=view.former_ids,
        records=view.records,
        received=view.received,
        stale=view.stale,
        people_before=view.people_before,
    )
    for key, person in changed.items():
        if kept := _kept(last, key, told[key]):
            place_bound(laid, kept)
            continue
        # A write may close what it had opened to this reader: whoever is out of sight afterwards is in no list.
        after = _told(person, told[key], inputs)
        if readable(after.jeune, after.affiliation, inputs.rights):
            place_person(laid, after, inputs.rights, inputs.readings)
    return laid


def _kept(last: Overlay | None, key: str, told: Sequence[Testimony]) -> ViewPerson | None:
    """The person as she was laid over before, while the same is told of her: merging her again would give the same."""
    return last.view.persons.get(key) if last and last.view and last.told.get(key) == told else None


def _told(person: ViewPerson, told: Sequence[Testimony], inputs: ViewInputs) -> ViewPerson:
    """The person with what was written of her, as these rights may read it."""
    rights, directory, day, received = inputs.rights, inputs.directory, inputs.day, inputs.readings.received
    # In the order of acceptance: the store gives two writes of one person two instants.
    alive = sorted((one for one in told if not _is_heard(one, person, received)), key=lambda one: (one.at, one.write))
    before = person.merged
    merged = replace(merge(before.cluster, directory, day, _declared(before, alive)), follow_ups=before.follow_ups)
    _carry_ids(before, merged, alive, directory)
    # What partners tell of her follow-up was attached after the merge, for whoever may read it: as it was.
    merged.jeune.suivi, merged.jeune.collaboration = before.jeune.suivi, before.jeune.collaboration
    after = _followed(replace(person, merged=merged), alive, rights, directory)
    latest = max((one.at for one in alive), default=None)
    changes = (before.jeune.modifie, latest)
    after.jeune.modifie = max(changes) if None not in changes else before.jeune.modifie  # type: ignore[type-var]
    return after


def _is_heard(one: Testimony, person: ViewPerson, received: Received) -> bool:
    """Whether the partner that received a write was asked since: it tells it itself, or no longer does."""
    if one.sent_at is None:
        return False
    merged = person.merged
    records = (*merged.cluster.sourced_records, *(who for who, _ in (*merged.follow_ups, *person.claimed)))
    of_missions = (who for who in records if who.type is TypeSource.MISSION_LOCALE)
    heard = (received.get(who.origin, who.received_at) for who in of_missions)
    return any(at > one.sent_at for at in heard)


def _declared(before: MergedPerson, told: Iterable[Testimony]) -> Declared:
    """The ruptures told of its contracts, by rank, each as a version of its contract."""
    ranks: dict[str | None, int] = {contrat.id: rank for rank, contrat in enumerate(before.contrats)}
    found = {}
    for one in told:
        if isinstance(one.told, Rupture) and one.contrat in ranks:
            contrat = Contrat(rupture=replace(one.told, signalee_le=paris_day(one.at)))
            who = SourcedRecord(DEPOSIT, TypeSource.ERP_CFA, one.organisation, Record(one.write, Jeune()), one.at)
            found[ranks[one.contrat]] = who, contrat
    return found


def _carry_ids(before: MergedPerson, after: MergedPerson, told: Iterable[Testimony], directory: Directory) -> None:
    """Give the person, its contracts and its ruptures the ids that they have, and the days on which ruptures were first seen."""
    declared = {one.contrat: paris_day(one.at) for one in told if isinstance(one.told, Rupture)}
    after.jeune.id, after.jeune.departement = before.jeune.id, before.jeune.departement
    for old, new in zip(before.contrats, after.contrats, strict=True):
        new.id = old.id
        if new.rupture is None:
            continue
        # The id of a rupture is that of its contract: the same once its ERP tells it too.
        new.rupture.id = directory.sealed_as("Rupture", old.id)
        if old.rupture is not None:
            new.rupture.signalee_le = old.rupture.signalee_le
            new.rupture.avance_sur_registre_jours = old.rupture.avance_sur_registre_jours
        days = (new.rupture.signalee_le, declared.get(old.id))
        new.rupture.signalee_le = min((day for day in days if day), default=None)
        if new.rupture.signalee_le and new.rupture.date:
            new.rupture.delai_signalement_jours = (new.rupture.signalee_le - new.rupture.date).days


def _followed(person: ViewPerson, told: Sequence[Testimony], rights: Rights, directory: Directory) -> ViewPerson:
    """The person with the follow-ups and requests written of her, where they may be read of her; else as she was."""
    jeune, affiliation = person.jeune, person.affiliation
    before = jeune.suivi, jeune.collaboration
    is_open = _opened_to(rights, person)
    requests = [one for one in told if isinstance(one.told, Collaboration) and is_open(one.told)]
    jeune.collaboration = _request(jeune.collaboration, requests, told)
    granted = readable(jeune, affiliation, rights)
    own = jeune.collaboration is not None and is_open(jeune.collaboration)
    # As for what partners tell (views.select): everything or nothing, and to a CFA nothing without its own request.
    if CategorieDonnee.SUIVI not in granted or (rights.perimetre.profil is Profil.CFA and not own):
        jeune.suivi, jeune.collaboration = before
        return replace(person, categories=readable(jeune, affiliation, rights))
    merged = person.merged
    if person.claimed:
        # The request opens what Missions locales hold, which was known and not shown.
        request = jeune.collaboration
        merged = attach_follow_ups(merged, (), person.claimed, directory)
        jeune.collaboration = request
    for one in told:
        if isinstance(one.told, Suivi):
            jeune.suivi = _noted(jeune.suivi, one, directory)
    return replace(person, merged=merged, categories=granted, claimed=())


def _opened_to(rights: Rights, person: ViewPerson) -> Callable[[Collaboration], bool]:
    return lambda request: is_request_open(rights.perimetre, request.uai, person.affiliation)


def _request(
    told: Collaboration | None, written: Sequence[Testimony], everything: Iterable[Testimony]
) -> Collaboration | None:
    """The last request, with the last answer to it."""
    kept, asked_at = told, told.demandee_le if told else None
    for one in written:
        if isinstance(one.told, Collaboration) and (asked_at is None or one.at >= asked_at):
            kept, asked_at = replace(one.told, demandee_le=one.at, ecriture=one.etat), one.at
    # An answer is to the request that it follows, whoever made it; one made since waits for its own.
    for one in everything:
        if kept and asked_at and isinstance(one.told, Answer) and one.at >= asked_at:
            kept = replace(
                kept,
                reponse=one.told.reponse,
                repondu_le=one.at,
                commentaire_reponse=one.told.commentaire,
                ecriture=one.etat,
            )
    return kept


def _noted(before: Suivi | None, one: Testimony, directory: Directory) -> Suivi:
    """A follow-up with one more note: what the note says nothing of stays as it was; nothing of the past is lost."""
    note, earlier = one.told, before or Suivi()
    assert isinstance(note, Suivi)  # noqa: S101 - the caller looked
    history = _with_step(earlier.historique or [], EtapeSuivi(situation=note.situation, date=one.at))
    # One without date is not said to be later.
    if earlier.date and earlier.date > one.at:
        # Its partner was told something later still, which stands.
        return replace(earlier, historique=history or None)
    said = {name: value for name in _SAID if (value := getattr(note, name)) is not None}
    if note.situation:
        said["situation_autre"] = note.situation_autre
    told_by = directory.mission_locale(one.organisation)
    return replace(earlier, **said, date=one.at, mission_locale=told_by, historique=history or None, ecriture=one.etat)


def _with_step(history: list[EtapeSuivi], step: EtapeSuivi) -> list[EtapeSuivi]:
    """The steps, newest first, with one more, unless it says nothing or its partner tells it already, to the second."""
    second = step.date.replace(microsecond=0)
    is_told = any((one.situation, one.date.replace(microsecond=0)) == (step.situation, second) for one in history)
    steps = history if is_told or not step.situation else [step, *history]
    return sorted(steps, key=lambda one: one.date, reverse=True)


_SAID = ("situation", "situation_autre", "commentaire", "deja_connu")

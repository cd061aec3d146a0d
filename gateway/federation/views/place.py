"""Places the persons selected in a view: ids, the rows that the viewer may see, what it is to know of each. Knows no source, no
store, and not why a person was selected.

A person that is in a view already is not written to: it is placed in the next one as it is.
"""

from datetime import datetime

from gateway.auth.policy.policy import Perimetre, is_contrat_visible, is_waiting_age
from gateway.auth.policy.rules import Profil
from gateway.domain.days import end_of_day
from gateway.federation.collect.readings import Readings
from gateway.federation.directory import Directory
from gateway.federation.ids.assign import AssignedIds, date_report
from gateway.federation.ids.resolve import RecordKeys
from gateway.federation.join.link import SourcedRecord
from gateway.federation.join.merge import MergedPerson, etat_traitement, motifs_priorite
from gateway.federation.views.select import Chosen, SelectedPersons
from gateway.federation.views.view import Rights, View, ViewPerson
from gateway.schema.nouns import Contrat, Jeune, Rupture
from gateway.schema.organisations import TypeSource


def build_view(
    selected: SelectedPersons, assigned_ids: AssignedIds, rights: Rights, directory: Directory, readings: Readings
) -> View:
    """The view of these persons, each with its contracts and ruptures, under the ids assigned."""
    view = View(former_ids=dict(assigned_ids.former_ids), received=readings.received)
    for chosen in selected.persons:
        if chosen.placed_as is None and chosen.person is not None:
            chosen.placed_as = assigned_ids.of(chosen.key_sets, chosen.facts)
            # Ids first: bounding drops contracts, and `key_sets` follows the order of all of them.
            _identify(chosen.person.merged, chosen.key_sets, assigned_ids, directory)
            _bound_person(chosen.person, rights, directory, readings)
        _place(view, chosen)
    return view


def _identify(
    merged: MergedPerson, key_sets: tuple[RecordKeys, ...], assigned_ids: AssignedIds, directory: Directory
) -> None:
    """Write the ids of a person, its contracts and its ruptures, and the days on which the latter were first seen."""
    merged.jeune.id = directory.seal("Jeune", assigned_ids.id_of(key_sets[0]))
    for contrat, folded, record_keys in zip(merged.contrats, merged.folded_contrats, key_sets[1:], strict=True):
        object_id = assigned_ids.id_of(record_keys)
        contrat.id = directory.seal("Contrat", object_id)
        if contrat.rupture:
            # A contract is broken once: its rupture lives under the same object, and cannot change contracts.
            contrat.rupture.id = directory.seal("Rupture", object_id)
            date_report(contrat.rupture, folded, assigned_ids.first_seen, directory.pseudonym)


def _bound_person(person: ViewPerson, rights: Rights, directory: Directory, readings: Readings) -> None:
    """Leave of a person what may be seen, and write what the viewer is to know of it."""
    jeune = person.jeune
    _bound(jeune, rights.perimetre)
    suivi_known = _is_suivi_known(jeune, rights, readings)
    _bound_wait(jeune, rights.perimetre, suivi_known)
    for contrat in jeune.contrats or []:
        if contrat.rupture and suivi_known:
            _set_traitement(contrat.rupture, person)
    jeune.modifie = _last_change(person.merged, rights.perimetre, directory)


def _place(view: View, chosen: Chosen) -> None:
    """Put a person in the view, under its id, with what may be seen of its contracts."""
    person = chosen.person
    if person is None:
        return
    jeune = person.jeune
    view.persons[jeune.id] = person
    view.records[jeune.id] = tuple(key.key for key in chosen.key_sets[0].keys)
    for contrat in jeune.contrats or []:
        view.contrats[contrat.id] = (person, contrat)
        if contrat.rupture:
            view.ruptures[contrat.rupture.id] = (person, contrat.rupture)


def _bound(jeune: Jeune, perimetre: Perimetre) -> None:
    """Take off a person the rows that the viewer may not see: contracts and trainings of other CFAs than its own."""
    jeune.contrats = [c for c in jeune.contrats or [] if is_contrat_visible(perimetre, c.cfa.uai if c.cfa else None)]
    # By identity: of two contracts that say the same, one may be out of sight.
    jeune.ruptures = [r for r in jeune.ruptures or [] if any(r.contrat is contrat for contrat in jeune.contrats)]
    jeune.formations = [
        f for f in jeune.formations or [] if is_contrat_visible(perimetre, f.cfa.uai if f.cfa else None)
    ]
    for contrat in jeune.contrats:
        # A contract seen must not lead to a training that is not.
        if not any(contrat.formation is formation for formation in jeune.formations):
            contrat.formation = None


def _bound_wait(jeune: Jeune, perimetre: Perimetre, suivi_known: bool) -> None:
    """Take off a person the wait for a contract that the viewer may not see, and write how far the one that it sees is dealt
    with."""
    # Here, and not where people are listed: the field, the list and its count cannot differ.
    if jeune.sans_contrat and not is_waiting_age(perimetre, jeune.age):
        jeune.sans_contrat = None
    if jeune.sans_contrat and suivi_known:
        jeune.etat_sans_contrat = etat_traitement(jeune.suivi, jeune.sans_contrat.depuis)


def _last_change(merged: MergedPerson, perimetre: Perimetre, directory: Directory) -> datetime | None:
    """The last instant at which what may be seen of a person may have changed; None where somebody does not say
    (docs/domaine.md, Modifications)."""
    records = (*merged.cluster.sourced_records, *(who for who, _ in merged.follow_ups))
    # Doubt is change: a dossier that is read again for nothing is better than a rupture that is not.
    changes = [change for record in records for change in _changes(record, perimetre, directory)]
    return max((change for change in changes if change), default=None) if None not in changes else None


def _changes(record: SourcedRecord, perimetre: Perimetre, directory: Directory) -> list[datetime | None]:
    """What a record tells of changes: nothing when it is another CFA's, of which nothing is to be learnt."""
    if record.type is TypeSource.REGISTRE_CONTRATS:
        # One record of the registry tells the contracts of every CFA: each has its own day.
        own = [c for c in record.jeune.contrats or [] if is_contrat_visible(perimetre, _uai(c, directory))]
        return [end_of_day(contrat.traite_le) if contrat.traite_le else None for contrat in own]
    if record.type is TypeSource.ERP_CFA and not is_contrat_visible(perimetre, record.tenant):
        return []
    return [record.modified_at]


def _uai(contrat: Contrat, directory: Directory) -> str | None:
    cfa = directory.complete_cfa(contrat.cfa)
    return cfa.uai if cfa else None


def _is_suivi_known(jeune: Jeune, rights: Rights, readings: Readings) -> bool:
    """Whether the absence of a follow-up means something: the system that would hold it was heard."""
    code = jeune.mission_locale.code if jeune.mission_locale else None
    if rights.perimetre.profil is Profil.MISSION_LOCALE:
        code = rights.perimetre.organisation
    return jeune.suivi is not None or code in readings.suivi_heard


def _set_traitement(rupture: Rupture, person: ViewPerson) -> None:
    """Write the state and the priority of a rupture (docs/graphe.md, Droits)."""
    motifs = motifs_priorite(person.jeune, rupture)
    rupture.etat = etat_traitement(person.jeune.suivi, rupture.date)
    # A reason tells the fact it stands on: one that would tell a category not granted is left out, priority included.
    rupture.motifs_priorite = [motif for motif in motifs if motif.tells in person.categories]
    rupture.prioritaire = bool(rupture.motifs_priorite)

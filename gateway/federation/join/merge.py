"""Merges the records of one person into one Jeune, with derived fields. Pure: the day and the directory are given.

A Jeune leads to its contracts, and these back to it: left as they are, they would wait for the cycle collector, which stops the
process for as long as it looks at everything kept, and is told to come as seldom as can be. `Ties` and `untie` spare it that.
The table of `precedence` says which record is kept for a field; a value absent from the best source comes from the next.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from gateway.connectors.base import legal_unit
from gateway.domain.days import age_au, paris_day
from gateway.domain.referentiel import Residence
from gateway.domain.statut import (
    WAITING,
    ContratPeriod,
    Session,
    StatutApprenant,
    StatutStep,
    begun_sessions,
    nouveau_contrat,
    parcours,
    session_on,
    statut_on,
    wait_on,
)
from gateway.domain.text import shown_name
from gateway.federation.join.join_records import Cluster, FollowUp, SourcedRecord
from gateway.federation.join.precedence import (
    CONTRAT,
    JEUNE,
    FoldedContrat,
    collaboration_of,
    fold,
    latest_end,
    merged_rupture,
    same_employeurs,
    suivi_of,
    valeur,
)
from gateway.federation.organisation_directory import Directory
from gateway.schema.nouns import (
    Contrat,
    Employeur,
    EtatTraitement,
    Formation,
    Jeune,
    MotifPriorite,
    Rupture,
    SituationSuivi,
    Statut,
    Suivi,
)
from gateway.schema.sans_contrat import SansContrat

# Fields settled by the table alone: whatever is added to it is merged. The others are put together below.
OF_JEUNE = tuple(champ for champ in JEUNE if champ not in {"adresse", "suivi", "collaboration"})
OF_CONTRAT = tuple(champ for champ in CONTRAT if champ not in {"employeur", "cfa", "rupture"})
OF_WAIT = ("depuis", "jours", "echeance", "jours_restants", "depassee", "contrat_prevu")
Declared = Mapping[int, tuple[SourcedRecord, Contrat]]  # by rank of the contract: who tells it, and what
AGE_OF_MAJORITY = 18
PRIORITE_DAYS = 180  # docs/domaine.md, Rupture
EXITS = frozenset({StatutApprenant.APPRENTI, StatutApprenant.FIN_DE_FORMATION})
AGES = range(10, 100)  # in years; beyond, a birth date is a mistake: it is shown, and no age is made of it


@dataclass(slots=True, eq=False)
class Ties:
    """The links back of a person that views hold: taken away with the last who holds this object."""

    contrats: Sequence[Contrat]

    def __del__(self) -> None:
        untie_contrats(self.contrats)


@dataclass(frozen=True, slots=True)
class MergedPerson:
    """One person: the merged noun, and what it was merged from, for the ids and the provenance."""

    cluster: Cluster
    residence: Residence | None
    housed_by: SourcedRecord | None  # whose address was kept
    contrats: tuple[Contrat, ...]
    folded_contrats: tuple[FoldedContrat, ...]  # what each contract was folded from, in the same order
    jeune: Jeune
    follow_ups: tuple[FollowUp, ...] = ()  # attached afterwards: they joined nobody


def residence(cluster: Cluster, directory: Directory) -> tuple[SourcedRecord | None, Residence | None]:
    """The first record, by precedence, whose address tells the Mission locale, and where it is; else the first address."""
    ordered = sorted(cluster.sourced_records, key=lambda record: record.home_rank)
    places = [(record, directory.home(adresse)) for record in ordered if (adresse := record.jeune.adresse)]
    return next((told for told in places if told[1].mission_locale), places[0] if places else (None, None))


def merge(cluster: Cluster, directory: Directory, day: date, declared: Declared | None = None) -> MergedPerson:
    """Merge one person. Ids are left to the view. `declared`: what else is told of a contract, by its rank."""
    housed_by, place = residence(cluster, directory)
    holders = [(record, record.jeune) for record in cluster.sourced_records]
    jeune = Jeune(**{champ: valeur(JEUNE, champ, holders) for champ in OF_JEUNE})
    jeune.nom, jeune.prenom = (shown_name(told) if told else None for told in (jeune.nom, jeune.prenom))
    jeune.suivi = suivi_of(cluster.sourced_records, directory)
    jeune.collaboration = collaboration_of(cluster.sourced_records)
    if housed_by and place and housed_by.jeune.adresse:
        jeune.commune = directory.commune(place.insee) if place.insee else None
        jeune.adresse = directory.shown_home(housed_by.jeune.adresse, place, jeune.commune)
        jeune.departement = place.departement
        jeune.mission_locale = directory.mission_locale(place.mission_locale)
        jeune.missions_locales_possibles = directory.possible_missions(place)
    jeune.formations = _formations(cluster, directory)
    folded_contrats = tuple(fold(cluster.sourced_records))
    for rank, version in (declared or {}).items():
        folded_contrats[rank].versions.append(version)
    contrats = tuple(_contrat(folded, jeune.formations, directory) for folded in folded_contrats)
    jeune.contrats = list(contrats)
    _derive(jeune, day)
    return MergedPerson(cluster, place, housed_by, contrats, folded_contrats, jeune)


def _formations(cluster: Cluster, directory: Directory) -> list[Formation]:
    """Formations of the best kind of source; another kind adds only those that overlap none of them."""
    # Two sources of one kind may each tell a session of theirs; a lesser kind mostly tells again what a better one did.
    kept: list[tuple[SourcedRecord, Formation]] = []
    for sourced_record in cluster.sourced_records:
        better = [formation for who, formation in kept if sourced_record.tells_again(who)]
        own = sourced_record.jeune.formations or []
        kept += [(sourced_record, one) for one in own if not any(_overlaps(one, other) for other in better)]
    completed = [replace(formation, cfa=directory.complete_cfa(formation.cfa)) for _, formation in kept]
    return sorted(completed, key=lambda formation: formation.date_debut or date.min, reverse=True)


def _overlaps(left: Formation, right: Formation) -> bool:
    if not (left.date_debut and left.date_fin and right.date_debut and right.date_fin):
        # Without a first day, nothing tells it from a formation that a better source already has.
        return left.date_debut is None
    return left.date_debut <= right.date_fin and right.date_debut <= left.date_fin


def _contrat(folded: FoldedContrat, formations: list[Formation], directory: Directory) -> Contrat:
    contrat = Contrat(**{champ: valeur(CONTRAT, champ, folded.versions) for champ in OF_CONTRAT})
    contrat.employeur = _employeur(folded)
    contrat.cfa = next((directory.complete_cfa(v.cfa) for _, v in folded.versions if v.cfa), None)
    contrat.formation = _formation_of(contrat, formations)
    contrat.rupture = merged_rupture(folded, latest_end(folded, contrat))
    return contrat


def _employeur(folded: FoldedContrat) -> Employeur | None:
    """Each value from the best source that tells it of the same legal unit: registries name whom ERPs only number."""
    told = [version.employeur for _, version in folded.versions if version.employeur]
    if not told:
        return None
    # The best source that identifies the employer decides which it is: the others complete it if they tell of the same one.
    known = next((employeur for employeur in told if legal_unit(employeur)), told[0])
    same = [employeur for employeur in told if same_employeurs(employeur, known)]
    champs = ("siret", "siren", "denomination", "naf", "idcc", "commune")
    return Employeur(**{champ: next(filter(None, (getattr(each, champ) for each in same)), None) for champ in champs})


def _formation_of(contrat: Contrat, formations: list[Formation]) -> Formation | None:
    """The formation whose session the contract crosses, at its own CFA if there is a choice."""
    if contrat.date_debut is None:
        return None
    bounds = Formation(date_debut=contrat.date_debut, date_fin=contrat.date_fin or contrat.date_debut)
    crossed = [formation for formation in formations if formation.date_debut and _overlaps(formation, bounds)]
    uai = contrat.cfa.uai if contrat.cfa else None
    # Somebody may be enrolled in two CFAs at once: the contract's own decides, where it is one of them.
    same = [formation for formation in crossed if formation.cfa and formation.cfa.uai == uai]
    return next(iter(same or crossed), None)


def _derive(jeune: Jeune, day: date) -> None:
    """Write what the merged contracts and formations imply on `day`: statuses, age, ruptures."""
    contrats = jeune.contrats or []
    enrolled, periods = _enrolled(jeune), periods_of(jeune)
    steps = parcours([*enrolled, *_orphans(jeune, enrolled)], periods)
    jeune.steps = [Statut(valeur=step.valeur, depuis=step.depuis) for step in steps]
    current: StatutStep | None = statut_on(steps, day)
    jeune.statut = Statut(valeur=current.valeur, depuis=current.depuis) if current else None
    # A contract alone enrols nobody: who waits for one is told by a formation.
    wait = wait_on(enrolled, periods, day) if current and current.valeur in WAITING else None
    session = session_on(begun_sessions(enrolled, periods), day) if current and current.valeur in WAITING else None
    jeune.is_attested = session is None or session.is_attested
    jeune.sans_contrat = SansContrat(**{champ: getattr(wait, champ) for champ in OF_WAIT}) if wait else None
    age = age_au(jeune.date_naissance, day) if jeune.date_naissance else None
    # No age rather than an absurd one: filters and priorities would act on it.
    if age is not None and age in AGES:
        jeune.age, jeune.mineur = age, age < AGE_OF_MAJORITY
    contrats.sort(key=lambda contrat: contrat.date_debut or date.min, reverse=True)
    for contrat in contrats:
        contrat.jeune = jeune
        _attach_rupture(contrat, jeune, steps, day)
    ruptures = [contrat.rupture for contrat in contrats if contrat.rupture]
    jeune.ruptures = sorted(ruptures, key=lambda rupture: rupture.date or date.min, reverse=True)


def sessions_of(jeune: Jeune) -> list[Session]:
    """The sessions of the formations, and the bounds of each contract that crosses none of them."""
    return [*(enrolled := _enrolled(jeune)), *_orphans(jeune, enrolled)]


def _enrolled(jeune: Jeune) -> list[Session]:
    """The sessions of the formations."""
    return [
        Session(formation.date_debut, formation.date_fin, formation.exclusion, formation.is_attested)
        for formation in jeune.formations or []
        if formation.date_debut and formation.date_fin and formation.date_debut <= formation.date_fin
    ]


def _orphans(jeune: Jeune, sessions: list[Session]) -> list[Session]:
    """The bounds of each contract that crosses none of these sessions."""
    # A contract told without any formation still makes somebody an apprentice while it lasts.
    return [
        Session(contrat.date_debut, contrat.date_fin)
        for contrat in jeune.contrats or []
        if contrat.date_debut and contrat.date_fin and contrat.date_debut < contrat.date_fin
        if not any(s.debut <= contrat.date_fin and contrat.date_debut <= s.fin for s in sessions)
    ]


def periods_of(jeune: Jeune) -> list[ContratPeriod]:
    """The contracts of a person as statuses are made of them."""
    # A rupture to come is among them until the person is derived: statuses count it as the end of the contract.
    return [
        ContratPeriod(contrat.date_debut, contrat.date_fin, contrat.rupture.date if contrat.rupture else None)
        for contrat in jeune.contrats or []
        if contrat.date_debut
    ]


def _attach_rupture(contrat: Contrat, jeune: Jeune, steps: list[StatutStep], day: date) -> None:
    """Tie a rupture that took effect to its contract and person; take off one to come (docs/domaine.md, Rupture)."""
    rupture = contrat.rupture
    if rupture is None or rupture.date is None:
        return
    # Only now: the statuses, already computed, count a rupture to come as the end of the contract.
    if rupture.date > day:
        contrat.rupture = None
        return
    rupture.contrat, rupture.jeune = contrat, jeune
    rupture.jours_depuis = (day - rupture.date).days
    rupture.nouveau_contrat = nouveau_contrat(steps, rupture.date, day)


def etat_traitement(suivi: Suivi | None, since: date | None) -> EtatTraitement:
    """No situation yet, called without answer, or handled, of what began on the day `since`: a rupture, or a wait for a first
    contract. A situation noted before does not treat it."""
    if suivi is None or suivi.situation is None:
        return EtatTraitement.A_TRAITER
    # One without date is not said to be earlier.
    if (noted_at := situation_noted_at(suivi)) and since and paris_day(noted_at) < since:
        return EtatTraitement.A_TRAITER
    if suivi.situation is SituationSuivi.CONTACTE_SANS_RETOUR:
        return EtatTraitement.INJOIGNABLE
    return EtatTraitement.TRAITE


def situation_noted_at(suivi: Suivi) -> datetime | None:
    """When the present situation was noted; None where nothing dates it."""
    # A comment changed since moves the date of the dossier, not of the situation: the history tells when it was noted.
    noted = [step.date for step in suivi.historique or [] if step.situation is suivi.situation]
    return max(noted, default=suivi.date)


def motifs_priorite(jeune: Jeune, rupture: Rupture) -> list[MotifPriorite]:
    """The reasons of a priority, in the order of the priority list (docs/domaine.md, Rupture)."""
    motifs = []
    if jeune.collaboration and jeune.collaboration.demandee_le:
        motifs.append(MotifPriorite.ACCOMPAGNEMENT_CONJOINT)
    if jeune.suivi and jeune.suivi.souhaite_rdv:
        motifs.append(MotifPriorite.SOUHAITE_RDV)
    # Whoever has a contract again, or has finished, is called for no reason but one that somebody asked for.
    left = jeune.statut is not None and jeune.statut.valeur in EXITS
    if not left and (rupture.jours_depuis or 0) <= PRIORITE_DAYS:
        motifs += [MotifPriorite.RQTH] if jeune.rqth else []
        motifs += [MotifPriorite.MINEUR] if jeune.mineur else []
    return motifs


def untie(copy: Any) -> None:
    """Take the links back from a masked copy, and from all that it leads to."""
    jeune = copy if isinstance(copy, Jeune) else copy.jeune
    own = [copy] if isinstance(copy, Contrat) else [copy.contrat] if isinstance(copy, Rupture) else []
    untie_contrats([contrat for contrat in (*own, *((jeune and jeune.contrats) or ())) if contrat])
    _untie_ruptures([rupture for rupture in ((jeune and jeune.ruptures) or ()) if rupture])


def untie_contrats(contrats: Iterable[Contrat]) -> None:
    for contrat in contrats:
        contrat.jeune = None
        _untie_ruptures([contrat.rupture] if contrat.rupture else [])


def _untie_ruptures(ruptures: Iterable[Rupture]) -> None:
    for rupture in ruptures:
        rupture.jeune = rupture.contrat = None

"""From the testimonies of one person to one Jeune, with derived fields. Pure: the day and the directory are given.

Who is kept of those who tell a field is the table of `precedence`; a value absent from the best source comes from the next.
"""

from dataclasses import dataclass, replace
from datetime import date

from gateway.domain.statut import ContratPeriod, Session, StatutStep, parcours, statut_on
from gateway.domain.territoire import Residence
from gateway.federation.directory import Directory
from gateway.federation.join.contracts import FoldedContrat, fold
from gateway.federation.join.link import Cluster
from gateway.federation.join.precedence import CONTRAT, JEUNE, RUPTURE, chosen, same_employeurs, told_values, valeur
from gateway.federation.join.records import RANK, SourcedRecord
from gateway.federation.join.traitement import nouveau_contrat
from gateway.schema.nouns import Adresse, Contrat, Employeur, Formation, Jeune, Rupture, Statut
from gateway.schema.organisations import MissionLocale

AGE_OF_MAJORITY = 18
AGES = range(10, 100)  # beyond, a birth date is a mistake: it is shown, and no age is made of it


@dataclass(frozen=True, slots=True)
class MergedPerson:
    """One person: the merged noun, and what it was merged from (for provenance)."""

    cluster: Cluster
    residence: Residence | None
    housed_by: SourcedRecord | None  # whose address was kept
    contrats: tuple[Contrat, ...]
    folded_contrats: tuple[FoldedContrat, ...]  # what each contract was folded from, in the same order
    jeune: Jeune


def residence(cluster: Cluster, directory: Directory) -> tuple[SourcedRecord | None, Residence | None]:
    """The first testimony, by precedence, whose address tells the Mission locale; else the first that tells anything."""
    ambiguous: tuple[SourcedRecord | None, Residence | None] = (None, None)
    for sourced_record in sorted(cluster.sourced_records, key=lambda sourced_record: sourced_record.home_rank):
        adresse = sourced_record.jeune.adresse
        if adresse is None:
            continue
        found = directory.home(adresse)
        if found.mission_locale:
            return sourced_record, found
        if ambiguous[0] is None:
            ambiguous = (sourced_record, found)
    return ambiguous


def merge(cluster: Cluster, directory: Directory, day: date) -> MergedPerson:
    """Merge one person. Ids are left to the view."""
    where, found = residence(cluster, directory)
    formations = _formations(cluster, directory)
    folded_contrats = fold(cluster.sourced_records)
    jeune = _identity(cluster)
    _accompagnement(jeune, cluster, directory)
    jeune.adresse = _address(where, found, directory)
    jeune.commune = jeune.adresse.commune if jeune.adresse else None
    if found:
        jeune.mission_locale = directory.mission_locale(found.mission_locale)
        jeune.missions_locales_possibles = _possible(found, directory)
    jeune.formations = formations
    contrats = tuple(_contrat(folded, formations, directory) for folded in folded_contrats)
    jeune.contrats = list(contrats)
    _derived(jeune, day)
    return MergedPerson(cluster, found, where, contrats, tuple(folded_contrats), jeune)


def _possible(found: Residence, directory: Directory) -> list[MissionLocale] | None:
    """The Missions locales that an ambiguous home leaves, by code; None where it is settled, or tells nothing."""
    if found.mission_locale:
        return None
    communes = (directory.geographie.by_insee[insee] for insee in found.candidates)
    codes = sorted({commune.mission_locale for commune in communes if commune.mission_locale})
    return [mission for code in codes if (mission := directory.mission_locale(code))] or None


def _identity(cluster: Cluster) -> Jeune:
    champs = ("nom", "prenom", "date_naissance", "sexe", "ine", "rqth", "telephone", "courriel", "representants")
    holders = _holders(cluster)
    return Jeune(**{champ: valeur(JEUNE, champ, holders) for champ in champs})


def _holders(cluster: Cluster) -> list[tuple[SourcedRecord, Jeune]]:
    return [(sourced_record, sourced_record.jeune) for sourced_record in cluster.sourced_records]


def _accompagnement(jeune: Jeune, cluster: Cluster, directory: Directory) -> None:
    """Follow-up and collaboration, each from the first system that has one; the system names its Mission locale."""
    holders = _holders(cluster)
    suivi = chosen(JEUNE["suivi"].order, told_values(holders, "suivi"))
    if suivi:
        jeune.suivi = replace(suivi[1], mission_locale=directory.mission_locale(suivi[0].tenant))
    jeune.collaboration = valeur(JEUNE, "collaboration", holders)


def _address(where: SourcedRecord | None, found: Residence | None, directory: Directory) -> Adresse | None:
    if where is None or where.jeune.adresse is None:
        return None
    commune = directory.commune(found.insee) if found and found.insee else None
    return replace(where.jeune.adresse, commune=commune)


def _formations(cluster: Cluster, directory: Directory) -> list[Formation]:
    """Formations of the best kind of source; another kind adds only those that overlap none of them."""
    kept: list[tuple[int, Formation]] = []
    for sourced_record in cluster.sourced_records:
        rank = RANK[sourced_record.type]
        for formation in sourced_record.jeune.formations or []:
            if not any(_overlaps(formation, other) for r, other in kept if r < rank):
                kept.append((rank, formation))
    completes = [replace(formation, cfa=directory.complete_cfa(formation.cfa)) for _, formation in kept]
    return sorted(completes, key=lambda formation: formation.date_debut or date.min, reverse=True)


def _overlaps(one: Formation, other: Formation) -> bool:
    if not (one.date_debut and one.date_fin and other.date_debut and other.date_fin):
        return one.date_debut is None
    return one.date_debut <= other.date_fin and other.date_debut <= one.date_fin


def _contrat(folded: FoldedContrat, formations: list[Formation], directory: Directory) -> Contrat:
    contrat = Contrat()
    for champ in ("numero", "type", "date_debut", "date_fin"):
        setattr(contrat, champ, valeur(CONTRAT, champ, folded.versions))
    contrat.employeur = _employeur(folded)
    contrat.cfa = next((directory.complete_cfa(v.cfa) for _, v in folded.versions if v.cfa), None)
    contrat.formation = _formation_of(contrat, formations)
    contrat.rupture = _rupture(folded, contrat.date_fin)
    return contrat


def _employeur(folded: FoldedContrat) -> Employeur | None:
    """Each value from the best source that tells it of the same legal unit: registries name whom ERPs only number."""
    told_values = [version.employeur for _, version in folded.versions if version.employeur]
    if not told_values:
        return None
    known = next((told for told in told_values if told.siret), told_values[0])
    same = [told for told in told_values if same_employeurs(told, known)]
    champs = ("siret", "denomination", "naf", "idcc", "commune")
    return Employeur(**{champ: next((v for d in same if (v := getattr(d, champ))), None) for champ in champs})


def _formation_of(contrat: Contrat, formations: list[Formation]) -> Formation | None:
    """The formation whose session the contract crosses, at its own CFA if there is a choice."""
    if contrat.date_debut is None:
        return None
    fin = contrat.date_fin or contrat.date_debut
    bounds = Formation(date_debut=contrat.date_debut, date_fin=fin)
    crossed = [formation for formation in formations if formation.date_debut and _overlaps(formation, bounds)]
    uai = contrat.cfa.uai if contrat.cfa else None
    same = [formation for formation in crossed if formation.cfa and formation.cfa.uai == uai]
    return next(iter(same or crossed), None)


def _rupture(folded: FoldedContrat, fin: date | None) -> Rupture | None:
    """A rupture comes before the planned end (docs/domaine.md, Rupture): an end at its term is none, nor does it count as one."""
    told_ones = folded.ruptures
    day = valeur(RUPTURE, "date", told_ones)
    if day is None or (fin and day >= fin):
        return None
    return Rupture(
        date=day,
        cause=valeur(RUPTURE, "cause", told_ones),
        sources=list(dict.fromkeys(who.source for who, _ in told_ones)),
    )


def _derived(jeune: Jeune, day: date) -> None:
    contrats = jeune.contrats or []
    steps = parcours(_sessions(jeune), [_period(contrat) for contrat in contrats if contrat.date_debut])
    jeune.steps = [Statut(valeur=step.valeur, depuis=step.depuis) for step in steps]
    current: StatutStep | None = statut_on(steps, day)
    jeune.statut = Statut(valeur=current.valeur, depuis=current.depuis) if current else None
    age = age_au(jeune.date_naissance, day) if jeune.date_naissance else None
    if age is not None and age in AGES:
        jeune.age, jeune.mineur = age, age < AGE_OF_MAJORITY
    contrats.sort(key=lambda contrat: contrat.date_debut or date.min, reverse=True)
    for contrat in contrats:
        contrat.jeune = jeune
        _attach_rupture(contrat, jeune, day)
    real = [contrat.rupture for contrat in contrats if contrat.rupture]
    for rupture in real:
        rupture.nouveau_contrat = nouveau_contrat(steps, rupture, day)
    jeune.ruptures = sorted(real, key=lambda rupture: rupture.date or date.min, reverse=True)


def _sessions(jeune: Jeune) -> list[Session]:
    """Sessions told, and the own bounds of a contract that crosses none of them."""
    sessions = [
        Session(formation.date_debut, formation.date_fin, formation.exclusion)
        for formation in jeune.formations or []
        if formation.date_debut and formation.date_fin and formation.date_debut <= formation.date_fin
    ]
    orphans = [
        Session(contrat.date_debut, contrat.date_fin)
        for contrat in jeune.contrats or []
        if contrat.date_debut and contrat.date_fin and contrat.date_debut <= contrat.date_fin
        if not any(s.debut <= contrat.date_fin and contrat.date_debut <= s.fin for s in sessions)
    ]
    return sessions + orphans


def _period(contrat: Contrat) -> ContratPeriod:
    assert contrat.date_debut is not None  # noqa: S101 (filtered by the caller)
    return ContratPeriod(contrat.date_debut, contrat.date_fin, contrat.rupture.date if contrat.rupture else None)


def _attach_rupture(contrat: Contrat, jeune: Jeune, day: date) -> None:
    """A rupture is one that took effect (docs/domaine.md, Rupture); one to come is no Rupture of the graph."""
    rupture = contrat.rupture
    if rupture is None or rupture.date is None:
        return
    if rupture.date > day:
        contrat.rupture = None
        return
    rupture.contrat, rupture.jeune = contrat, jeune
    rupture.jours_depuis = (day - rupture.date).days


def age_au(naissance: date, day: date) -> int:
    """Completed years."""
    return day.year - naissance.year - ((day.month, day.day) < (naissance.month, naissance.day))


def uais_of(jeune: Jeune) -> frozenset[str]:
    """The CFAs of a person's contracts and formations."""
    cfas = [contrat.cfa for contrat in jeune.contrats or []] + [f.cfa for f in jeune.formations or []]
    return frozenset(cfa.uai for cfa in cfas if cfa and cfa.uai)

"""From the testimonies of one person to one Jeune, with derived fields. Pure: the day and the directory are given.

Precedence is the order of testimonies (`Temoignage.rang`); a value absent from the best source is taken from the next.
"""

from dataclasses import dataclass, replace
from datetime import date

from gateway.domain.statut import Etape, PeriodeContrat, Session, StatutApprenant, parcours, statut_au
from gateway.domain.territoire import Residence
from gateway.federation.annuaire import Annuaire
from gateway.federation.contrats import ContratFondu, fondre
from gateway.federation.rapprochement import Groupe
from gateway.federation.temoignages import RANG, Temoignage
from gateway.schema.nouns import (
    Adresse,
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

AGE_MAJORITE = 18
PRIORITE_JOURS = 180  # ANSWERS 10
SORTIES = frozenset({StatutApprenant.APPRENTI, StatutApprenant.FIN_DE_FORMATION})


@dataclass(frozen=True, slots=True)
class Fusion:
    """One person: the merged noun, and what it was merged from (for provenance)."""

    groupe: Groupe
    residence: Residence | None
    loge_par: Temoignage | None  # whose address was kept
    contrats: tuple[Contrat, ...]
    fondus: tuple[ContratFondu, ...]  # what each contract was folded from, in the same order
    jeune: Jeune


def residence(groupe: Groupe, annuaire: Annuaire) -> tuple[Temoignage | None, Residence | None]:
    """The first testimony, by precedence, whose address tells the Mission locale; else the first that tells anything."""
    ambigue: tuple[Temoignage | None, Residence | None] = (None, None)
    for temoignage in groupe.temoignages:
        adresse = temoignage.jeune.adresse
        if adresse is None:
            continue
        trouvee = annuaire.domicile(adresse)
        if trouvee.mission_locale:
            return temoignage, trouvee
        if ambigue[0] is None:
            ambigue = (temoignage, trouvee)
    return ambigue


def fusionner(groupe: Groupe, annuaire: Annuaire, jour: date) -> Fusion:
    """Merge one person. Ids are left to the view."""
    ou, trouvee = residence(groupe, annuaire)
    formations = _formations(groupe, annuaire)
    fondus = fondre(groupe.temoignages)
    jeune = _identite(groupe)
    _accompagnement(jeune, groupe, annuaire)
    jeune.adresse = _adresse(ou, trouvee, annuaire)
    jeune.commune = jeune.adresse.commune if jeune.adresse else None
    jeune.mission_locale = annuaire.mission_locale(trouvee.mission_locale) if trouvee else None
    jeune.formations = formations
    contrats = tuple(_contrat(fondu, formations, annuaire) for fondu in fondus)
    jeune.contrats = list(contrats)
    _derives(jeune, jour)
    return Fusion(groupe, trouvee, ou, contrats, tuple(fondus), jeune)


def _premier(groupe: Groupe, champ: str) -> object:
    return next((v for t in groupe.temoignages if (v := getattr(t.jeune, champ)) is not None), None)


def _identite(groupe: Groupe) -> Jeune:
    champs = ("nom", "prenom", "date_naissance", "sexe", "ine", "rqth", "telephone", "courriel", "representants")
    jeune = Jeune()
    for champ in champs:
        setattr(jeune, champ, _premier(groupe, champ))
    return jeune


def _accompagnement(jeune: Jeune, groupe: Groupe, annuaire: Annuaire) -> None:
    """Follow-up and collaboration, each from the first system that has one; the system names its Mission locale."""
    suivi = next(((t.locataire, t.jeune.suivi) for t in groupe.temoignages if t.jeune.suivi), None)
    if suivi:
        jeune.suivi = replace(suivi[1], mission_locale=annuaire.mission_locale(suivi[0]))
    jeune.collaboration = next((t.jeune.collaboration for t in groupe.temoignages if t.jeune.collaboration), None)


def _adresse(ou: Temoignage | None, trouvee: Residence | None, annuaire: Annuaire) -> Adresse | None:
    if ou is None or ou.jeune.adresse is None:
        return None
    commune = annuaire.commune(trouvee.insee) if trouvee and trouvee.insee else None
    return replace(ou.jeune.adresse, commune=commune)


def _formations(groupe: Groupe, annuaire: Annuaire) -> list[Formation]:
    """Formations of the best kind of source; another kind adds only those that overlap none of them."""
    gardees: list[tuple[int, Formation]] = []
    for temoignage in groupe.temoignages:
        rang = RANG[temoignage.type]
        for formation in temoignage.jeune.formations or []:
            if not any(_chevauche(formation, autre) for r, autre in gardees if r < rang):
                gardees.append((rang, formation))
    completes = [replace(formation, cfa=annuaire.completer_cfa(formation.cfa)) for _, formation in gardees]
    return sorted(completes, key=lambda formation: formation.date_debut or date.min, reverse=True)


def _chevauche(une: Formation, autre: Formation) -> bool:
    if not (une.date_debut and une.date_fin and autre.date_debut and autre.date_fin):
        return une.date_debut is None
    return une.date_debut <= autre.date_fin and autre.date_debut <= une.date_fin


def _contrat(fondu: ContratFondu, formations: list[Formation], annuaire: Annuaire) -> Contrat:
    contrat = Contrat()
    for champ in ("numero", "type", "date_debut", "date_fin"):
        setattr(contrat, champ, fondu.premier(champ))
    contrat.employeur = _employeur(fondu)
    contrat.cfa = next((annuaire.completer_cfa(v.cfa) for _, v in fondu.versions if v.cfa), None)
    contrat.formation = _formation_de(contrat, formations)
    if fondu.ruptures:
        contrat.rupture = _rupture(fondu)
    return contrat


def _employeur(fondu: ContratFondu) -> Employeur | None:
    """Each value from the best source that tells it: registries name employers that ERPs only number."""
    dits = [version.employeur for _, version in fondu.versions if version.employeur]
    if not dits:
        return None
    champs = ("siret", "denomination", "naf", "idcc", "commune")
    return Employeur(**{champ: next((v for d in dits if (v := getattr(d, champ))), None) for champ in champs})


def _formation_de(contrat: Contrat, formations: list[Formation]) -> Formation | None:
    """The formation whose session the contract crosses, at its own CFA if there is a choice."""
    if contrat.date_debut is None:
        return None
    fin = contrat.date_fin or contrat.date_debut
    bornes = Formation(date_debut=contrat.date_debut, date_fin=fin)
    croisees = [formation for formation in formations if formation.date_debut and _chevauche(formation, bornes)]
    uai = contrat.cfa.uai if contrat.cfa else None
    memes = [formation for formation in croisees if formation.cfa and formation.cfa.uai == uai]
    return next(iter(memes or croisees), None)


def _rupture(fondu: ContratFondu) -> Rupture:
    dites = fondu.ruptures
    signalements = [rupture.signalee_le for _, rupture in dites if rupture.signalee_le]
    return Rupture(
        date=dites[0][1].date,
        cause=next((rupture.cause for _, rupture in dites if rupture.cause), None),
        signalee_le=min(signalements, default=None),
        sources=list(dict.fromkeys(qui.source for qui, _ in dites)),
    )


def _derives(jeune: Jeune, jour: date) -> None:
    contrats = jeune.contrats or []
    etapes = parcours(_sessions(jeune), [_periode(contrat) for contrat in contrats if contrat.date_debut])
    jeune.etapes = [Statut(valeur=etape.valeur, depuis=etape.depuis) for etape in etapes]
    courante: Etape | None = statut_au(etapes, jour)
    jeune.statut = Statut(valeur=courante.valeur, depuis=courante.depuis) if courante else None
    if jeune.date_naissance:
        jeune.age = age_au(jeune.date_naissance, jour)
        jeune.mineur = jeune.age < AGE_MAJORITE
    contrats.sort(key=lambda contrat: contrat.date_debut or date.min, reverse=True)
    for contrat in contrats:
        contrat.jeune = jeune
        _relier_rupture(contrat, jeune, jour)
    reelles = [contrat.rupture for contrat in contrats if contrat.rupture]
    jeune.ruptures = sorted(reelles, key=lambda rupture: rupture.date or date.min, reverse=True)


def _sessions(jeune: Jeune) -> list[Session]:
    """Sessions told, and the own bounds of a contract that crosses none of them."""
    sessions = [
        Session(formation.date_debut, formation.date_fin, formation.exclusion)
        for formation in jeune.formations or []
        if formation.date_debut and formation.date_fin and formation.date_debut <= formation.date_fin
    ]
    orphelins = [
        Session(contrat.date_debut, contrat.date_fin)
        for contrat in jeune.contrats or []
        if contrat.date_debut and contrat.date_fin and contrat.date_debut <= contrat.date_fin
        if not any(s.debut <= contrat.date_fin and contrat.date_debut <= s.fin for s in sessions)
    ]
    return sessions + orphelins


def _periode(contrat: Contrat) -> PeriodeContrat:
    assert contrat.date_debut is not None  # noqa: S101 (filtered by the caller)
    return PeriodeContrat(contrat.date_debut, contrat.date_fin, contrat.rupture.date if contrat.rupture else None)


def _relier_rupture(contrat: Contrat, jeune: Jeune, jour: date) -> None:
    """A rupture is one that took effect, before the planned end (ANSWERS 10); another is no Rupture of the graph."""
    rupture = contrat.rupture
    if rupture is None or rupture.date is None:
        return
    if rupture.date > jour or (contrat.date_fin and rupture.date >= contrat.date_fin):
        contrat.rupture = None
        return
    rupture.contrat, rupture.jeune = contrat, jeune
    rupture.jours_depuis = (jour - rupture.date).days
    if rupture.signalee_le:
        rupture.delai_signalement_jours = (rupture.signalee_le - rupture.date).days


def age_au(naissance: date, jour: date) -> int:
    """Completed years."""
    return jour.year - naissance.year - ((jour.month, jour.day) < (naissance.month, naissance.day))


def etat_traitement(suivi: Suivi | None) -> EtatTraitement:
    """DOMAIN §4.3: no situation yet, called without answer, or handled."""
    if suivi is None or suivi.situation is None:
        return EtatTraitement.A_TRAITER
    if suivi.situation is SituationSuivi.CONTACTE_SANS_RETOUR:
        return EtatTraitement.INJOIGNABLE
    return EtatTraitement.TRAITE


def motifs_priorite(jeune: Jeune, rupture: Rupture) -> list[MotifPriorite]:
    """Reasons of ANSWERS 10, in the order of the priority list (DOMAIN §4.3)."""
    motifs = []
    if jeune.collaboration and jeune.collaboration.demandee_le:
        motifs.append(MotifPriorite.ACCOMPAGNEMENT_CONJOINT)
    if jeune.suivi and jeune.suivi.souhaite_rdv:
        motifs.append(MotifPriorite.SOUHAITE_RDV)
    sorti = jeune.statut is not None and jeune.statut.valeur in SORTIES
    if not sorti and (rupture.jours_depuis or 0) <= PRIORITE_JOURS:
        motifs += [MotifPriorite.RQTH] if jeune.rqth else []
        motifs += [MotifPriorite.MINEUR] if jeune.mineur else []
    return motifs

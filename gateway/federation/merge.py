"""From the testimonies of one person to one Jeune, with derived fields. Pure: the day and the directory are given.

Who is kept of those who tell a field is the table of `precedence`; a value absent from the best source comes from the next.
"""

from dataclasses import dataclass, replace
from datetime import date

from gateway.domain.statut import Etape, PeriodeContrat, Session, parcours, statut_au
from gateway.domain.territoire import Residence
from gateway.federation.annuaire import Annuaire
from gateway.federation.contrats import ContratFondu, fondre
from gateway.federation.precedence import CONTRAT, JEUNE, RUPTURE, dits, memes_employeurs, retenu, valeur
from gateway.federation.rapprochement import Groupe
from gateway.federation.temoignages import RANG, Temoignage
from gateway.federation.traitement import nouveau_contrat
from gateway.schema.lieux import MissionLocale
from gateway.schema.nouns import Adresse, Contrat, Employeur, Formation, Jeune, Rupture, Statut

AGE_MAJORITE = 18
AGES = range(10, 100)  # beyond, a birth date is a mistake: it is shown, and no age is made of it


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
    for temoignage in sorted(groupe.temoignages, key=lambda temoignage: temoignage.rang_du_domicile):
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
    if trouvee:
        jeune.mission_locale = annuaire.mission_locale(trouvee.mission_locale)
        jeune.missions_locales_possibles = _possibles(trouvee, annuaire)
    jeune.formations = formations
    contrats = tuple(_contrat(fondu, formations, annuaire) for fondu in fondus)
    jeune.contrats = list(contrats)
    _derives(jeune, jour)
    return Fusion(groupe, trouvee, ou, contrats, tuple(fondus), jeune)


def _possibles(trouvee: Residence, annuaire: Annuaire) -> list[MissionLocale] | None:
    """The Missions locales that an ambiguous home leaves, by code; None where it is settled, or tells nothing."""
    if trouvee.mission_locale:
        return None
    communes = (annuaire.geographie.par_insee[insee] for insee in trouvee.candidates)
    codes = sorted({commune.mission_locale for commune in communes if commune.mission_locale})
    return [mission for code in codes if (mission := annuaire.mission_locale(code))] or None


def _identite(groupe: Groupe) -> Jeune:
    champs = ("nom", "prenom", "date_naissance", "sexe", "ine", "rqth", "telephone", "courriel", "representants")
    porteurs = _porteurs(groupe)
    return Jeune(**{champ: valeur(JEUNE, champ, porteurs) for champ in champs})


def _porteurs(groupe: Groupe) -> list[tuple[Temoignage, Jeune]]:
    return [(temoignage, temoignage.jeune) for temoignage in groupe.temoignages]


def _accompagnement(jeune: Jeune, groupe: Groupe, annuaire: Annuaire) -> None:
    """Follow-up and collaboration, each from the first system that has one; the system names its Mission locale."""
    porteurs = _porteurs(groupe)
    suivi = retenu(JEUNE["suivi"].ordre, dits(porteurs, "suivi"))
    if suivi:
        jeune.suivi = replace(suivi[1], mission_locale=annuaire.mission_locale(suivi[0].locataire))
    jeune.collaboration = valeur(JEUNE, "collaboration", porteurs)


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
        setattr(contrat, champ, valeur(CONTRAT, champ, fondu.versions))
    contrat.employeur = _employeur(fondu)
    contrat.cfa = next((annuaire.completer_cfa(v.cfa) for _, v in fondu.versions if v.cfa), None)
    contrat.formation = _formation_de(contrat, formations)
    contrat.rupture = _rupture(fondu, contrat.date_fin)
    return contrat


def _employeur(fondu: ContratFondu) -> Employeur | None:
    """Each value from the best source that tells it of the same legal unit: registries name whom ERPs only number."""
    dits = [version.employeur for _, version in fondu.versions if version.employeur]
    if not dits:
        return None
    connu = next((dit for dit in dits if dit.siret), dits[0])
    memes = [dit for dit in dits if memes_employeurs(dit, connu)]
    champs = ("siret", "denomination", "naf", "idcc", "commune")
    return Employeur(**{champ: next((v for d in memes if (v := getattr(d, champ))), None) for champ in champs})


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


def _rupture(fondu: ContratFondu, fin: date | None) -> Rupture | None:
    """A rupture comes before the planned end (ANSWERS 10): an end at its term is none, nor does it count as one."""
    dites = fondu.ruptures
    jour = valeur(RUPTURE, "date", dites)
    if jour is None or (fin and jour >= fin):
        return None
    return Rupture(
        date=jour,
        cause=valeur(RUPTURE, "cause", dites),
        sources=list(dict.fromkeys(qui.source for qui, _ in dites)),
    )


def _derives(jeune: Jeune, jour: date) -> None:
    contrats = jeune.contrats or []
    etapes = parcours(_sessions(jeune), [_periode(contrat) for contrat in contrats if contrat.date_debut])
    jeune.etapes = [Statut(valeur=etape.valeur, depuis=etape.depuis) for etape in etapes]
    courante: Etape | None = statut_au(etapes, jour)
    jeune.statut = Statut(valeur=courante.valeur, depuis=courante.depuis) if courante else None
    age = age_au(jeune.date_naissance, jour) if jeune.date_naissance else None
    if age is not None and age in AGES:
        jeune.age, jeune.mineur = age, age < AGE_MAJORITE
    contrats.sort(key=lambda contrat: contrat.date_debut or date.min, reverse=True)
    for contrat in contrats:
        contrat.jeune = jeune
        _relier_rupture(contrat, jeune, jour)
    reelles = [contrat.rupture for contrat in contrats if contrat.rupture]
    for rupture in reelles:
        rupture.nouveau_contrat = nouveau_contrat(etapes, rupture, jour)
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
    """A rupture is one that took effect (ANSWERS 10); one to come is no Rupture of the graph."""
    rupture = contrat.rupture
    if rupture is None or rupture.date is None:
        return
    if rupture.date > jour:
        contrat.rupture = None
        return
    rupture.contrat, rupture.jeune = contrat, jeune
    rupture.jours_depuis = (jour - rupture.date).days


def age_au(naissance: date, jour: date) -> int:
    """Completed years."""
    return jour.year - naissance.year - ((jour.month, jour.day) < (naissance.month, naissance.day))


def uais_de(jeune: Jeune) -> frozenset[str]:
    """The CFAs of a person's contracts and formations."""
    cfas = [contrat.cfa for contrat in jeune.contrats or []] + [f.cfa for f in jeune.formations or []]
    return frozenset(cfa.uai for cfa in cfas if cfa and cfa.uai)

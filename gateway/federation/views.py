"""The view of a perimeter: every person it may see, merged and bounded, kept until what it came from changes.

A view is keyed by perimeter, purpose, day and versions of its units (ANSWERS 23). Nothing here reaches a source.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import cache, partial
from typing import Any

import strawberry
from cachetools import LRUCache

from gateway.auth.perimetre import Perimetre, Rattachement, age_recevable, contrat_visible, relations
from gateway.auth.politique import Politique
from gateway.auth.rules import CategorieDonnee, Finalite, Profil
from gateway.domain.identity import Traits
from gateway.domain.recherche import Repertoire
from gateway.federation.annuaire import Annuaire
from gateway.federation.attribution import Attribution
from gateway.federation.grappes import grappe_de_personne, grappes_de_contrats, identites_partagees
from gateway.federation.liens import Grappe
from gateway.federation.merge import Fusion, fusionner, residence, uais_de
from gateway.federation.rapprochement import Groupe, rapprocher
from gateway.federation.recolte import Recolte
from gateway.federation.signalements import Fait, faits_sans_date, signaler
from gateway.federation.temoignages import Temoignage
from gateway.federation.traitement import etat_traitement, motifs_priorite
from gateway.schema.lieux import TypeSource
from gateway.schema.nouns import Contrat, Jeune, Rupture

LECTURES_MAX = 64  # rights and readings whose masked copies are kept with a view
REPRISE = 30.0  # seconds a view built without the ledger of links is kept, before it is tried again
LISTES_MAX = 16  # lists of one view kept in order, by filter and order
PAGES_MAX = 16  # pages of one view kept as they were shown to the same rights


@dataclass(frozen=True, slots=True)
class Droits:
    """Who looks, for what: enough to say what may be read of each person."""

    politique: Politique
    profil: Profil
    finalite: Finalite | None
    perimetre: Perimetre

    @property
    def lisibles(self) -> frozenset[CategorieDonnee]:
        """What the profile may read of somebody at least, for this purpose."""
        return self.politique.categories(self.profil, self.finalite)


@dataclass(frozen=True, slots=True)
class Personne:
    """A person of a view and the categories its viewer may read of that very person."""

    fusion: Fusion
    rattachement: Rattachement
    categories: frozenset[CategorieDonnee]

    @property
    def jeune(self) -> Jeune:
        return self.fusion.jeune

    @property
    def traits(self) -> list[Traits]:
        """What its records tell of its identity."""
        return [temoignage.traits for temoignage in self.fusion.groupe.temoignages if temoignage.traits]


@dataclass(frozen=True, slots=True)
class Retenues:
    """The persons of a view, who have no id yet, and all that the ledger of links is asked about them.

    Each comes with the keys that give ids: its own, then its contracts' in their order.
    """

    personnes: tuple[tuple[Personne, tuple[Grappe, ...]], ...]
    faits: tuple[Fait, ...]

    @property
    def grappes(self) -> list[Grappe]:
        return [grappe for _, grappes in self.personnes for grappe in grappes]


@dataclass(frozen=True, slots=True)
class Shown:
    """What leaves: a masked copy or a page of them, and the categories read of each person in it, by her id."""

    value: Any
    read: dict[str, frozenset[CategorieDonnee]]


@dataclass(slots=True)
class Montres:
    """What was made to be shown to the same rights: masked copies by id, and pages of them."""

    copies: dict[str, Shown] = field(default_factory=dict)
    pages: LRUCache[Hashable, Shown] = field(default_factory=lambda: LRUCache(PAGES_MAX))


@dataclass(slots=True)
class Vue:
    """The persons of a perimeter, by id, and their contracts and ruptures that it may see.

    `listes` and `_montres` are what answers made of them, kept as long as they are: lists in order, masked copies looked at.
    """

    personnes: dict[str, Personne] = field(default_factory=dict)
    contrats: dict[str, tuple[Personne, Contrat]] = field(default_factory=dict)
    ruptures: dict[str, tuple[Personne, Rupture]] = field(default_factory=dict)
    anciens: dict[str, str] = field(default_factory=dict)  # ids of before, and what they have become
    perimee: float | None = None  # loop time when one built without the ledger of links must be built again
    listes: LRUCache[tuple[str, ...], Any] = field(default_factory=lambda: LRUCache(LISTES_MAX))
    _repertoire: Repertoire | None = None
    _montres: dict[object, Montres] = field(default_factory=dict)

    def montres(self, droits: Droits, categories: frozenset[CategorieDonnee], lignes: frozenset[str]) -> Montres:
        """What was already made to be shown for these rights and this reading: whoever else looks starts again."""
        cle = (droits.profil, droits.finalite, droits.perimetre, categories, lignes)
        if cle not in self._montres and len(self._montres) >= LECTURES_MAX:
            self._montres.clear()
        return self._montres.setdefault(cle, Montres())

    @property
    def repertoire(self) -> Repertoire:
        """Its persons, by id, to be looked up by identity; made at the first search."""
        if self._repertoire is None:
            self._repertoire = Repertoire((cle, personne.traits) for cle, personne in self.personnes.items())
        return self._repertoire


def retenir(recolte: Recolte, droits: Droits, annuaire: Annuaire, jour: date) -> Retenues:
    """Join, merge and bound: a person without relation to the viewer never enters the view."""
    pseudonyme = cache(annuaire.pseudonyme)  # a record gives several; forgotten with this reading
    groupes = rapprocher(recolte.temoignages, partial(_peut_situer, droits=droits, annuaire=annuaire))
    partagees = identites_partagees(groupes, recolte.complete)
    retenues = []
    for groupe in groupes:
        if not _peut_concerner(groupe, droits, annuaire):
            continue
        fusion = fusionner(groupe, annuaire, jour)
        rattachement = _rattachement(fusion, annuaire)
        accordees = lisibles(fusion.jeune, rattachement, droits)
        if accordees:
            sienne = grappe_de_personne(groupe, partagees, pseudonyme)
            grappes = (sienne, *grappes_de_contrats(fusion.fondus, pseudonyme))
            retenues.append((Personne(fusion, rattachement, accordees), grappes))
    fondus = [fondu for personne, _ in retenues for fondu in personne.fusion.fondus]
    faits = [fait for fondu in fondus for fait in faits_sans_date(fondu, pseudonyme)]
    return Retenues(tuple(retenues), tuple(faits))


def inscrire(retenues: Retenues, attribution: Attribution, droits: Droits, annuaire: Annuaire, recolte: Recolte) -> Vue:
    """Give each person, contract and rupture its id, and its place in the view."""
    vue = Vue(anciens=dict(attribution.anciens))
    for personne, grappes in retenues.personnes:
        _identifier(personne.fusion, grappes, attribution, annuaire)
        _inscrire(vue, personne, droits, recolte)
    return vue


def _identifier(fusion: Fusion, grappes: tuple[Grappe, ...], attribution: Attribution, annuaire: Annuaire) -> None:
    """Ids, and the first sightings that go with them: what the sources of the moment do not tell."""
    fusion.jeune.id = strawberry.ID(annuaire.sceller("Jeune", attribution.objet(grappes[0])))
    for contrat, fondu, grappe in zip(fusion.contrats, fusion.fondus, grappes[1:], strict=True):
        objet = attribution.objet(grappe)
        contrat.id = strawberry.ID(annuaire.sceller("Contrat", objet))
        if contrat.rupture:
            contrat.rupture.id = strawberry.ID(annuaire.sceller("Rupture", objet))
            signaler(contrat.rupture, fondu, attribution.vues, annuaire.pseudonyme)


def _peut_situer(temoignage: Temoignage, droits: Droits, annuaire: Annuaire) -> bool:
    """Whether it may be what puts its person in the view: the home of a person is one that a testimony tells."""
    if droits.perimetre.profil is not Profil.MISSION_LOCALE:
        return True
    code = droits.perimetre.organisation
    if temoignage.type is TypeSource.MISSION_LOCALE and temoignage.locataire == code:
        return True
    return annuaire.mission_locale_du_domicile(temoignage.jeune.adresse) == code


def _peut_concerner(groupe: Groupe, droits: Droits, annuaire: Annuaire) -> bool:
    """Cheap first look, before merging: those who see by residence need it to be theirs, or to follow the person."""
    if droits.perimetre.profil is not Profil.MISSION_LOCALE:
        return True
    _, lieu = residence(groupe, annuaire)
    code = droits.perimetre.organisation
    return (lieu is not None and lieu.mission_locale == code) or code in _suivi_par(groupe)


def _suivi_par(groupe: Groupe) -> frozenset[str]:
    return frozenset(t.locataire for t in groupe.temoignages if t.type is TypeSource.MISSION_LOCALE)


def _rattachement(fusion: Fusion, annuaire: Annuaire) -> Rattachement:
    uais = uais_de(fusion.jeune)
    organismes = [organisme for uai in uais if (organisme := annuaire.referentiel.organisme(uai, None))]
    lieu = fusion.residence
    return Rattachement(
        mission_locale=lieu.mission_locale if lieu else None,
        suivi_par=_suivi_par(fusion.groupe),
        departement=lieu.departement if lieu else None,
        region=lieu.region if lieu else None,
        uais=uais,
        reseaux=frozenset(reseau for organisme in organismes for reseau in organisme.reseaux),
        regions=_codes(organisme.region for organisme in organismes),
        departements=_codes(organisme.departement for organisme in organismes),
        academies=_codes(organisme.academie for organisme in organismes),
    )


def _codes(codes: Iterable[str | None]) -> frozenset[str]:
    return frozenset(code for code in codes if code)


def lisibles(jeune: Jeune, rattachement: Rattachement, droits: Droits) -> frozenset[CategorieDonnee]:
    """What the viewer may read of this person; nothing when out of perimeter."""
    liens = relations(droits.perimetre, rattachement)
    # Showing somebody for a disability tells it: only to those who may read it.
    rqth = jeune.rqth if CategorieDonnee.SENSIBLE in droits.lisibles else None
    if not liens or not age_recevable(droits.perimetre, jeune.age, rqth):
        return frozenset()
    statut = jeune.statut.valeur if jeune.statut else None
    collaboration = jeune.collaboration is not None and jeune.collaboration.demandee_le is not None
    accordees = droits.politique.accordees(droits.profil, droits.finalite, liens, statut, collaboration)
    return accordees - {CategorieDonnee.PUBLIQUE} and accordees


def _inscrire(vue: Vue, personne: Personne, droits: Droits, recolte: Recolte) -> None:
    jeune = personne.jeune
    _borner(jeune, droits.perimetre)
    vue.personnes[jeune.id] = personne
    suivi_su = _suivi_su(jeune, droits, recolte)
    for contrat in jeune.contrats or []:
        vue.contrats[contrat.id] = (personne, contrat)
        if contrat.rupture:
            _traitement(contrat.rupture, personne, suivi_su)
            vue.ruptures[contrat.rupture.id] = (personne, contrat.rupture)


def _borner(jeune: Jeune, perimetre: Perimetre) -> None:
    """Rows of the person that the viewer may not see: contracts and trainings at other CFAs than its own."""
    jeune.contrats = [c for c in jeune.contrats or [] if contrat_visible(perimetre, c.cfa.uai if c.cfa else None)]
    jeune.ruptures = [r for r in jeune.ruptures or [] if any(r.contrat is contrat for contrat in jeune.contrats)]
    jeune.formations = [f for f in jeune.formations or [] if contrat_visible(perimetre, f.cfa.uai if f.cfa else None)]
    for contrat in jeune.contrats:
        if not any(contrat.formation is formation for formation in jeune.formations):
            contrat.formation = None


def _suivi_su(jeune: Jeune, droits: Droits, recolte: Recolte) -> bool:
    """Whether the absence of a follow-up means something: the system that would hold it was heard."""
    code = jeune.mission_locale.code if jeune.mission_locale else None
    if droits.perimetre.profil is Profil.MISSION_LOCALE:
        code = droits.perimetre.organisation
    return jeune.suivi is not None or code in recolte.suivi_entendu


def _traitement(rupture: Rupture, personne: Personne, suivi_su: bool) -> None:
    """State and priority; a reason that would tell a category not granted is left out (ANSWERS 12)."""
    if not suivi_su:
        return
    motifs = motifs_priorite(personne.jeune, rupture)
    rupture.etat = etat_traitement(personne.jeune.suivi, rupture)
    rupture.motifs_priorite = [motif for motif in motifs if motif.tells in personne.categories]
    rupture.prioritaire = bool(rupture.motifs_priorite)

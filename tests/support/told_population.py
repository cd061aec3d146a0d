"""A generated population as its systems tell it, with their mistakes, in the nouns of the graph: before any partner's format, and
without HTTP."""

from datetime import UTC, datetime

from fixtures.population import model
from fixtures.population.model import Account
from gateway.connectors.base import Record
from gateway.schema.nouns import (
    Adresse,
    Collaboration,
    Contrat,
    Employeur,
    EtapeSuivi,
    Formation,
    Jeune,
    Rupture,
    Sexe,
    SituationSuivi,
    Suivi,
)
from gateway.schema.organisations import Cfa
from gateway.schema.scalars import SIRET, UAI, CodePostal

INSTANT = datetime(2026, 10, 15, 9, tzinfo=UTC)


def record_of(account: Account) -> Record:
    """One record, in the nouns of the graph."""
    who, registry = account.person, account.system == "registre"
    adresse = Adresse(
        code_postal=CodePostal(who.adresse.code_postal), insee=who.adresse.insee or None, ville=who.adresse.ville
    )
    jeune = Jeune(
        nom=who.nom,
        prenom=who.prenom,
        date_naissance=who.date_naissance,
        sexe=Sexe(who.sexe) if who.sexe else None,
        ine=None if registry else who.ine,
        rqth=who.rqth,
        telephone=who.telephone or None,
        courriel=who.courriel or None,
        adresse=adresse,
        formations=[_formation(one) for one in who.formations],
        contrats=[_contrat(one, registry) for one in who.contrats],
        suivi=_suivi(who.suivi),
        collaboration=_collaboration(who.collaboration),
    )
    return Record(account.key, jeune, None if registry else INSTANT)


def _cfa(uai: str) -> Cfa:
    return Cfa(uai=UAI(uai))


def _formation(one: model.Formation) -> Formation:
    return Formation(intitule=one.intitule, rncp=one.rncp, date_debut=one.debut, date_fin=one.fin, cfa=_cfa(one.uai))


def _contrat(one: model.Contrat, registry: bool) -> Contrat:
    siret = one.employeur.siret
    return Contrat(
        numero=one.numero if registry else None,
        type=one.type,
        date_debut=one.debut,
        date_fin=one.fin,
        employeur=Employeur(siret=SIRET(siret), denomination=one.employeur.denomination) if siret else None,
        cfa=_cfa(one.uai),
        rupture=Rupture(date=one.rupture.date, cause=one.rupture.cause) if one.rupture else None,
    )


def _suivi(told: model.Suivi | None) -> Suivi | None:
    if told is None:
        return None
    return Suivi(
        situation=SituationSuivi.AUTRE if told.situation else None,
        date=told.maj_le.replace(tzinfo=UTC),
        historique=[
            EtapeSuivi(situation=SituationSuivi.AUTRE, date=s.date.replace(tzinfo=UTC)) for s in told.historique
        ],
    )


def _collaboration(told: model.Collaboration | None) -> Collaboration | None:
    return Collaboration(demandee_le=told.demandee_le.replace(tzinfo=UTC), uai=told.uai) if told else None

"""What figures are asked by: the dimensions of their lines, and the criteria that they keep. Know no count."""

from datetime import date
from enum import Enum

import strawberry

from gateway.auth.policy.rules import CategorieDonnee as C
from gateway.auth.policy.rules import criterion
from gateway.schema.nouns import Sexe
from gateway.schema.scalars import UAI

_ABOUT = "Query.statistiques"


@strawberry.enum(description="Ce qui distingue les lignes d'une statistique.")
class Dimension(Enum):
    REGION = "REGION"
    DEPARTEMENT = "DEPARTEMENT"
    ACADEMIE = "ACADEMIE"
    RESEAU = "RESEAU"
    CFA = "CFA"
    MISSION_LOCALE = "MISSION_LOCALE"
    NIVEAU = "NIVEAU"
    SEXE = "SEXE"
    TRANCHE_AGE = "TRANCHE_AGE"
    SECTEUR = "SECTEUR"
    STATUT = "STATUT"
    MOIS = "MOIS"
    ANNEE_SCOLAIRE = "ANNEE_SCOLAIRE"


@strawberry.enum(description="Ce que dit un lieu : où l'on se forme, ou où l'on habite.")
class LieuDeReference(Enum):
    FORMATION = "FORMATION"
    RESIDENCE = "RESIDENCE"


@strawberry.enum(description="Âge au premier jour du contrat.")
class TrancheAge(Enum):
    MOINS_DE_18 = "MOINS_DE_18"
    DE_18_A_20 = "DE_18_A_20"
    DE_21_A_25 = "DE_21_A_25"
    DE_26_ET_PLUS = "DE_26_ET_PLUS"


@strawberry.input(
    description="Filtre des statistiques. Sans date : les 12 derniers mois entiers, et les statuts du jour."
)
class FiltreStatistiques:
    region: str | None = criterion(C.AGREGAT, "Région (code) ; jamais avec `regions`.", _ABOUT)
    regions: list[str] | None = criterion(C.AGREGAT, "Régions (codes).", _ABOUT)
    departement: str | None = criterion(C.AGREGAT, "Département (code) ; jamais avec `departements`.", _ABOUT)
    departements: list[str] | None = criterion(C.AGREGAT, "Départements (codes).", _ABOUT)
    academie: str | None = criterion(C.AGREGAT, "Académie (code).", _ABOUT)
    reseau: str | None = criterion(C.AGREGAT, "Réseau de CFA (code).", _ABOUT)
    cfa: UAI | None = criterion(C.AGREGAT, "CFA (UAI) ; jamais avec `cfas`.", _ABOUT)
    cfas: list[UAI] | None = criterion(C.AGREGAT, "CFA (UAI).", _ABOUT)
    mission_locale: str | None = criterion(C.AGREGAT, "Mission locale (code) ; jamais avec `missionsLocales`.", _ABOUT)
    missions_locales: list[str] | None = criterion(C.AGREGAT, "Missions locales (codes).", _ABOUT)
    niveau: int | None = criterion(C.AGREGAT, "Niveau du diplôme, de 3 à 8 ; jamais avec `niveaux`.", _ABOUT)
    niveaux: list[int] | None = criterion(C.AGREGAT, "Niveaux du diplôme.", _ABOUT)
    sexe: Sexe | None = criterion(C.AGREGAT, "Sexe.", _ABOUT)
    tranche_age: TrancheAge | None = criterion(C.AGREGAT, "Tranche d'âge.", _ABOUT)
    secteur: str | None = criterion(C.AGREGAT, "Secteur de l'employeur : lettre de section de la NAF.", _ABOUT)
    lieu: LieuDeReference | None = criterion(
        C.AGREGAT, "Lieu compté (par défaut : RESIDENCE avec une Mission locale, sinon FORMATION).", _ABOUT
    )
    depuis: date | None = criterion(C.AGREGAT, "Premier mois compté, par un de ses jours.", _ABOUT)
    jusqua: date | None = criterion(C.AGREGAT, "Dernier mois compté, par un de ses jours.", _ABOUT)

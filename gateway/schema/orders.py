"""What a caller may sort by. Each order carries the categories of the data that it compares.

Whatever has no value for an order comes last, in both directions.
"""

import strawberry

from gateway.auth.policy.rules import CategorieDonnee as C
from gateway.auth.policy.rules import SortKey
from gateway.schema.filters import PRIORITE

_BY_DATE = (frozenset({C.RUPTURE}), "Rupture.date")
_BY_REPORT = (frozenset({C.RUPTURE}), "Rupture.signaleeLe")
_BY_STATUT = (frozenset({C.PARCOURS}), "Jeune.statut")
_BY_NAME = (frozenset({C.IDENTITE}), "Jeune.nom", "Jeune.prenom")
_BY_AGE = (frozenset({C.PARCOURS}), "Jeune.age")
_BY_START = (frozenset({C.CONTRAT}), "Contrat.dateDebut")
_BY_END = (frozenset({C.CONTRAT}), "Contrat.dateFin")
_BY_DEADLINE = (frozenset({C.SANS_CONTRAT}), "Jeune.sansContrat")
_BY_CHANGE = (frozenset({C.TECHNIQUE}), "Jeune.provenance")


@strawberry.enum(description="Ordre des ruptures.")
class TriRuptures(SortKey):
    DATE_DESC = "DATE_DESC", *_BY_DATE
    DATE_ASC = "DATE_ASC", *_BY_DATE
    PRIORITE = "PRIORITE", PRIORITE | {C.RUPTURE}, "Rupture.motifsPriorite", "Rupture.date"
    SIGNALEE_DESC = "SIGNALEE_DESC", *_BY_REPORT
    SIGNALEE_ASC = "SIGNALEE_ASC", *_BY_REPORT
    NOM_ASC = "NOM_ASC", *_BY_NAME
    NOM_DESC = "NOM_DESC", *_BY_NAME
    AGE_ASC = "AGE_ASC", *_BY_AGE
    AGE_DESC = "AGE_DESC", *_BY_AGE
    MODIFIE_DESC = "MODIFIE_DESC", *_BY_CHANGE
    MODIFIE_ASC = "MODIFIE_ASC", *_BY_CHANGE


@strawberry.enum(description="Ordre des jeunes.")
class TriJeunes(SortKey):
    STATUT_RECENT = "STATUT_RECENT", *_BY_STATUT
    STATUT_ANCIEN = "STATUT_ANCIEN", *_BY_STATUT
    NOM_ASC = "NOM_ASC", *_BY_NAME
    NOM_DESC = "NOM_DESC", *_BY_NAME
    AGE_ASC = "AGE_ASC", *_BY_AGE
    AGE_DESC = "AGE_DESC", *_BY_AGE
    RUPTURE_DESC = "RUPTURE_DESC", *_BY_DATE
    RUPTURE_ASC = "RUPTURE_ASC", *_BY_DATE
    MODIFIE_DESC = "MODIFIE_DESC", *_BY_CHANGE
    MODIFIE_ASC = "MODIFIE_ASC", *_BY_CHANGE


@strawberry.enum(description="Ordre des inscrits sans contrat.")
class TriSansContrat(SortKey):
    ECHEANCE = "ECHEANCE", *_BY_DEADLINE


@strawberry.enum(description="Ordre des contrats.")
class TriContrats(SortKey):
    DEBUT_DESC = "DEBUT_DESC", *_BY_START
    DEBUT_ASC = "DEBUT_ASC", *_BY_START
    FIN_DESC = "FIN_DESC", *_BY_END
    FIN_ASC = "FIN_ASC", *_BY_END
    RUPTURE_DESC = "RUPTURE_DESC", *_BY_DATE
    RUPTURE_ASC = "RUPTURE_ASC", *_BY_DATE
    NOM_ASC = "NOM_ASC", *_BY_NAME
    NOM_DESC = "NOM_DESC", *_BY_NAME
    MODIFIE_DESC = "MODIFIE_DESC", *_BY_CHANGE
    MODIFIE_ASC = "MODIFIE_ASC", *_BY_CHANGE

"""The nouns of a young person: Jeune, Contrat, Rupture and what they hold.

Each class is at once the graph type, the canonical record that connectors fill and federation merges, and the access
rule of its fields. Knows no partner, no viewer. Dates are days (`date`); instants carry an offset.
"""

from datetime import date, datetime
from enum import Enum
from typing import Annotated

import strawberry

from gateway.auth.policy.rules import CategorieDonnee as C
from gateway.auth.policy.rules import Derivation, Telling, argument, donnee, libre, object_type, opened_by
from gateway.domain.statut import StatutApprenant
from gateway.schema.derivations import AGE, COMPETENCE, ETAT, ETAT_SANS_CONTRAT, PRIORITE, SINCE, STATUT
from gateway.schema.evidence import IndiceRapprochement, Provenance, provenance_lines
from gateway.schema.organisations import Cfa, Commune, MissionLocale, Node, TypeSource
from gateway.schema.sans_contrat import WAIT, SansContrat
from gateway.schema.scalars import SIRET, CodePostal
from gateway.schema.write_states import (
    EtatEcriture,
    MotifAccompagnement,
    PrecisionDite,
    ReponseAccompagnement,
    version_of,
)
from gateway.slotted_types import with_slots

Day = date  # a field named `date` hides the type inside its own class

strawberry.enum(StatutApprenant, description="Statut d'un apprenant à une date (machine à états publiée).")


@strawberry.enum(description="Sexe à l'état civil, tel que les sources le disent.")
class Sexe(Enum):
    F = "F"
    M = "M"


@strawberry.enum(description="Où en est le traitement d'une rupture par la Mission locale.")
class EtatTraitement(Enum):
    A_TRAITER = "A_TRAITER"
    INJOIGNABLE = "INJOIGNABLE"
    TRAITE = "TRAITE"


@strawberry.enum(description="Raison pour laquelle une rupture est prioritaire.")
class MotifPriorite(Telling):
    ACCOMPAGNEMENT_CONJOINT = "ACCOMPAGNEMENT_CONJOINT", C.COLLABORATION
    SOUHAITE_RDV = "SOUHAITE_RDV", C.SUIVI
    RQTH = "RQTH", C.SENSIBLE
    MINEUR = "MINEUR", C.PARCOURS


@strawberry.enum(description="Situation notée par la Mission locale.")
class SituationSuivi(Enum):
    RDV_PRIS = "RDV_PRIS"
    NOUVEAU_PROJET = "NOUVEAU_PROJET"
    DEJA_ACCOMPAGNE = "DEJA_ACCOMPAGNE"
    CONTACTE_SANS_RETOUR = "CONTACTE_SANS_RETOUR"
    COORDONNEES_INCORRECT = "COORDONNEES_INCORRECT"
    INJOIGNABLE_APRES_RELANCES = "INJOIGNABLE_APRES_RELANCES"
    NOUVEAU_CONTRAT = "NOUVEAU_CONTRAT"
    NE_SOUHAITE_PAS_ETRE_RECONTACTE = "NE_SOUHAITE_PAS_ETRE_RECONTACTE"
    CHERCHE_CONTRAT = "CHERCHE_CONTRAT"
    REORIENTATION = "REORIENTATION"
    NE_VEUT_PAS_ACCOMPAGNEMENT = "NE_VEUT_PAS_ACCOMPAGNEMENT"
    AUTRE = "AUTRE"


@with_slots
@object_type("Statut d'un apprenant et sa date d'effet.", C.PARCOURS)
class Statut:
    valeur: StatutApprenant = strawberry.field(description="Valeur du statut.")
    depuis: date = strawberry.field(description="Premier jour de ce statut.")


@with_slots
@object_type("Adresse postale.", C.ADRESSE)
class Adresse:
    voie: str | None = libre("Numéro et voie.")
    complement: str | None = libre("Complément d'adresse.")
    code_postal: CodePostal | None = libre("Code postal.")
    commune: Commune | None = libre("Commune, quand elle est établie sans ambiguïté.")
    insee: strawberry.Private[str | None] = None
    ville: strawberry.Private[str | None] = None


@with_slots
@object_type("Représentant légal.", C.REPRESENTANT)
class Representant:
    nom: str | None = libre("Nom du représentant.")
    courriel: str | None = libre("Courriel du représentant.")
    telephone: str | None = libre("Téléphone du représentant.")


@with_slots
@object_type("Employeur signataire d'un contrat.", C.CONTRAT)
class Employeur:
    siret: SIRET | None = libre("SIRET de l'établissement employeur.")
    denomination: str | None = libre("Dénomination.")
    naf: str | None = libre("Code NAF.")
    idcc: str | None = libre("Convention collective (IDCC).")
    commune: Commune | None = libre("Commune de l'établissement.")
    siren: strawberry.Private[str | None] = None  # told in the place of a SIRET: it tells two employers apart


@with_slots
@object_type("Formation suivie dans un CFA.", C.PARCOURS)
class Formation:
    intitule: str | None = libre("Intitulé.")
    rncp: str | None = libre("Code RNCP.")
    cfd: str | None = libre("Code formation diplôme.")
    niveau: int | None = libre("Niveau de qualification, de 3 à 8.")
    date_debut: date | None = libre("Premier jour de la session.")
    date_fin: date | None = libre("Dernier jour de la session.")
    cfa: Cfa | None = libre("CFA formateur.")
    exclusion: strawberry.Private[date | None] = None
    is_attested: strawberry.Private[bool] = True  # whether its CFA, if it transmits, still transmits it


@with_slots
@object_type("Étape passée du suivi.", C.SUIVI)
class EtapeSuivi:
    situation: SituationSuivi | None = libre("Situation notée.")
    date: datetime = strawberry.field(description="Instant de la note.")


@with_slots
@object_type("Suivi par une Mission locale.", C.SUIVI)
class Suivi:
    situation: SituationSuivi | None = libre("Situation présente.")
    situation_autre: str | None = libre("Précision quand la situation est AUTRE.")
    date: datetime | None = libre("Dernière mise à jour.")
    conseiller: str | None = libre("Conseiller référent.")
    commentaire: str | None = libre("Commentaire du conseiller.")
    deja_connu: bool | None = libre("Vrai si la Mission locale connaissait déjà le jeune.")
    mission_locale: MissionLocale | None = libre("Mission locale qui suit le jeune.")
    historique: list[EtapeSuivi] | None = libre("Étapes passées, de la plus récente à la plus ancienne.", size=10)
    souhaite_rdv: strawberry.Private[bool] = False
    ecriture: EtatEcriture | None = libre("État de l'écriture qui le dit, tant que la passerelle la garde.")

    def _version(self) -> str:
        return version_of(self)

    version: str | None = strawberry.field(resolver=_version, description="Version à redire pour le modifier.")


@with_slots
@object_type("Collaboration demandée par le CFA à la Mission locale.", C.COLLABORATION)
class Collaboration:
    demandee_le: datetime | None = libre("Instant de la demande.")
    motifs: list[MotifAccompagnement] | None = libre("Motifs de la demande.")
    commentaire: str | None = libre("Commentaire du CFA.")
    cause_rupture: str | None = libre("Cause de la rupture selon le CFA.")
    referent: str | None = libre("Référent au CFA.")
    encore_au_cfa: bool | None = libre("Vrai si le jeune vient encore au CFA.")
    precisions: list[PrecisionDite] | None = libre("Précisions, motif par motif.", size=9)
    note: str | None = libre("Note du CFA à la Mission locale.")
    reponse: ReponseAccompagnement | None = libre("Réponse de la Mission locale.")
    repondu_le: datetime | None = libre("Instant de la réponse.")
    commentaire_reponse: str | None = libre("Ce que la Mission locale dit avec sa réponse.")
    uai: strawberry.Private[str | None] = None  # the CFA that asked, where the source names it
    ecriture: EtatEcriture | None = libre("État de l'écriture qui la dit, tant que la passerelle la garde.")

    def _version(self) -> str:
        return version_of(self)

    version: str | None = strawberry.field(resolver=_version, description="Version à redire pour la modifier.")


@with_slots
@strawberry.type(description="Rupture d'un contrat avant son terme.")
@opened_by(C.RUPTURE)
class Rupture(Node):
    date: Day | None = donnee(C.RUPTURE, "Date d'effet de la rupture.")
    cause: str | None = donnee(C.COLLABORATION, "Cause, dans les mots de la source.")
    signalee_le: Day | None = donnee(C.RUPTURE, "Jour où une première source l'a dite.")
    delai_signalement_jours: int | None = donnee(
        C.RUPTURE,
        "Jours entre la rupture et son premier signalement.",
        derived=Derivation(("Rupture.date", "Rupture.signaleeLe")),
    )
    avance_sur_registre_jours: int | None = donnee(
        C.RUPTURE,
        "Jours d'avance du premier signalement par un CFA sur celui du registre ; négatif quand le registre l'a dite "
        "d'abord, absent quand l'un des deux l'ignore.",
        derived=Derivation(("Rupture.signaleeLe", "Rupture.sources")),
    )
    jours_depuis: int | None = donnee(C.RUPTURE, "Jours écoulés depuis la rupture.", derived=SINCE)
    etat: EtatTraitement | None = donnee(C.SUIVI, "État du traitement par la Mission locale.", derived=ETAT)
    prioritaire: bool | None = donnee(
        C.SUIVI, "Vrai si la rupture demande une action rapide.", derived=PRIORITE, any_of="motifs_priorite"
    )
    motifs_priorite: list[MotifPriorite] | None = donnee(C.SUIVI, "Raisons de la priorité.", derived=PRIORITE)
    nouveau_contrat: bool | None = donnee(
        C.PARCOURS, "Vrai si le jeune est redevenu apprenti après cette rupture.", derived=STATUT
    )
    sources: list[str] | None = donnee(C.RUPTURE, "Partenaires qui connaissent cette rupture.")
    contrat: "Contrat | None" = donnee(C.CONTRAT, "Contrat rompu.")
    jeune: "Jeune | None" = donnee(C.PARCOURS, "Jeune concerné.")
    rows: strawberry.Private[list[Provenance] | None] = None
    provenance: list[Provenance] | None = provenance_lines("Qui dit quoi de cette rupture.", names_sources=True)


@with_slots
@strawberry.type(description="Contrat d'apprentissage, avenants repliés.")
@opened_by(C.CONTRAT)
class Contrat(Node):
    numero: str | None = donnee(C.CONTRAT, "Numéro du contrat au registre.")
    type: str | None = donnee(C.CONTRAT, "Code du type de contrat.")
    date_debut: date | None = donnee(C.CONTRAT, "Premier jour du contrat.")
    date_fin: date | None = donnee(C.CONTRAT, "Dernier jour prévu.")
    employeur: Employeur | None = donnee(C.CONTRAT, "Employeur.")
    formation: Formation | None = donnee(C.PARCOURS, "Formation préparée.")
    cfa: Cfa | None = donnee(C.PARCOURS, "CFA.")
    rupture: Rupture | None = donnee(C.RUPTURE, "Rupture, s'il y en a une.")
    jeune: "Jeune | None" = donnee(C.PARCOURS, "Apprenti.")
    rows: strawberry.Private[list[Provenance] | None] = None
    annule: strawberry.Private[bool] = False
    traite_le: strawberry.Private[date | None] = None  # the last day on which the registry processed a row of it
    provenance: list[Provenance] | None = provenance_lines("Qui dit quoi de ce contrat.")


@with_slots
@strawberry.type(description="Jeune en apprentissage, ou qui l'a été.")
@opened_by(C.PARCOURS, C.SANS_CONTRAT)
class Jeune(Node):
    nom: str | None = donnee(C.IDENTITE, "Nom.")
    prenom: str | None = donnee(C.IDENTITE, "Prénom.")
    date_naissance: date | None = donnee(C.IDENTITE, "Date de naissance.")
    sexe: Sexe | None = donnee(C.IDENTITE, "Sexe.")
    age: int | None = donnee(C.PARCOURS, "Âge révolu aujourd'hui.", derived=AGE)
    mineur: bool | None = donnee(C.PARCOURS, "Vrai si le jeune a moins de 18 ans.", derived=AGE)
    ine: str | None = donnee(C.IDENTIFIANT_NATIONAL, "Identifiant national étudiant.")
    rqth: bool | None = donnee(C.SENSIBLE, "Reconnaissance de la qualité de travailleur handicapé.")
    telephone: str | None = donnee(C.CONTACT, "Téléphone.")
    courriel: str | None = donnee(C.CONTACT, "Courriel.")
    adresse: Adresse | None = donnee(C.ADRESSE, "Adresse de résidence.")
    representants: list[Representant] | None = donnee(C.REPRESENTANT, "Représentants légaux.", size=2)
    commune: Commune | None = donnee(C.ADRESSE, "Commune de résidence.", derived=Derivation(("Jeune.adresse",)))
    mission_locale: MissionLocale | None = donnee(C.PARCOURS, "Mission locale de la résidence.", derived=COMPETENCE)
    missions_locales_possibles: list[MissionLocale] | None = donnee(
        C.PARCOURS,
        "Missions locales entre lesquelles l'adresse ne tranche pas ; absent quand elle tranche.",
        derived=COMPETENCE,
        size=3,
    )
    statut: Statut | None = donnee(C.PARCOURS, "Statut d'aujourd'hui.", derived=STATUT)
    steps: strawberry.Private[list[Statut] | None] = None
    formations: list[Formation] | None = donnee(C.PARCOURS, "Formations suivies.", size=4)
    contrats: list[Contrat] | None = donnee(C.CONTRAT, "Contrats, du plus récent au plus ancien.", size=4)
    ruptures: list[Rupture] | None = donnee(C.RUPTURE, "Ruptures, de la plus récente à la plus ancienne.", size=4)
    suivi: Suivi | None = donnee(C.SUIVI, "Suivi par la Mission locale.", told_by=TypeSource.MISSION_LOCALE)
    collaboration: Collaboration | None = donnee(
        C.COLLABORATION, "Demande d'accompagnement conjoint.", told_by=TypeSource.MISSION_LOCALE
    )
    sans_contrat: SansContrat | None = donnee(
        C.SANS_CONTRAT, "Attente d'un premier contrat, s'il n'en a jamais eu dans sa formation.", derived=WAIT
    )
    etat_sans_contrat: EtatTraitement | None = donnee(
        C.SUIVI, "État du traitement de cette attente par la Mission locale.", derived=ETAT_SANS_CONTRAT
    )
    rows: strawberry.Private[list[Provenance] | None] = None
    indices: strawberry.Private[list[IndiceRapprochement] | None] = None
    departement: strawberry.Private[str | None] = None  # of the residence that was derived, be its commune known or not
    is_attested: strawberry.Private[bool] = True  # whether its CFA still tells the session in which it waits
    autres_noms: strawberry.Private[tuple[str, ...]] = ()  # usage or birth names beside `nom`
    modifie: strawberry.Private[datetime | None] = None  # what its sources say last changed; None: one does not say

    def _parcours(
        self, depuis: Annotated[date | None, argument(C.PARCOURS, "Premier jour des statuts voulus.")] = None
    ) -> list[Statut] | None:
        if self.steps is None or depuis is None:
            return self.steps
        return [step for step in self.steps if step.depuis >= depuis]

    def _rapprochements(self) -> list[IndiceRapprochement] | None:
        return self.indices

    parcours: list[Statut] | None = donnee(
        C.PARCOURS, "Statuts successifs.", _parcours, store="steps", derived=STATUT, size=10
    )
    rapprochements: list[IndiceRapprochement] | None = donnee(
        C.TECHNIQUE,
        "Indices qui ont réuni les enregistrements de ce jeune, ou laissé d'autres à confirmer.",
        _rapprochements,
        store="indices",
        by_field=True,
        names_sources=True,
        size=1,
    )
    provenance: list[Provenance] | None = provenance_lines("Qui dit quoi de ce jeune.", names_sources=True)

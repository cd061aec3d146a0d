"""What a caller may filter by. Each criterion carries the category of the data it looks at."""

from datetime import date, datetime
from typing import Any

import strawberry

from gateway.auth.policy.rules import CategorieDonnee as C
from gateway.auth.policy.rules import criterion
from gateway.domain.statut import StatutApprenant
from gateway.schema.nouns import EtatTraitement, MotifPriorite
from gateway.schema.scalars import UAI, CodeInsee

# What filtering or sorting by priority asks for: a priority follows, among its reasons, what each of them tells.
PRIORITE = frozenset(motif.tells for motif in MotifPriorite if not motif.is_base)

NAME_MIN = 3  # letters of a name that lists are filtered by


def _searched() -> Any:
    said = "Parties du nom ou du prénom, dans tout ordre, trois lettres au moins, sans égard aux accents."
    return criterion(C.IDENTITE, said, "Jeune.nom", "Jeune.prenom")


def _modified() -> Any:
    said = (
        "Ce dont un dossier a changé depuis cet instant, ou ne dit pas quand. Ce qui est sorti de la liste n'y est pas."
    )
    return criterion(C.TECHNIQUE, said, "Jeune.provenance")


@strawberry.input(description="Filtre des ruptures. Sans filtre : 180 derniers jours, jeunes sans nouveau contrat.")
class FiltreRuptures:
    depuis: date | None = criterion(
        C.RUPTURE, "Premier jour de la fenêtre (par défaut : il y a 180 jours).", "Rupture.date"
    )
    jusqua: date | None = criterion(C.RUPTURE, "Dernier jour de la fenêtre (par défaut : aujourd'hui).", "Rupture.date")
    etat: EtatTraitement | None = criterion(C.SUIVI, "État du traitement par la Mission locale.", "Rupture.etat")
    prioritaire: bool | None = criterion(
        C.SUIVI, "Ruptures prioritaires, ou les autres.", "Rupture.prioritaire", also=PRIORITE
    )
    cfa: UAI | None = criterion(C.PARCOURS, "UAI du CFA du contrat rompu.", "Contrat.cfa")
    communes: list[CodeInsee] | None = criterion(C.ADRESSE, "Communes de résidence (codes Insee).", "Jeune.commune")
    departements: list[str] | None = criterion(C.ADRESSE, "Départements de résidence (codes).", "Jeune.commune")
    statut: list[StatutApprenant] | None = criterion(
        C.PARCOURS, "Statuts d'aujourd'hui (par défaut : RUPTURANT).", "Jeune.statut"
    )
    age_max: int | None = criterion(C.PARCOURS, "Âge le plus élevé, compris.", "Jeune.age")
    mineur: bool | None = criterion(C.PARCOURS, "Mineurs, ou majeurs.", "Jeune.mineur")
    recherche: str | None = _searched()
    modifie_depuis: datetime | None = _modified()


@strawberry.input(description="Filtre des jeunes.")
class FiltreJeunes:
    statut: list[StatutApprenant] | None = criterion(C.PARCOURS, "Statuts d'aujourd'hui.", "Jeune.statut")
    cfa: UAI | None = criterion(
        C.PARCOURS, "UAI d'un CFA où le jeune se forme ou a un contrat.", "Jeune.formations", "Contrat.cfa"
    )
    communes: list[CodeInsee] | None = criterion(C.ADRESSE, "Communes de résidence (codes Insee).", "Jeune.commune")
    nom: str | None = criterion(
        C.IDENTITE, "Début du nom, trois lettres au moins, sans égard aux accents.", "Jeune.nom"
    )
    recherche: str | None = _searched()
    modifie_depuis: datetime | None = _modified()


@strawberry.input(description="Filtre des inscrits sans contrat. Sans filtre : ceux dont aucun contrat n'est prévu.")
class FiltreSansContrat:
    etat: EtatTraitement | None = criterion(
        C.SUIVI, "État du traitement par la Mission locale.", "Jeune.etatSansContrat"
    )
    depassee: bool | None = criterion(C.SANS_CONTRAT, "Échéance dépassée, ou à venir.", "Jeune.sansContrat")
    contrat_prevu: bool | None = criterion(
        C.SANS_CONTRAT, "Vrai : aussi ceux qui ont signé un contrat à venir, sinon écartés.", "Jeune.sansContrat"
    )
    cfa: UAI | None = criterion(C.PARCOURS, "UAI d'un CFA où le jeune se forme.", "Jeune.formations")
    communes: list[CodeInsee] | None = criterion(C.ADRESSE, "Communes de résidence (codes Insee).", "Jeune.commune")
    departements: list[str] | None = criterion(C.ADRESSE, "Départements de résidence (codes).", "Jeune.commune")
    age_max: int | None = criterion(C.PARCOURS, "Âge le plus élevé, compris.", "Jeune.age")
    mineur: bool | None = criterion(C.PARCOURS, "Mineurs, ou majeurs.", "Jeune.mineur")
    recherche: str | None = _searched()
    modifie_depuis: datetime | None = _modified()


@strawberry.input(description="Filtre des contrats.")
class FiltreContrats:
    debut_depuis: date | None = criterion(C.CONTRAT, "Contrats commencés à partir de ce jour.", "Contrat.dateDebut")
    debut_jusqua: date | None = criterion(C.CONTRAT, "Contrats commencés au plus tard ce jour.", "Contrat.dateDebut")
    cfa: UAI | None = criterion(C.PARCOURS, "UAI du CFA.", "Contrat.cfa")
    rompus: bool | None = criterion(C.RUPTURE, "Contrats rompus, ou les autres.", "Contrat.rupture")
    recherche: str | None = _searched()
    modifie_depuis: datetime | None = _modified()

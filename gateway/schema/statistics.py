"""The figures of the graph: lines, their coverage, their definitions. Know neither counts nor how they are protected."""

from collections.abc import Sequence
from datetime import date, datetime
from enum import Enum
from typing import Annotated, Any

import strawberry

from gateway.auth.policy.rules import CategorieDonnee as C
from gateway.auth.policy.rules import argument, libre, object_type
from gateway.errors import ArgumentRefused
from gateway.schema.connections import PageInfo
from gateway.schema.organisations import EtatSource
from gateway.schema.statistics_filter import Dimension

LINES_MAX = 5_000  # of a page
DEFAULT_LINES = 1_000


@strawberry.enum(description="D'où viennent les chiffres.")
class OrigineStatistique(Enum):
    EN_DIRECT = "EN_DIRECT"
    RELEVE = "RELEVE"


@object_type("Valeur d'une dimension.", C.AGREGAT)
class ValeurDimension:
    dimension: Dimension = strawberry.field(description="La dimension.")
    code: str = strawberry.field(description="Code de la valeur, INCONNU où les sources ne la disent pas.")
    libelle: str | None = libre("Nom de la valeur.")


@object_type("Marge d'un chiffre protégé.", C.AGREGAT)
class Marge:
    champ: str = strawberry.field(description="Nom du chiffre.")
    valeur: float = strawberry.field(description="Écart que le vrai chiffre ne dépasse pas, 95 fois sur 100.")


@object_type("Une ligne de chiffres ; sans dimension, le total, ou la France entière.", C.AGREGAT)
class LigneStatistique:
    dimensions: list[ValeurDimension] = strawberry.field(description="Ce qui distingue la ligne.")
    apprentis: int | None = libre("Apprentis sous contrat.")
    inscrits: int | None = libre("Inscrits sans contrat.")
    rupturants: int | None = libre("En rupture de contrat.")
    abandons: int | None = libre("Abandons.")
    fins_de_formation: int | None = libre("Fins de formation.")
    apprenants: int | None = libre("Apprenants : tous les statuts, sauf les abandons.")
    effectif: int | None = libre("Effectif du statut de la ligne, avec la dimension STATUT.")
    contrats_commences: int | None = libre("Contrats commencés dans la période.")
    ruptures: int | None = libre("Ruptures prenant effet dans la période.")
    taux_rupture_3_mois: float | None = libre("Taux de rupture à 3 mois, de 0 à 1.")
    taux_rupture_6_mois: float | None = libre("Taux de rupture à 6 mois, de 0 à 1.")
    taux_rupture: float | None = libre("Taux de rupture à 9 mois, de 0 à 1.")
    delai_signalement_median: float | None = libre("Délai médian de signalement d'une rupture, en jours.")
    delai_signalement_quartiles: list[float] | None = libre("Quartiles de ce délai, en jours.")
    part_avant_registre: float | None = libre("Part des ruptures dites d'abord par un ERP, de 0 à 1.")
    delai_prise_en_charge_median: float | None = libre("Délai médian de prise en charge, en jours.")
    part_traitee: float | None = libre("Part des ruptures traitées, de 0 à 1.")
    part_injoignable: float | None = libre("Part des ruptures dont le jeune est injoignable, de 0 à 1.")
    part_contactee: float | None = libre("Part des ruptures dont le jeune a été appelé, de 0 à 1.")
    part_nouveau_contrat_6_mois: float | None = libre("Part des ruptures suivies d'un contrat sous 6 mois, de 0 à 1.")
    secret: bool = strawberry.field(default=False, description="Vrai où le secret statistique masque un chiffre.")
    masques: list[str] = strawberry.field(
        default_factory=list, description="Chiffres masqués ; un autre chiffre nul n'est pas défini ici."
    )
    provisoire: bool = strawberry.field(
        default=False, description="Vrai quand une cohorte n'a pas été suivie jusqu'au bout."
    )
    marges: list[Marge] = strawberry.field(default_factory=list, description="Marges des chiffres protégés.")


@object_type("Période comptée, élargie aux mois entiers.", C.AGREGAT)
class PeriodeStatistique:
    depuis: date = strawberry.field(description="Premier jour.")
    jusqua: date = strawberry.field(description="Dernier jour.")


@object_type("Comment les comptes sont protégés.", C.AGREGAT, name="Protection")
class ShownProtection:
    exacte: bool = strawberry.field(description="Vrai quand tous les chiffres lisibles sont des comptes exacts.")
    pas: int | None = libre("Multiple auquel chaque compte est arrondi.")
    seuil: int | None = libre("Nombre de personnes sous lequel rien n'est montré.")
    maille: str | None = libre("Mailles dont viennent les comptes (docs/statistiques.md).")


@object_type("Ce qui a été lu d'une sorte de sources.", C.AGREGAT)
class Couverture:
    source: str = strawberry.field(description="Sorte de sources, ou source.")
    attendus: int = strawberry.field(description="Établissements attendus.")
    couverts: int = strawberry.field(description="Établissements lus.")
    part: float | None = libre("Part lue, de 0 à 1 ; absente quand rien n'est attendu.")
    plus_ancien: datetime | None = libre("Lecture la plus ancienne de celles qui servent.")
    etat: EtatSource | None = libre("Disponible quand tout est lu, dégradée quand une partie l'est.")


@object_type("Mois où la couverture d'une source a bougé de 5 points ou plus.", C.AGREGAT)
class RuptureDeSerie:
    mois: date = strawberry.field(description="Premier jour du mois.")
    source: str = strawberry.field(description="Sorte de sources.")
    avant: float | None = libre("Part lue le mois d'avant, de 0 à 1.")
    apres: float | None = libre("Part lue ce mois-là, de 0 à 1.")


@object_type("Définition d'un chiffre.", C.AGREGAT)
class Definition:
    nom: str = strawberry.field(description="Nom du champ.")
    libelle: str = strawberry.field(description="Intitulé.")
    unite: str = strawberry.field(description="Unité.")
    numerateur: str = strawberry.field(description="Ce qui est compté.")
    denominateur: str | None = libre("Sur quoi.")
    fenetre: str = strawberry.field(description="Dates comptées.")
    source: str = strawberry.field(description="Sources.")


_NAMES = argument(C.AGREGAT, "Noms des chiffres voulus ; sans eux, tous.")


def _definitions(self: Any, noms: Annotated[list[str] | None, _NAMES] = None) -> list[Definition]:
    known = {definition.nom: definition for definition in self.defined}
    for rank, nom in enumerate(noms or ()):
        if nom not in known:
            raise ArgumentRefused(f"definitions.noms[{rank}] n'est pas un chiffre. Admis : {', '.join(known)}.")
    return list(known.values()) if noms is None else [known[nom] for nom in noms]


@object_type("Chiffres de nombreuses personnes, avec leur date, leur couverture et leur protection.", C.AGREGAT)
class Statistiques:
    lignes: list[LigneStatistique] = strawberry.field(description="Les lignes de la page, par codes croissants.")
    total: LigneStatistique = strawberry.field(description="Toutes les lignes ensemble, statuts du dernier jour.")
    comparaisons: list[LigneStatistique] = strawberry.field(
        description="Département, région et France autour du périmètre, toujours protégés."
    )
    calculees_le: datetime = strawberry.field(description="Instant du calcul, ou de la publication du relevé.")
    etat_au: date = strawberry.field(description="Jour jusqu'auquel tout est compté.")
    origine: OrigineStatistique = strawberry.field(description="En direct de ma liste, ou du relevé de la nuit.")
    periode: PeriodeStatistique = strawberry.field(description="Période comptée.")
    protection: ShownProtection = strawberry.field(description="Protection des comptes.")
    couverture: list[Couverture] = strawberry.field(description="Sources lues.")
    ruptures_de_serie: list[RuptureDeSerie] = strawberry.field(description="Mois à ne pas comparer sans précaution.")
    nombre_de_lignes: int = strawberry.field(description="Nombre de lignes, toutes pages comprises.")
    page_info: PageInfo = strawberry.field(description="Position de la page.")
    defined: strawberry.Private[Sequence[Definition]] = ()

    definitions: list[Definition] = strawberry.field(resolver=_definitions, description="Définitions des chiffres.")

"""Places and organisations: Territoire, Commune, MissionLocale, Source, Cfa. All of it is public but the state of a source."""

from datetime import datetime
from enum import Enum
from typing import Any

import strawberry

from gateway.auth.policy.rules import CategorieDonnee as C
from gateway.auth.policy.rules import donnee, libre, object_type, opened_by
from gateway.schema.scalars import SIRET, UAI, CodeInsee, CodePostal
from gateway.slotted_types import with_slots


@strawberry.enum(description="Nature d'un territoire : un code n'a de sens qu'avec elle.")
class TypeTerritoire(Enum):
    NATIONAL = "NATIONAL"
    REGION = "REGION"
    DEPARTEMENT = "DEPARTEMENT"
    ACADEMIE = "ACADEMIE"
    MISSION_LOCALE = "MISSION_LOCALE"
    COMMUNE = "COMMUNE"
    CFA = "CFA"
    RESEAU = "RESEAU"


@strawberry.enum(description="Ce que sait un système partenaire.")
class TypeSource(Enum):
    ERP_CFA = "ERP_CFA"
    REGISTRE_CONTRATS = "REGISTRE_CONTRATS"
    MISSION_LOCALE = "MISSION_LOCALE"
    REFERENTIEL = "REFERENTIEL"


@strawberry.enum(description="Comment un système nous parvient : demandé, moissonné ou reçu.")
class ModeSource(Enum):
    INTERROGATION = "INTERROGATION"
    MOISSON = "MOISSON"
    RECEPTION = "RECEPTION"


@strawberry.enum(description="État d'un système partenaire, vu de la passerelle.")
class EtatSource(Enum):
    DISPONIBLE = "DISPONIBLE"
    DEGRADEE = "DEGRADEE"
    INDISPONIBLE = "INDISPONIBLE"
    FERMEE = "FERMEE"


@strawberry.enum(
    description="Ce qui n'allait pas : valeur mal écrite et réparée, gardée mais douteuse, ou écartée car illisible ; ligne "
    "orpheline, dont le dossier n'a pas été donné ; clé en double, qui désigne plusieurs dossiers ; dérive du format."
)
class NatureDefaut(Enum):
    REPAREE = "REPAREE"
    DOUTEUSE = "DOUTEUSE"
    ECARTEE = "ECARTEE"
    ORPHELINE = "ORPHELINE"
    DOUBLON = "DOUBLON"
    DERIVE = "DERIVE"


class KeptBytes:
    """What an answer may show whole: once it no longer changes, `kept_bytes` holds what each function of a plan made of it.

    A slot that stays unset: neither a field of the graph, nor copied with the others.
    """

    __slots__ = ("kept_bytes",)
    kept_bytes: dict[Any, Any]


@with_slots
@strawberry.interface(description="Objet que son identifiant suffit à retrouver.")
class Node(KeptBytes):
    id: strawberry.ID = strawberry.field(
        default=strawberry.ID(""), description="Identifiant opaque, propre à cette passerelle."
    )


@with_slots
@object_type("Un territoire, désigné par sa nature et son code.", C.PUBLIQUE)
class Territoire:
    type: TypeTerritoire = strawberry.field(description="Nature du territoire.")
    code: str = strawberry.field(description="Code du territoire, dans sa nature.")
    nom: str | None = libre("Nom du territoire.")


@with_slots
@strawberry.type(description="Mission locale : structure d'accompagnement des jeunes de 16 à 25 ans.")
@opened_by(C.PUBLIQUE)
class MissionLocale(Node):
    code: str = strawberry.field(description="Code de la structure.")
    nom: str = strawberry.field(description="Nom de la structure.")
    commune: "Commune | None" = libre("Commune du siège.")
    telephone: str | None = libre("Téléphone d'accueil.")
    courriel: str | None = libre("Courriel d'accueil.")


@with_slots
@object_type("Commune du code officiel géographique.", C.PUBLIQUE)
class Commune:
    code: CodeInsee = strawberry.field(description="Code Insee.")
    nom: str = strawberry.field(description="Nom officiel.")
    codes_postaux: list[CodePostal] = strawberry.field(description="Codes postaux de la commune.")
    departement: Territoire = strawberry.field(description="Département.")
    region: Territoire = strawberry.field(description="Région.")
    mission_locale: MissionLocale | None = libre("Mission locale compétente.")


@object_type("Défauts d'une même sorte, dans un champ, à la dernière lecture. Jamais une valeur.", C.TECHNIQUE)
class DefautQualite:
    nature: NatureDefaut = strawberry.field(description="Ce qui n'allait pas.")
    genre: str = strawberry.field(
        description="De quelle manière : `code_inconnu`, `zero_perdu`… (docs/partenaires.md)."
    )
    champ: str | None = libre("Champ, dans les mots du partenaire ; absent pour un dossier entier.")
    nombre: int = strawberry.field(description="Nombre de valeurs ou de dossiers.")


@object_type("Ce que la dernière lecture d'un établissement a montré à corriger chez le partenaire.", C.TECHNIQUE)
class Qualite:
    etablissement: str | None = libre("UAI du CFA ou code de la Mission locale ; absent pour le registre.")
    lue_le: datetime = strawberry.field(description="Fin de la lecture.")
    dossiers: int = strawberry.field(description="Dossiers gardés.")
    defauts: list[DefautQualite] = strawberry.field(
        description="Les défauts, du plus fréquent au moins fréquent.", metadata={"size": 20}
    )


@object_type("Système partenaire et son état présent.", C.TECHNIQUE)
class Source:
    nom: str = strawberry.field(description="Nom du partenaire.")
    type: TypeSource = strawberry.field(description="Ce que sait le partenaire.")
    mode: ModeSource = strawberry.field(description="Comment ses données nous parviennent.")
    etat: EtatSource = strawberry.field(description="État présent.")
    derniere_reponse: datetime | None = libre("Dernière réponse reçue.")
    fraicheur_secondes: int | None = libre("Âge de ce que nous savons de lui, en secondes.")
    latence_ms: float | None = libre("Durée de sa dernière réponse, en millisecondes.")
    taux_erreur: float | None = libre("Part des derniers appels en erreur, de 0 à 1.")
    qualite: list[Qualite] | None = libre(
        "À corriger chez le partenaire : chez soi, pour un CFA ou une Mission locale ; cent au plus, pour qui exploite.",
        size=20,
    )


@with_slots
@strawberry.type(description="Centre de formation d'apprentis.")
@opened_by(C.PUBLIQUE)
class Cfa(Node):
    uai: UAI | None = libre("Code UAI.")
    siret: SIRET | None = libre("SIRET.")
    nom: str | None = libre("Nom d'usage.")
    commune: Commune | None = libre("Commune d'implantation.")
    region: Territoire | None = libre("Région d'implantation.")
    source: Source | None = donnee(C.TECHNIQUE, "Partenaire qui sert ce CFA, et la fraîcheur de ses données.")

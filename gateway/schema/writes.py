"""What is told to write, and what is answered: inputs, results and the write itself. Knows no rule of validation.

Effects are no resolver's: a write is accepted before the operation is executed, which then only shows its outcome.
"""

from datetime import date, datetime
from enum import Enum

import strawberry

from gateway.auth.policy.acts import Acte, saisie
from gateway.auth.policy.rules import CategorieDonnee as C
from gateway.auth.policy.rules import donnee, libre, object_type, opened_by
from gateway.schema.connections import PageInfo
from gateway.schema.nouns import Jeune, Rupture, SituationSuivi
from gateway.schema.organisations import Node
from gateway.schema.write_states import EtatEcriture, MotifAccompagnement, ReponseAccompagnement

Day = date  # a field named `date` hides the type inside its own class
_KEY = "Clé choisie par l'appelant, de 16 à 64 lettres sans accent, chiffres ou tirets : redite, elle n'écrit rien de plus."
_JEUNE, _VERSION = "Identifiant du jeune.", "Version lue de ce qui est modifié : si elle a changé, CONFLIT."


@strawberry.enum(description="Ce que la Mission locale savait du jeune.")
class ConnaissanceMl(Enum):
    DEJA_ACCOMPAGNE_ACTIVEMENT = "DEJA_ACCOMPAGNE_ACTIVEMENT"
    CONNU_NON_ACCOMPAGNE = "CONNU_NON_ACCOMPAGNE"
    NON_CONNU = "NON_CONNU"


@strawberry.enum(description="Pourquoi une écriture n'est pas acceptée : ce que l'appelant peut corriger.")
class CodeErreurEcriture(Enum):
    INVALIDE = "INVALIDE"
    INTROUVABLE = "INTROUVABLE"
    CONFLIT = "CONFLIT"
    MISSION_LOCALE_AMBIGUE = "MISSION_LOCALE_AMBIGUE"
    NON_ELIGIBLE = "NON_ELIGIBLE"


@strawberry.input(description="Ce qu'un conseiller note du suivi d'un jeune. Rien de noté avant n'est effacé.")
class SaisieSuivi:
    cle: strawberry.ID = saisie(C.PUBLIQUE, _KEY)
    jeune: strawberry.ID = saisie(C.PUBLIQUE, _JEUNE)
    version: str | None = saisie(C.PUBLIQUE, _VERSION, default=None)
    situation: SituationSuivi | None = saisie(C.SUIVI, "Situation présente.", default=None)
    situation_autre: str | None = saisie(C.SUIVI, "Précision, exigée quand la situation est AUTRE.", default=None)
    commentaire: str | None = saisie(C.SUIVI, "Commentaire.", default=None)
    connaissance: ConnaissanceMl | None = saisie(C.SUIVI, "Ce que la Mission locale savait du jeune.", default=None)


@strawberry.input(description="Précision sur un motif.")
class PrecisionMotif:
    motif: MotifAccompagnement = saisie(C.COLLABORATION, "Motif précisé, l'un de ceux de la demande.")
    texte: str = saisie(C.COLLABORATION, "Précision.")


@strawberry.input(description="Ce qu'un CFA dit pour demander à la Mission locale d'accompagner un jeune avec lui.")
class SaisieAccompagnement:
    cle: strawberry.ID = saisie(C.PUBLIQUE, _KEY)
    jeune: strawberry.ID = saisie(C.PUBLIQUE, _JEUNE)
    version: str | None = saisie(C.PUBLIQUE, _VERSION, default=None)
    mission_locale: str | None = saisie(
        C.PARCOURS,
        "Code de la Mission locale, exigé quand l'adresse ne tranche pas : une de `missionsLocalesPossibles`.",
        default=None,
    )
    motifs: list[MotifAccompagnement] = saisie(C.COLLABORATION, "Motifs, un au moins.")
    precisions: list[PrecisionMotif] | None = saisie(
        C.COLLABORATION, "Précisions, une par motif au plus.", default=None
    )
    commentaire: str | None = saisie(C.COLLABORATION, "Commentaire.", default=None)
    cause_rupture: str | None = saisie(C.COLLABORATION, "Cause de la rupture selon le CFA.", default=None)
    encore_au_cfa: bool | None = saisie(C.COLLABORATION, "Vrai si le jeune vient encore au CFA.", default=None)
    referent: str = saisie(C.COLLABORATION, "Qui contacter au CFA.")
    telephone_verifie: str = saisie(C.CONTACT, "Téléphone du jeune, vérifié avec lui.")
    courriel_verifie: str | None = saisie(C.CONTACT, "Courriel du jeune, vérifié avec lui.", default=None)
    note: str | None = saisie(C.COLLABORATION, "Note à la Mission locale.", default=None)


@strawberry.input(description="Ce qu'une Mission locale répond à une demande d'accompagnement conjoint.")
class SaisieReponse:
    cle: strawberry.ID = saisie(C.PUBLIQUE, _KEY)
    jeune: strawberry.ID = saisie(C.PUBLIQUE, _JEUNE)
    version: str | None = saisie(C.PUBLIQUE, _VERSION, default=None)
    reponse: ReponseAccompagnement = saisie(C.COLLABORATION, "Réponse.")
    commentaire: str | None = saisie(C.COLLABORATION, "Commentaire, que le CFA lit.", default=None)


@strawberry.input(description="Rupture d'un contrat que le CFA déclare sans attendre ses logiciels.")
class SaisieRupture:
    cle: strawberry.ID = saisie(C.PUBLIQUE, _KEY)
    contrat: strawberry.ID = saisie(C.PUBLIQUE, "Identifiant du contrat.")
    date: Day = saisie(C.RUPTURE, "Date d'effet : depuis un an au plus, aujourd'hui au plus tard, pendant le contrat.")
    cause: str | None = saisie(C.COLLABORATION, "Cause.", default=None)


@strawberry.type(description="Écriture acceptée par la passerelle, pour mon organisation.")
@opened_by(C.PUBLIQUE)
class Ecriture(Node):
    acte: Acte = strawberry.field(description="Ce qu'elle fait.")
    etat: EtatEcriture = strawberry.field(description="Où elle en est.")
    acceptee_le: datetime = strawberry.field(description="Instant où elle fut acceptée, et gardée.")
    transmise_le: datetime | None = libre("Instant où le système du partenaire l'a reçue.")
    essais: int = strawberry.field(description="Transmissions tentées.")
    motif: str | None = libre("Pourquoi elle est refusée, ou en échec.")
    rejouee: bool = strawberry.field(description="Vrai si sa clé avait déjà servi : rien de plus n'est écrit.")


@object_type("Une écriture dans une liste.", C.PUBLIQUE)
class EcritureEdge:
    cursor: str = strawberry.field(description="Curseur opaque, propre à cette organisation.")
    node: Ecriture = strawberry.field(description="L'écriture.")


@object_type("Liste d'écritures.", C.PUBLIQUE)
class EcritureConnection:
    edges: list[EcritureEdge] = strawberry.field(description="Éléments de la page.")
    nodes: list[Ecriture] = strawberry.field(description="Éléments de la page, sans leurs curseurs.")
    page_info: PageInfo = strawberry.field(description="Position de la page.")
    total_count: int = strawberry.field(description="Nombre d'écritures que la liste garde.")


@strawberry.input(description="Ce qu'une liste d'écritures garde.")
class FiltreEcritures:
    etat: list[EtatEcriture] | None = saisie(C.PUBLIQUE, "États gardés.", default=None)
    acte: list[Acte] | None = saisie(C.PUBLIQUE, "Actes gardés.", default=None)


@object_type("Ce que l'appelant peut corriger.", C.PUBLIQUE)
class ErreurEcriture:
    code: CodeErreurEcriture = strawberry.field(description="Nature de l'erreur.")
    message: str = strawberry.field(description="Ce qu'il faut corriger.")
    champ: str | None = libre("Champ de la saisie.")


@object_type("Ce que devient une note de suivi.", C.PUBLIQUE)
class ResultatSuivi:
    jeune: Jeune | None = donnee(C.PARCOURS, "Le jeune, tel qu'il se lit après l'écriture.")
    ecriture: Ecriture | None = libre("L'écriture, acceptée ; absente quand il y a des erreurs.")
    erreurs: list[ErreurEcriture] = strawberry.field(description="Ce qu'il faut corriger ; vide, tout est écrit.")


@object_type("Ce que devient une demande d'accompagnement conjoint, ou sa réponse.", C.PUBLIQUE)
class ResultatAccompagnement(ResultatSuivi):
    pass


@object_type("Ce que devient une déclaration de rupture.", C.PUBLIQUE)
class ResultatRupture(ResultatSuivi):
    rupture: Rupture | None = donnee(C.RUPTURE, "La rupture, telle qu'elle se lit après l'écriture.")


@object_type("Ce que devient une écriture reprise ou abandonnée.", C.PUBLIQUE)
class ResultatEcriture(ResultatSuivi):
    pass

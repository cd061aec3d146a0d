"""The root fields that write, and the list of what was written. None of them writes: each shows the outcome of what was accepted
before it runs, or the list that was read before."""

from typing import Annotated, Any, TypeVar

import strawberry

from gateway.auth.policy.acts import Acte, written_by
from gateway.auth.policy.rules import CategorieDonnee as C
from gateway.auth.policy.rules import argument
from gateway.schema.connections import DEFAULT_PAGE, PAGE_MAX
from gateway.schema.writes import (
    EcritureConnection,
    FiltreEcritures,
    ResultatAccompagnement,
    ResultatEcriture,
    ResultatRupture,
    ResultatSuivi,
    SaisieAccompagnement,
    SaisieReponse,
    SaisieRupture,
    SaisieSuivi,
)

_KEPT = strawberry.argument(description="Ce que la liste garde ; sans filtre, tout.")
_SAISIE = strawberry.argument(description="Ce qui est écrit.")
_Key = Annotated[strawberry.ID, argument(C.PUBLIQUE, "Clé choisie par l'appelant : redite, elle ne fait rien de plus.")]
_Write = Annotated[strawberry.ID, argument(C.PUBLIQUE, "Identifiant de l'écriture.")]
R = TypeVar("R", bound=ResultatSuivi)
_Info = strawberry.Info[Any, None]


def _note(info: _Info, saisie: Annotated[SaisieSuivi, _SAISIE]) -> ResultatSuivi:
    return _shown(info, ResultatSuivi)


def _ask(info: _Info, saisie: Annotated[SaisieAccompagnement, _SAISIE]) -> ResultatAccompagnement:
    return _shown(info, ResultatAccompagnement)


def _reply(info: _Info, saisie: Annotated[SaisieReponse, _SAISIE]) -> ResultatAccompagnement:
    return _shown(info, ResultatAccompagnement)


def _declare(info: _Info, saisie: Annotated[SaisieRupture, _SAISIE]) -> ResultatRupture:
    return _shown(info, ResultatRupture)


def _resume(info: _Info, cle: _Key, ecriture: _Write) -> ResultatEcriture:
    return _shown(info, ResultatEcriture)


def _withdraw(info: _Info, cle: _Key, ecriture: _Write) -> ResultatEcriture:
    return _shown(info, ResultatEcriture)


def list_writes(
    info: _Info,
    *,
    filtre: Annotated[FiltreEcritures | None, _KEPT] = None,
    first: Annotated[int, argument(C.PUBLIQUE, f"Nombre d'éléments de la page, de 0 à {PAGE_MAX}.")] = DEFAULT_PAGE,
    after: Annotated[str | None, argument(C.PUBLIQUE, "Curseur après lequel commence la page.")] = None,
) -> EcritureConnection:
    """The writes of an organisation, which were read before."""
    connection: EcritureConnection = info.context.written.page(filtre, first, after)
    return connection


def _shown(info: _Info, class_: type[R]) -> R:
    outcome: R = info.context.written.outcome_as(class_, info.context)
    return outcome


@strawberry.type(
    description="Ce qui s'écrit par la passerelle : un seul champ par requête, accepté ou refusé en entier."
)
class Mutation:
    noter_suivi: ResultatSuivi = written_by(
        Acte.NOTER_SUIVI, description="Note le suivi d'un jeune par la Mission locale.", resolver=_note
    )
    demander_accompagnement: ResultatAccompagnement = written_by(
        Acte.DEMANDER_ACCOMPAGNEMENT,
        description="Demande à la Mission locale d'accompagner un jeune avec le CFA.",
        resolver=_ask,
    )
    repondre_accompagnement: ResultatAccompagnement = written_by(
        Acte.REPONDRE_ACCOMPAGNEMENT, description="Répond à la demande d'un CFA.", resolver=_reply
    )
    declarer_rupture: ResultatRupture = written_by(
        Acte.DECLARER_RUPTURE, description="Déclare la rupture d'un contrat du CFA.", resolver=_declare
    )
    reprendre_ecriture: ResultatEcriture = written_by(
        *Acte, description="Reprend la transmission d'une écriture en échec, après les autres.", resolver=_resume
    )
    abandonner_ecriture: ResultatEcriture = written_by(
        *Acte, description="Retire une écriture qui n'est pas transmise : elle ne se lit plus.", resolver=_withdraw
    )

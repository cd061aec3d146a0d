"""A caller, with its purpose and its perimeter: the principal joined with the register. Knows no header and no source."""

from dataclasses import dataclass

from gateway.auth.authentication.clients import RegisteredClient
from gateway.auth.policy.perimetre import Perimetre, TrainingDirectory, build_perimetre
from gateway.auth.policy.quotas import DEFAULTS, ClientQuotas
from gateway.auth.policy.rules import Finalite, Profil
from gateway.errors import FinaliteRequired


@dataclass(frozen=True, slots=True)
class Viewer:
    """A verified caller. `profil` chooses its policy rows; `perimetre.profil` is the one it acts as.

    `account` is the person or program counted by quotas: the token's `agent`, else the client (docs/exploitation.md, Plafonds).
    `finalite` is None when the client has several purposes and declared none. `free_documents`: it may ask what it
    writes, and not only the documents that the operator trusts.
    """

    client: str
    account: str
    profil: Profil
    organisation: str
    nom: str
    finalites: tuple[Finalite, ...]
    finalite: Finalite | None
    perimetre: Perimetre
    quotas: ClientQuotas = DEFAULTS
    free_documents: bool = True


@dataclass(frozen=True, slots=True)
class Principal:
    """What a verified token or key says of its bearer; nothing in it grants a right. `mfa`: a second factor was used."""

    client: str
    agent: str | None = None
    mfa: bool = False


def build_viewer(
    principal: Principal, client: RegisteredClient, finalite: str | None, directory: TrainingDirectory
) -> Viewer:
    """The viewer of a request. Raises FinaliteRequired when `finalite` (the X-Finalite header) is not granted to the client."""
    return Viewer(
        client=principal.client,
        account=principal.agent or principal.client,
        profil=client.profil,
        organisation=client.organisation,
        nom=client.nom,
        finalites=client.finalites,
        finalite=choose_finalite(client.finalites, finalite),
        perimetre=build_perimetre(client.role, client.organisation, directory),
        quotas=client.quotas,
        free_documents=client.documents == "libres",
    )


def choose_finalite(finalites: tuple[Finalite, ...], requested: str | None) -> Finalite | None:
    """The declared purpose; a single one is implied; several and none declared, None (docs/graphe.md, Finalité)."""
    if requested is None:
        return finalites[0] if len(finalites) == 1 else None
    for finalite in finalites:
        if finalite.value == requested:
            return finalite
    admitted = ", ".join(finalite.value for finalite in finalites)
    raise FinaliteRequired(f"La finalité déclarée par X-Finalite n'est pas accordée à ce client. Admises : {admitted}.")

"""Who is asking, for what, over whom: the token's client joined with the register. Knows no header and no source."""

from dataclasses import dataclass

from gateway.auth.clients import Client
from gateway.auth.perimetre import Annuaire, Perimetre, construire_perimetre
from gateway.auth.quotas import PAR_DEFAUT, Quotas
from gateway.auth.rules import Finalite, Profil
from gateway.errors import FinaliteRequise


@dataclass(frozen=True, slots=True)
class Viewer:
    """A verified caller. `profil` chooses its policy rows; `perimetre.profil` is the one it acts as.

    `compte` is the person or program counted by quotas: the token's `agent`, else the client (ANSWERS 16).
    `finalite` is None when the client has several purposes and declared none. `documents_libres`: it may ask what it
    writes, and not only the documents that the operator trusts.
    """

    client: str
    compte: str
    profil: Profil
    organisation: str
    nom: str
    finalites: tuple[Finalite, ...]
    finalite: Finalite | None
    perimetre: Perimetre
    quotas: Quotas = PAR_DEFAUT
    documents_libres: bool = True


@dataclass(frozen=True, slots=True)
class Jeton:
    """What a verified token or key says of its bearer; nothing in it grants a right. `mfa`: a second factor was used."""

    client: str
    agent: str | None = None
    mfa: bool = False


def identifier(jeton: Jeton, client: Client, finalite: str | None, annuaire: Annuaire) -> Viewer:
    """The viewer of a request. Raises FinaliteRequise when `finalite` (the X-Finalite header) is not the client's."""
    return Viewer(
        client=jeton.client,
        compte=jeton.agent or jeton.client,
        profil=client.profil,
        organisation=client.organisation,
        nom=client.nom,
        finalites=client.finalites,
        finalite=choisir_finalite(client.finalites, finalite),
        perimetre=construire_perimetre(client.role, client.organisation, annuaire),
        quotas=client.quotas,
        documents_libres=client.documents == "libres",
    )


def choisir_finalite(finalites: tuple[Finalite, ...], demandee: str | None) -> Finalite | None:
    """The declared purpose; a single one is implied; several and none declared, None (ANSWERS 15)."""
    if demandee is None:
        return finalites[0] if len(finalites) == 1 else None
    for finalite in finalites:
        if finalite.value == demandee:
            return finalite
    admises = ", ".join(finalite.value for finalite in finalites)
    raise FinaliteRequise(f"La finalité déclarée par X-Finalite n'est pas accordée à ce client. Admises : {admises}.")

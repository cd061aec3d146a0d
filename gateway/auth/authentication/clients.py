"""The register of callers: which client is who, and for which purposes. Tokens never grant more (docs/configuration.md).

How its file is followed: `client_register`. A Viewer is a caller
joined with its entry: a purpose, a perimeter, and quotas of the population it may read (docs/security.md A10).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Literal, Protocol, Self

from pydantic import Field, NonNegativeInt, PositiveInt, StringConstraints, model_validator

from gateway.auth.policy.policy import Perimetre
from gateway.auth.policy.rules import PARTNER_ROLES, Finalite, Profil
from gateway.domain.days import PARIS, paris_day
from gateway.domain.quota_rules import Account, Quota, QuotaCrossed
from gateway.domain.seal import number_of
from gateway.errors import FinaliteRequired
from gateway.toml_file import StrictModel, read_toml

PERSONS_A_DAY = 500  # by account, unless the register says otherwise (docs/exploitation.md, Plafonds)
CLIENT_PERSONS_A_DAY = 5_000  # by client, whatever accounts it acts as
AGENTS_A_DAY = 200  # accounts of one client
ACCOUNT_ALERT = 0.4  # docs/security.md A10: 200 of 500
WINDOW = 30  # days, of an organisation
ORGANISATION_ALERT = 0.9  # reading most of one's own people in a month is work; reading more than all of them is not
COST_A_MINUTE = 600_000  # ten of the heaviest operations, or a thousand ordinary pages
NOT_FOUND = 100  # look-ups that find nothing, by account, in ten minutes (docs/security.md A02)
WRITES_A_DAY, ORGANISATION_WRITES_A_DAY = 300, 5_000  # accepted, of an account and of its organisation
REQUEST_PRICE = 10  # what any request costs, before it is read
ACCOUNTS_KNOWN = 4096  # whose quotas of the day are kept
DAILY = {  # what a caller is told of the quotas of a day, after their number
    "COMPTE": "personnes différentes par jour et par compte",
    "CLIENT": "personnes différentes par jour et par client",
    "AGENTS": "comptes différents par jour et par client",
}
WITHOUT_ORGANISATION = (Profil.STATISTIQUES, Profil.ADMINISTRATEUR)


@dataclass(frozen=True, slots=True)
class ClientQuotas:
    """The quotas that the register grants a client; None: the default."""

    persons_a_day: int | None = None
    client_persons_a_day: int | None = None
    agents_a_day: int = AGENTS_A_DAY
    organisation: int | None = None
    cout_minute: int = COST_A_MINUTE
    not_found: int = NOT_FOUND
    writes_a_day: int = WRITES_A_DAY
    organisation_writes_a_day: int = ORGANISATION_WRITES_A_DAY


DEFAULTS = ClientQuotas()


@lru_cache(ACCOUNTS_KNOWN)
def caps(quotas: ClientQuotas, profil: Profil, account: Account, organisation: str, day: date) -> tuple[Quota, ...]:
    """The quota of an account for a day, that of its organisation for thirty, and those of its client for a day: persons,
    and accounts that read some. `profil` is the one it acts as.

    An account of a CFA may read the CFA's whole population; where the register gives an account more than a client has, the
    client has as much.
    """
    limit = quotas.persons_a_day or (None if profil is Profil.CFA else PERSONS_A_DAY)
    client_limit = quotas.client_persons_a_day or max(CLIENT_PERSONS_A_DAY, quotas.persons_a_day or 0)
    since, who, name = day - timedelta(days=WINDOW - 1), account.client_code, account.client
    account_alert, own = ACCOUNT_ALERT if limit else ORGANISATION_ALERT, (number_of(account.code),)
    return (
        Quota("COMPTE", account.code, day, day, limit, account_alert, account.agent),
        Quota("ORGANISATION", organisation, since, day, quotas.organisation, ORGANISATION_ALERT),
        Quota("CLIENT", who, day, day, client_limit, ACCOUNT_ALERT, name),
        Quota("AGENTS", who, day, day, quotas.agents_a_day, ORGANISATION_ALERT, name, own),
    )


def windows(day: date) -> Mapping[str, date]:
    """The first day of the window of each quota."""
    return {**dict.fromkeys(DAILY, day), "ORGANISATION": day - timedelta(days=WINDOW - 1)}


def seconds_to_tomorrow(instant: datetime) -> int:
    """Seconds until the windows move: midnight in Paris."""
    tomorrow = datetime.combine(paris_day(instant) + timedelta(days=1), time(), PARIS)
    return int((tomorrow - instant).total_seconds()) + 1


def message(crossed: QuotaCrossed) -> str:
    """The text of a refusal for the caller: the rule, and no count of others' readings."""
    if crossed.scope in DAILY:
        return f"Quota atteint : {crossed.limit} {DAILY[crossed.scope]}. Reprendre demain."
    return f"Quota atteint : votre organisation a lu trop de personnes différentes en {WINDOW} jours."


class ApiKeyEntry(StrictModel):
    """An API key: the pseudonym of its text (`cles_api`), and the last day it is accepted."""

    empreinte: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    expire: date


class RegisteredClient(StrictModel):
    """A caller, as registered. `organisation` is a code in the nature of the profile: Mission locale, UAI, network,
    region, département, académie. `comme` is what a partner system acts as. `quota_personnes_jour`: distinct persons
    a day of an account (docs/exploitation.md), `quota_client_personnes_jour` of the client, which acts as
    `quota_client_comptes_jour` at most; `quota_organisation_30_jours`: of an organisation; `quota_ecritures_jour`,
    `quota_organisation_ecritures_jour`: what an account and its organisation may write; `cout_minute`: what it may ask a
    minute.
    `mfa`: its tokens must tell of a second factor; `agent_exige`: of who acts through it.
    `emetteurs`: the issuers whose tokens may name it; none: the first of gateway.toml.
    `documents`: what it may send, anything or the operator's trusted
    documents. `cles`: its API keys, where it is a machine."""

    profil: Profil
    comme: Profil | None = None
    organisation: Annotated[str, StringConstraints(pattern=r"^\S*$", max_length=64)]
    nom: Annotated[str, StringConstraints(min_length=1)]
    finalites: Annotated[tuple[Finalite, ...], Field(min_length=1)]
    quota_personnes_jour: PositiveInt | None = None
    quota_client_personnes_jour: PositiveInt | None = None
    quota_client_comptes_jour: PositiveInt = AGENTS_A_DAY
    quota_organisation_30_jours: PositiveInt | None = None
    cout_minute: PositiveInt = COST_A_MINUTE
    introuvables_10_minutes: PositiveInt = NOT_FOUND
    quota_ecritures_jour: PositiveInt = WRITES_A_DAY
    quota_organisation_ecritures_jour: PositiveInt = ORGANISATION_WRITES_A_DAY
    mfa: bool = False
    agent_exige: bool = False
    emetteurs: tuple[str, ...] = ()
    documents: Literal["libres", "enregistres"] = "libres"
    cles: tuple[ApiKeyEntry, ...] = ()

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if (self.profil is Profil.SI_PARTENAIRE) != (self.comme is not None):
            raise ValueError("comme : obligatoire pour SI_PARTENAIRE, interdit aux autres profils")
        if self.comme is not None and self.comme not in PARTNER_ROLES:
            raise ValueError(f"comme : un système partenaire n'agit pas comme {self.comme.value}")
        if not self.organisation and self.profil not in WITHOUT_ORGANISATION:
            raise ValueError(f"organisation : obligatoire pour {self.profil.value}")
        if self.mfa and self.cles:
            raise ValueError("cles : une clé d'API ne dit rien d'un second facteur, que mfa exige")
        if self.agent_exige and self.cles:
            raise ValueError("cles : une clé d'API ne dit pas qui agit, que agent_exige demande")
        return self

    @property
    def role(self) -> Profil:
        """The profile whose perimeter the client has."""
        return self.comme or self.profil

    @cached_property  # an entry does not change: a register that does is read anew
    def quotas(self) -> ClientQuotas:
        return ClientQuotas(
            persons_a_day=self.quota_personnes_jour,
            client_persons_a_day=self.quota_client_personnes_jour,
            agents_a_day=self.quota_client_comptes_jour,
            organisation=self.quota_organisation_30_jours,
            cout_minute=self.cout_minute,
            not_found=self.introuvables_10_minutes,
            writes_a_day=self.quota_ecritures_jour,
            organisation_writes_a_day=self.quota_organisation_ecritures_jour,
        )


class EndTable(StrictModel):
    """The last table of the file, which proves that it is whole: how many clients stand before it."""

    clients: NonNegativeInt


class _Register(StrictModel):
    clients: dict[str, RegisteredClient]
    fin: EndTable | None = None

    @model_validator(mode="after")
    def _unique_keys(self) -> Self:
        digests = [key.empreinte for client in self.clients.values() for key in client.cles]
        if len(set(digests)) != len(digests):
            raise ValueError("cles : une même clé est donnée deux fois")
        if self.fin and self.fin.clients != len(self.clients):
            counted = f"{self.fin.clients} clients annoncés, {len(self.clients)} lus"
            raise ValueError(f"fin : {counted} ; fichier coupé, ou à clore par « python -m gateway clients clore »")
        return self


def read_clients(path: Path) -> Mapping[str, RegisteredClient]:
    """The register of a `clients.toml`, by client id. Raises ConfigurationError with one line."""
    return read_register(path)[0]


def read_register(path: Path) -> tuple[Mapping[str, RegisteredClient], bool]:
    """The register of a `clients.toml`, and whether the file proves that it is whole. Raises ConfigurationError."""
    file = read_toml(path, _Register, path.name)
    return file.clients, file.fin is not None


@dataclass(frozen=True, slots=True)
class Viewer:
    """A verified caller. `profil` chooses its policy rows; `perimetre.profil` is the one it acts as.

    `account` is the person or program that acts through the client, and quotas count the two together: what the token says,
    else the client (docs/exploitation.md, Plafonds).
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
    """What a verified token or key says of its bearer; nothing in it grants a right. `mfa`: a second factor was used;
    `emetteur`: whose token it is."""

    client: str
    agent: str | None = None
    mfa: bool = False
    emetteur: str = field(default="", compare=False)


class TrainingDirectory(Protocol):
    """The part of the referential that tells of CFAs."""

    def formateurs(self, uai: str) -> frozenset[str]:
        """UAIs of the places of training this CFA is responsible for."""
        ...

    def uais_of_reseau(self, reseau: str) -> frozenset[str]:
        """UAIs of the CFAs of a network."""
        ...


def build_perimetre(profil: Profil, organisation: str, directory: TrainingDirectory) -> Perimetre:
    """The perimeter of an organisation; `profil` is the one it acts as (`comme` for a partner system)."""
    if profil is Profil.CFA:
        return Perimetre(profil, organisation, frozenset({organisation}) | directory.formateurs(organisation))
    if profil is Profil.TETE_DE_RESEAU:
        return Perimetre(profil, organisation, directory.uais_of_reseau(organisation))
    return Perimetre(profil, organisation)


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

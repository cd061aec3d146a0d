"""The register of callers: which client is who, and for which purposes. Tokens never grant more (ANSWERS 3, 15).

Read again when its file changes, so that removing a client or a key is effective within ten seconds.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, PositiveInt, StringConstraints, model_validator

from gateway.auth.quotas import COUT_MINUTE, INTROUVABLES, Quotas
from gateway.auth.rules import ROLES_PARTENAIRE, Finalite, Profil
from gateway.errors import ErreurConfiguration
from gateway.toml_file import StrictModel, read_toml

journal = logging.getLogger("gateway.auth.clients")

RELECTURE = 10  # seconds between two looks at the file
SANS_ORGANISATION = (Profil.STATISTIQUES, Profil.ADMINISTRATEUR)


class Cle(StrictModel):
    """An API key: the pseudonym of its text (`cles_api`), and the last day it is accepted."""

    empreinte: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    expire: date


class Client(StrictModel):
    """A caller, as registered. `organisation` is a code in the nature of the profile: Mission locale, UAI, network,
    region, département, académie. `comme` is what a partner system acts as. `quota_personnes_jour`: distinct persons
    a day (ANSWERS 16); `quota_organisation_30_jours`: of the whole organisation; `cout_minute`: what it may ask a minute.
    `mfa`: its tokens must tell of a second factor. `documents`: what it may send, anything or the operator's trusted
    documents. `cles`: its API keys, where it is a machine."""

    profil: Profil
    comme: Profil | None = None
    organisation: Annotated[str, StringConstraints(pattern=r"^\S*$")]
    nom: Annotated[str, StringConstraints(min_length=1)]
    finalites: Annotated[tuple[Finalite, ...], Field(min_length=1)]
    quota_personnes_jour: PositiveInt | None = None
    quota_organisation_30_jours: PositiveInt | None = None
    cout_minute: PositiveInt = COUT_MINUTE
    introuvables_10_minutes: PositiveInt = INTROUVABLES
    mfa: bool = False
    documents: Literal["libres", "enregistres"] = "libres"
    cles: tuple[Cle, ...] = ()

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if (self.profil is Profil.SI_PARTENAIRE) != (self.comme is not None):
            raise ValueError("comme : obligatoire pour SI_PARTENAIRE, interdit aux autres profils")
        if self.comme is not None and self.comme not in ROLES_PARTENAIRE:
            raise ValueError(f"comme : un système partenaire n'agit pas comme {self.comme.value}")
        if not self.organisation and self.profil not in SANS_ORGANISATION:
            raise ValueError(f"organisation : obligatoire pour {self.profil.value}")
        if self.mfa and self.cles:
            raise ValueError("cles : une clé d'API ne dit rien d'un second facteur, que mfa exige")
        return self

    @property
    def role(self) -> Profil:
        """The profile whose perimeter the client has."""
        return self.comme or self.profil

    @property
    def quotas(self) -> Quotas:
        return Quotas(
            personnes_jour=self.quota_personnes_jour,
            organisation=self.quota_organisation_30_jours,
            cout_minute=self.cout_minute,
            introuvables=self.introuvables_10_minutes,
        )


class _Registre(StrictModel):
    clients: dict[str, Client]

    @model_validator(mode="after")
    def _cles_uniques(self) -> Self:
        empreintes = [cle.empreinte for client in self.clients.values() for cle in client.cles]
        if len(set(empreintes)) != len(empreintes):
            raise ValueError("cles : une même clé est donnée deux fois")
        return self


def lire_clients(chemin: Path) -> Mapping[str, Client]:
    """The register of a `clients.toml`, by client id. Raises ErreurConfiguration with one line."""
    return read_toml(chemin, _Registre, chemin.name).clients


class RegistreClients(Mapping[str, Client]):
    """The register of a file, as it is now. `horloge` gives seconds.

    A file that no longer reads leaves the last good register in force, and says so each time it is looked at: one
    mistyped line must not close the door to everybody.
    """

    def __init__(self, chemin: Path, horloge: Callable[[], float]) -> None:
        self._chemin = chemin
        self._horloge = horloge
        self._trace = _trace(chemin)
        self._clients = lire_clients(chemin)
        self._vu_a = horloge()

    def __getitem__(self, client: str) -> Client:
        return self._courant()[client]

    def __iter__(self) -> Iterator[str]:
        return iter(self._courant())

    def __len__(self) -> int:
        return len(self._courant())

    def _courant(self) -> Mapping[str, Client]:
        if self._horloge() - self._vu_a >= RELECTURE:
            self._vu_a = self._horloge()
            self._relire()
        return self._clients

    def _relire(self) -> None:
        trace = _trace(self._chemin)
        if trace == self._trace:
            return
        try:
            self._clients, self._trace = lire_clients(self._chemin), trace
        except ErreurConfiguration as erreur:
            journal.error("registre des clients inchangé : %s", erreur)


def _trace(chemin: Path) -> tuple[int, ...] | None:
    """What changes when a file does, None when there is none."""
    try:
        etat = chemin.stat()
    except OSError:
        return None
    return etat.st_mtime_ns, etat.st_size, etat.st_ino

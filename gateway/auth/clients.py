"""The register of callers: which client is who, and for which purposes. Tokens never grant more (ANSWERS 3, 15)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, PositiveInt, StringConstraints, model_validator

from gateway.auth.fichiers import Modele, lire_toml
from gateway.auth.quotas import COUT_MINUTE, INTROUVABLES, Quotas
from gateway.auth.rules import Finalite, Profil

SANS_ORGANISATION = (Profil.STATISTIQUES, Profil.ADMINISTRATEUR)
ROLES_PARTENAIRE = (Profil.MISSION_LOCALE, Profil.CFA)


class Client(Modele):
    """A caller, as registered. `organisation` is a code in the nature of the profile: Mission locale, UAI, network,
    region, département, académie. `comme` is what a partner system acts as. `quota_personnes_jour`: distinct persons
    a day (ANSWERS 16); `quota_organisation_30_jours`: of the whole organisation; `cout_minute`: what it may ask a minute."""

    profil: Profil
    comme: Profil | None = None
    organisation: Annotated[str, StringConstraints(pattern=r"^\S*$")]
    nom: Annotated[str, StringConstraints(min_length=1)]
    finalites: Annotated[tuple[Finalite, ...], Field(min_length=1)]
    quota_personnes_jour: PositiveInt | None = None
    quota_organisation_30_jours: PositiveInt | None = None
    cout_minute: PositiveInt = COUT_MINUTE
    introuvables_10_minutes: PositiveInt = INTROUVABLES

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if (self.profil is Profil.SI_PARTENAIRE) != (self.comme is not None):
            raise ValueError("comme : obligatoire pour SI_PARTENAIRE, interdit aux autres profils")
        if self.comme is not None and self.comme not in ROLES_PARTENAIRE:
            raise ValueError(f"comme : un système partenaire n'agit pas comme {self.comme.value}")
        if not self.organisation and self.profil not in SANS_ORGANISATION:
            raise ValueError(f"organisation : obligatoire pour {self.profil.value}")
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


class _Registre(Modele):
    clients: dict[str, Client]


def lire_clients(chemin: Path) -> Mapping[str, Client]:
    """The register of a `clients.toml`, by client id. Raises ErreurConfiguration with one line."""
    return lire_toml(chemin, _Registre).clients

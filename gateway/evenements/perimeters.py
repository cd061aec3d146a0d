"""Whose perimeters are looked at: a profile, its purpose, an organisation. Two accounts that have these alike share one log.

Knows no store and no event.
"""

from dataclasses import dataclass
from typing import Self

import orjson

from gateway.auth.authentication.clients import TrainingDirectory, Viewer, build_perimetre
from gateway.auth.policy.policy import AccessPolicy
from gateway.auth.policy.rules import Finalite, Profil
from gateway.domain.seal import OpaqueIds
from gateway.federation.views.view import Rights


@dataclass(frozen=True, slots=True)
class WatchedPerimeter:
    """A perimeter, and for what it is looked at; `role`: the profile that it is of, another one for who acts for somebody."""

    profil: Profil
    finalite: Finalite | None
    role: Profil
    organisation: str

    @classmethod
    def of(cls, viewer: Viewer) -> Self:
        return cls(viewer.profil, viewer.finalite, viewer.perimetre.profil, viewer.perimetre.organisation)

    @classmethod
    def read(cls, content: bytes) -> Self:
        """From its written form."""
        profil, finalite, role, organisation = orjson.loads(content)
        return cls(Profil(profil), Finalite(finalite) if finalite else None, Profil(role), organisation)

    def written(self) -> bytes:
        finalite = self.finalite.value if self.finalite else None
        return orjson.dumps([self.profil.value, finalite, self.role.value, self.organisation])

    def key(self, ids: OpaqueIds) -> str:
        """What stands for it in the store."""
        return ids.stand_in(f"perimetre/{self.written().decode()}")

    def rights(self, policy: AccessPolicy, directory: TrainingDirectory) -> Rights:
        """What is seen of it now."""
        return Rights(policy, self.profil, self.finalite, build_perimetre(self.role, self.organisation, directory))

"""A testimony: what one source says of one person, with where and when it was heard. Knows no merge rule."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from gateway.connectors.base import Dossier
from gateway.connectors.traits import traits_de
from gateway.domain.identity import Traits, cle_identite
from gateway.schema.lieux import TypeSource
from gateway.schema.nouns import Jeune

# An ERP speaks before the registry, the registry before a Mission locale's system (docs/domaine.md, "Conflits").
RANG = {TypeSource.ERP_CFA: 0, TypeSource.REGISTRE_CONTRATS: 1, TypeSource.MISSION_LOCALE: 2, TypeSource.REFERENTIEL: 3}


@dataclass(frozen=True)
class Temoignage:
    """One record of one source. `locataire` is the tenant: two records of the same tenant are never one person."""

    source: str
    type: TypeSource
    locataire: str
    dossier: Dossier
    recu_le: datetime

    @property
    def jeune(self) -> Jeune:
        return self.dossier.jeune

    @property
    def origine(self) -> tuple[str, str]:
        """The installation that speaks: partner and tenant."""
        return self.source, self.locataire

    @cached_property
    def traits(self) -> Traits | None:
        """What tells its person from others; None when its name has no letters: it names nobody but its own record."""
        return traits_de(self.jeune, self.origine, self.dossier.cle)

    @cached_property
    def identite(self) -> str:
        """Exact key of the person it speaks of."""
        traits = self.traits
        return cle_identite(traits.noms[0], traits.prenom, traits.naissance) if traits else self.cle_propre

    @property
    def cle_propre(self) -> str:
        """The key of the record itself, where it stands for nobody else."""
        return "|".join((*self.origine, self.dossier.cle))

    @cached_property
    def rang(self) -> tuple[int, float, str, str, str]:
        """Precedence, total and independent of the order of arrival: kind of source, then the latest written."""
        ecrit = self.dossier.modifie_le.timestamp() if self.dossier.modifie_le else 0.0
        return RANG[self.type], -ecrit, self.source, self.locataire, self.dossier.cle

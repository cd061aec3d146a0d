"""A testimony: what one source says of one person, with where and when it was heard. Knows no merge rule."""

from dataclasses import dataclass
from datetime import datetime

from gateway.connectors.base import Dossier
from gateway.schema.lieux import TypeSource
from gateway.schema.nouns import Jeune

# An ERP speaks before the registry, the registry before a Mission locale's system (docs/domaine.md, "Conflits").
RANG = {TypeSource.ERP_CFA: 0, TypeSource.REGISTRE_CONTRATS: 1, TypeSource.MISSION_LOCALE: 2, TypeSource.REFERENTIEL: 3}


@dataclass(frozen=True, slots=True)
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

    @property
    def rang(self) -> tuple[int, float, str, str, str]:
        """Precedence, total and independent of the order of arrival: kind of source, then the latest written."""
        ecrit = self.dossier.modifie_le.timestamp() if self.dossier.modifie_le else 0.0
        return RANG[self.type], -ecrit, self.source, self.locataire, self.dossier.cle

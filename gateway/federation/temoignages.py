"""A testimony: what one source says of one person, with where and when it was heard. Knows no merge rule."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from gateway.connectors.base import Dossier
from gateway.connectors.traits import traits_de
from gateway.domain.appariement import cles_de_bloc
from gateway.domain.identity import Traits, cle_identite
from gateway.domain.temps import jour_paris
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

    @cached_property
    def blocs(self) -> tuple[int, ...]:
        """What it must share one of with another to be compared with it, or taken for it by name."""
        cles = cles_de_bloc(self.traits) if self.traits else ()
        return hash(self.identite), *map(hash, cles)

    @property
    def cle_propre(self) -> str:
        """The key of the record itself, where it stands for nobody else."""
        return "|".join((*self.origine, self.dossier.cle))

    @cached_property
    def rang(self) -> tuple[int, float, str, str, str]:
        """Precedence, total and independent of the order of arrival: kind of source, then the latest written."""
        ecrit = self.dossier.modifie_le.timestamp() if self.dossier.modifie_le else 0.0
        return RANG[self.type], -ecrit, self.source, self.locataire, self.dossier.cle

    @cached_property
    def recence(self) -> tuple[bool, float, tuple[int, float, str, str, str]]:
        """The latest written first, whatever the kind; then those that do not say when."""
        return self.dossier.modifie_le is None, self.rang[1], self.rang

    @cached_property
    def rang_du_domicile(self) -> tuple[int, int, str, str, str]:
        """Precedence for the home: kind of source, then who tells the latest event of this life.

        Not the latest written: two systems that rewrite their records in turn would send somebody to and fro.
        """
        return RANG[self.type], -_dernier_fait(self.jeune).toordinal(), self.source, self.locataire, self.dossier.cle


def _dernier_fait(jeune: Jeune) -> date:
    """The last day that a training or a contract begins, or that a follow-up was noted."""
    debuts = [fait.date_debut for fait in (*(jeune.formations or ()), *(jeune.contrats or ()))]
    suivi = jour_paris(jeune.suivi.date) if jeune.suivi and jeune.suivi.date else None
    return max((jour for jour in (*debuts, suivi) if jour), default=date.min)

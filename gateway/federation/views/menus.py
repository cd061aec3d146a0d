"""What fills the menus of a screen: the CFAs, communes and Missions locales of a perimeter, told by the referential alone.

Which they are is decided by the profile and its organisation, never by who is there: a menu tells nothing of anybody. Knows no
view, no person.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from gateway.auth.policy.policy import Perimetre
from gateway.auth.policy.rules import Profil
from gateway.concurrency import Preparation, Work
from gateway.domain.official_numbers import normalise_nom, words
from gateway.domain.referentiel import CommuneLine, Referentiel
from gateway.federation.collect.plan import plan_of_perimetre
from gateway.federation.organisation_directory import Directory
from gateway.schema.organisations import Cfa, Commune, MissionLocale

TERRITORIES_MAX = 256  # perimeters of which the menus are kept


@dataclass(frozen=True, slots=True)
class MenuLine:
    """A line of a menu: the code by which the directory has it, its name as it is looked for, and its codes."""

    code: str
    letters: str
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Territory:
    """The menus of one perimeter, each by name."""

    cfas: tuple[MenuLine, ...]
    communes: tuple[MenuLine, ...]
    missions_locales: tuple[MenuLine, ...]


@dataclass(frozen=True, slots=True)
class Menus:
    """The menus that one operation shows."""

    perimetre: Perimetre
    directory: Directory
    preparation: Preparation

    def cfas(self, recherche: str | None, first: int) -> list[Cfa]:
        found = (self.directory.cfa(code) for code in self._codes("cfas", recherche, first))
        return [cfa for cfa in found if cfa]

    def communes(self, recherche: str | None, first: int) -> list[Commune]:
        found = (self.directory.commune(code) for code in self._codes("communes", recherche, first))
        return [commune for commune in found if commune]

    def missions_locales(self, recherche: str | None, first: int) -> list[MissionLocale]:
        found = (self.directory.mission_locale(code) for code in self._codes("missions_locales", recherche, first))
        return [mission for mission in found if mission]

    def _codes(self, kind: str, recherche: str | None, first: int) -> Sequence[str]:
        """The codes of the first lines; none as long as they are still to be looked for (`Preparation`)."""
        known = self.directory.territories.get(self.perimetre)
        if known and recherche is None:
            return [line.code for line in getattr(known, kind)[:first]]
        # The first of a perimeter goes through the whole referential, and it is kept.
        lines = len(getattr(known, kind)) if known else len(self.directory.referentiel.communes)
        key = kind, recherche, first
        work = Work(lines, ("menu", self.perimetre, id(self.directory), key), partial(self._look_for, *key))
        return self.preparation.result(key, work, lines=lines) or ()

    def _look_for(self, kind: str, recherche: str | None, first: int) -> list[str]:
        """May run in any thread."""
        entries = getattr(self._territory(), kind)
        return [line.code for line in _matching(entries, recherche or "")][:first]

    def _territory(self) -> Territory:
        territories = self.directory.territories
        known: Territory | None = territories.get(self.perimetre)
        if known is None:
            known = _territory_of(self.perimetre, self.directory.referentiel)
            # Emptied at once, which is safe from any thread: so many perimeters are rare, and all can be made again.
            if len(territories) >= TERRITORIES_MAX:
                territories.clear()
            territories[self.perimetre] = known
        return known


def _matching(entries: Iterable[MenuLine], recherche: str) -> list[MenuLine]:
    """Those whose name has every word looked for, in any part of it, or of which a code begins so."""
    # What has a digit is a code: the letter of 0600001A is in most names.
    parts = words(" ".join(told for told in recherche.split() if not any(map(str.isdigit, told))))
    code = recherche.strip().upper()
    # Without any word, every name would have all of them.
    named = bool(parts) or not code
    return [
        line
        for line in entries
        if (named and all(part in line.letters for part in parts)) or any(own.startswith(code) for own in line.codes)
    ]


def _territory_of(perimetre: Perimetre, referentiel: Referentiel) -> Territory:
    communes = _communes(perimetre, referentiel)
    codes = {commune.mission_locale for commune in communes} & referentiel.missions_locales.keys()
    # Its communes name it alone; a referential at fault must not show another.
    if perimetre.profil is Profil.MISSION_LOCALE:
        codes &= {perimetre.organisation}
    organismes = [o for uai in _uais(perimetre, referentiel) if (o := referentiel.organisme(uai))]
    missions = [referentiel.missions_locales[code] for code in codes if code]
    return Territory(
        _by_name((one.nom, one.uai, (one.uai, one.siret)) for one in organismes),
        _by_name((one.nom, one.code, (one.code, *one.codes_postaux)) for one in communes),
        _by_name((one.nom, one.code, (one.code,)) for one in missions),
    )


def _by_name(lines: Iterable[tuple[str, str, tuple[str, ...]]]) -> tuple[MenuLine, ...]:
    entries = (MenuLine(code, normalise_nom(nom), codes) for nom, code, codes in lines)
    return tuple(sorted(entries, key=lambda line: (line.letters, line.code)))


def _communes(perimetre: Perimetre, referentiel: Referentiel) -> list[CommuneLine]:
    """Those of the territory; for a CFA or a network, of the regions where its CFAs are: its people live around."""
    of_cfas = {o.region for uai in perimetre.uais if (o := referentiel.organisme(uai))}
    organisation = perimetre.organisation
    is_within: dict[Profil, Any] = {
        Profil.MISSION_LOCALE: lambda commune: commune.mission_locale == organisation,
        Profil.CFA: lambda commune: commune.region in of_cfas,
        Profil.TETE_DE_RESEAU: lambda commune: commune.region in of_cfas,
        Profil.DREETS: lambda commune: commune.region == organisation,
        Profil.DDETS: lambda commune: commune.departement == organisation,
        Profil.ACADEMIE: lambda commune: commune.academie == organisation,
        Profil.FRANCE_TRAVAIL: lambda commune: commune.region == organisation,
        Profil.ARML: lambda commune: commune.region == organisation,
        Profil.REGION: lambda commune: commune.region == organisation,
        Profil.STATISTIQUES: lambda _: True,
    }
    keep = is_within.get(perimetre.profil, lambda _: False)
    return [commune for commune in referentiel.communes.values() if keep(commune)]


def _uais(perimetre: Perimetre, referentiel: Referentiel) -> Iterable[str]:
    """The CFAs that are asked for this perimeter; those that read nobody have their territory's."""
    # These read nobody, and so no CFA is asked for them.
    if perimetre.profil is Profil.STATISTIQUES:
        return referentiel.organismes
    if perimetre.profil in (Profil.ARML, Profil.REGION):
        return referentiel.cfas_of_region(perimetre.organisation)
    return plan_of_perimetre(perimetre, referentiel, suivi=False).uais

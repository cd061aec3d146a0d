"""From what was granted to what must be asked: pure. Knows the kinds of sources, no partner by name.

A unit is what a partner says about one key it can be asked for (DESIGN §5): the records of one CFA, the follow-ups of
one Mission locale. Their number depends on the perimeter, never on the rows of the page (ANSWERS 24).
"""

from collections.abc import Set
from dataclasses import dataclass
from functools import cached_property, lru_cache

from gateway.auth.decide import Decision
from gateway.auth.perimetre import Perimetre
from gateway.auth.rules import Profil
from gateway.domain.referentiel import Referentiel
from gateway.federation.annuaire import Annuaire
from gateway.schema.tables import PERSONAL_TYPES, SHOWN_TYPES, TOLD_BY_MISSION_LOCALE, VIEW_ROOTS

DECISIONS_CONNUES = 1000  # sets of coordinates of which the answer is kept


@dataclass(frozen=True)
class Plan:
    """What one operation asks of the sources. Empty when nothing granted needs them."""

    vue: bool  # the records of the perimeter are needed
    codes_postaux: tuple[str, ...] = ()  # of the homes seen by residence
    missions_locales: frozenset[str] = frozenset()  # that serve these homes
    uais: tuple[str, ...] = ()  # CFAs asked from the start
    structures: tuple[str, ...] = ()  # Missions locales asked from the start
    suivi: bool = False  # and those of the residences found, when none is known from the start

    @cached_property
    def _hash(self) -> int:
        return hash((self.codes_postaux, self.missions_locales, self.uais, self.structures, self.suivi))

    def __hash__(self) -> int:
        """Computed once: each warm answer is looked up by its plan, several times."""
        return self._hash


VIDE = Plan(vue=False)


def planifier(decision: Decision, perimetre: Perimetre, annuaire: Annuaire) -> Plan:
    """The reads that the granted selection needs; a source nobody may read is not in it."""
    if not besoin_de_vue(decision):
        return VIDE
    cle = perimetre, bool(decision.coordonnees & TOLD_BY_MISSION_LOCALE)
    if cle not in annuaire.plans:
        annuaire.plans[cle] = plan_du_perimetre(perimetre, annuaire.referentiel, suivi=cle[1])
    plan: Plan = annuaire.plans[cle]
    return plan


def plan_du_perimetre(perimetre: Perimetre, referentiel: Referentiel, suivi: bool) -> Plan:
    """The reads that a perimeter needs, the follow-ups told by Missions locales included or not."""
    communes = _communes(perimetre, referentiel)
    structures = (perimetre.organisation,) if _par_suivi(perimetre) else ()
    return Plan(
        vue=True,
        codes_postaux=tuple(sorted(referentiel.codes_postaux_de(communes))),
        missions_locales=frozenset(code for c in communes if (code := referentiel.communes[c].mission_locale)),
        uais=_uais(perimetre, referentiel),
        structures=structures,
        suivi=suivi and not structures,
    )


def besoin_de_vue(decision: Decision) -> bool:
    """True when a granted root field shows persons, contracts or ruptures."""
    return _besoin_de_vue(decision.coordonnees)


@lru_cache(DECISIONS_CONNUES)
def _besoin_de_vue(coordonnees: Set[str]) -> bool:
    roots = {coordonnee.partition(".")[2] for coordonnee in coordonnees if coordonnee.startswith("Query.")}
    if roots & (VIEW_ROOTS - {"node"}):
        return True
    nouns = {coordonnee.partition(".")[0] for coordonnee in coordonnees}
    return "node" in roots and bool(nouns & (PERSONAL_TYPES | {"Node"}))


def montre_des_personnes(decision: Decision) -> bool:
    """True when persons are in the answer, be it by their ids: counting them only shows nobody."""
    return _montre_des_personnes(decision.coordonnees)


@lru_cache(DECISIONS_CONNUES)
def _montre_des_personnes(coordonnees: Set[str]) -> bool:
    return any(coordonnee.partition(".")[0] in SHOWN_TYPES for coordonnee in coordonnees)


def _par_suivi(perimetre: Perimetre) -> bool:
    """A Mission locale also sees whoever has a dossier in its own system: that system is part of its perimeter."""
    return perimetre.profil is Profil.MISSION_LOCALE


def _communes(perimetre: Perimetre, referentiel: Referentiel) -> frozenset[str]:
    """The communes of the homes seen by residence."""
    if perimetre.profil is Profil.MISSION_LOCALE:
        return referentiel.communes_de_mission_locale(perimetre.organisation)
    if perimetre.profil is Profil.FRANCE_TRAVAIL:
        return referentiel.communes_de_region(perimetre.organisation)
    return frozenset()


def _uais(perimetre: Perimetre, referentiel: Referentiel) -> tuple[str, ...]:
    """The CFAs asked from the start: its own, those of its territory, or those of the region of the homes."""
    organisation = perimetre.organisation
    par_profil = {
        Profil.MISSION_LOCALE: lambda: _uais_autour(organisation, referentiel),
        Profil.FRANCE_TRAVAIL: lambda: referentiel.cfas_de_region(organisation),
        Profil.DREETS: lambda: referentiel.cfas_de_region(organisation),
        Profil.DDETS: lambda: referentiel.cfas_de_departement(organisation),
        Profil.ACADEMIE: lambda: referentiel.cfas_d_academie(organisation),
    }
    return tuple(sorted(par_profil.get(perimetre.profil, lambda: perimetre.uais)()))


def _uais_autour(code: str, referentiel: Referentiel) -> frozenset[str]:
    """CFAs of the regions that the territory of a Mission locale touches."""
    communes = referentiel.communes_de_mission_locale(code)
    regions = {referentiel.communes[insee].region for insee in communes}
    return frozenset(uai for region in regions for uai in referentiel.cfas_de_region(region))

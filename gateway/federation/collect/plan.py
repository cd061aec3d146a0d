"""Makes the plan of what the sources are asked from what was granted. Pure; knows the kinds of sources, no partner by name.

A unit is what a partner says about one key it can be asked for (docs/architecture.md): the records of one CFA, the follow-ups of
one Mission locale. Their number depends on the perimeter, never on the rows of the page.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property, lru_cache

from gateway.auth.authorization.decide import Decision
from gateway.auth.policy.policy import Perimetre
from gateway.auth.policy.rules import CategorieDonnee, Profil
from gateway.connectors.base import Record
from gateway.domain.referentiel import Referentiel
from gateway.federation.organisation_directory import Directory
from gateway.schema.coordinates import (
    NAMING_SOURCES,
    PERSONAL_TYPES,
    SHOWN_TYPES,
    TOLD_BY_MISSION_LOCALE,
    UNDER_REQUEST,
    VIEW_ROOTS,
)

_OF_PLAN: Mapping[Profil, str] = {
    Profil.MISSION_LOCALE: "d'une région que touche son territoire",
    Profil.FRANCE_TRAVAIL: "de sa région",
    Profil.DREETS: "de sa région",
    Profil.DDETS: "de son département",
    Profil.ACADEMIE: "de son académie",
    Profil.CFA: "cet établissement, ou un lieu de formation dont il répond",
    Profil.TETE_DE_RESEAU: "de son réseau",
}
DECISIONS_KNOWN = 256  # sets of coordinates of which the answer is kept: 30 KB each when everything is asked


@dataclass(frozen=True)
class SourcePlan:
    """What one operation asks of the sources. Empty when nothing granted needs them."""

    view: bool  # the records of the perimeter are needed
    codes_postaux: tuple[str, ...] = ()  # of the homes seen by residence
    missions_locales: frozenset[str] = frozenset()  # that serve these homes
    uais: tuple[str, ...] = ()  # CFAs asked from the start
    structures: tuple[str, ...] = ()  # Missions locales asked from the start
    suivi: bool = False  # and those of the residences found, when none is known from the start

    @cached_property
    def _hash(self) -> int:
        return hash((self.codes_postaux, self.missions_locales, self.uais, self.structures, self.suivi))

    def __hash__(self) -> int:
        # Computed once: each warm answer is looked up by its plan, several times.
        return self._hash


EMPTY = SourcePlan(view=False)
_ROOTS = ("Query.", "Subscription.")


def plan_sources(
    decision: Decision, perimetre: Perimetre, directory: Directory, counts_list: bool = False
) -> SourcePlan:
    """The plan of the granted selection; a source of which nothing may be read is not in it. `counts_list`: figures of the
    perimeter's list are asked."""
    if not (counts_list or needs_view(decision.coordinates)):
        return EMPTY
    key = perimetre, asks_follow_ups(decision)
    if key not in directory.plans:
        directory.plans[key] = plan_of_perimetre(perimetre, directory.referentiel, suivi=key[1])
    plan: SourcePlan = directory.plans[key]
    return plan


def asks_follow_ups(decision: Decision) -> bool:
    """True when something granted is told, or may be named, by a Mission locale: never for somebody's sake."""
    # A value must not depend on what else is selected: what names the sources of a person asks all of them, and what is read
    # under a request asks who tells of requests.
    told = decision.coordinates & (TOLD_BY_MISSION_LOCALE | NAMING_SOURCES | UNDER_REQUEST)
    return CategorieDonnee.SUIVI in decision.categories and bool(told)


def plan_of_perimetre(perimetre: Perimetre, referentiel: Referentiel, suivi: bool) -> SourcePlan:
    """The plan of a perimeter, with or without the follow-ups (`suivi`) that Missions locales tell."""
    communes = _communes(perimetre, referentiel)
    # A Mission locale also sees whoever has a dossier in its own system: that system is part of its perimeter.
    structures = (perimetre.organisation,) if perimetre.profil is Profil.MISSION_LOCALE else ()
    return SourcePlan(
        view=True,
        codes_postaux=tuple(sorted(referentiel.codes_postaux_of(communes))),
        missions_locales=frozenset(code for c in communes if (code := referentiel.communes[c].mission_locale)),
        uais=_uais(perimetre, referentiel),
        structures=structures,
        suivi=suivi and not structures,
    )


@lru_cache(DECISIONS_KNOWN)
def needs_view(coordinates: Set[str]) -> bool:
    """True when a granted root field shows persons, contracts or ruptures."""
    # `node` also opens a CFA or a Mission locale, which the referential tells: it needs a view only for a person's noun.
    roots = {coordinate.partition(".")[2] for coordinate in coordinates if coordinate.startswith(_ROOTS)}
    if roots & (VIEW_ROOTS - {"node"}):
        return True
    nouns = {coordinate.partition(".")[0] for coordinate in coordinates}
    return "node" in roots and bool(nouns & (PERSONAL_TYPES | {"Node"}))


@lru_cache(DECISIONS_KNOWN)
@lru_cache(DECISIONS_KNOWN)
def shows_persons(coordinates: Set[str]) -> bool:
    """True when persons are in the answer, be it by their ids: counting them only shows nobody."""
    return any(coordinate.partition(".")[0] in SHOWN_TYPES for coordinate in coordinates)


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
    by_profil = {
        Profil.MISSION_LOCALE: lambda: _uais_around(organisation, referentiel),
        Profil.FRANCE_TRAVAIL: lambda: referentiel.cfas_of_region(organisation),
        Profil.DREETS: lambda: referentiel.cfas_of_region(organisation),
        Profil.DDETS: lambda: referentiel.cfas_of_departement(organisation),
        Profil.ACADEMIE: lambda: referentiel.cfas_of_academie(organisation),
    }
    return tuple(sorted(by_profil.get(perimetre.profil, lambda: perimetre.uais)()))


def _uais_around(code: str, referentiel: Referentiel) -> frozenset[str]:
    """CFAs of the regions that the territory of a Mission locale touches."""
    regions = {referentiel.communes[insee].region for insee in referentiel.communes_de_mission_locale(code)}
    return frozenset(uai for region in regions for uai in referentiel.cfas_of_region(region))


def residents_by_cfa(records: Iterable[Record], plan: SourcePlan, directory: Directory) -> Counter[str]:
    """How many contracts the residents of the plan's territory have at each CFA, by UAI, as the registry tells."""
    jeunes = (record.jeune for record in records if may_live_in(record, plan, directory))
    cfas = (contrat.cfa for jeune in jeunes for contrat in jeune.contrats or [] if contrat.cfa)
    return Counter(uai for cfa in cfas if (uai := _uai(cfa.uai, cfa.siret, directory)))


def in_order(uais: Sequence[str], residents: Counter[str]) -> list[str]:
    """The CFAs to ask, those with most residents first: what is left out, if something must be, matters least."""
    return sorted({*uais, *residents}, key=lambda uai: (-residents[uai], uai))


def motifs(uai: str, plan: SourcePlan, residents: Counter[str], perimetre: Perimetre) -> str:
    """The reasons why a CFA is asked, as an operator reads them."""
    reasons = [_OF_PLAN[perimetre.profil]] if uai in plan.uais else []
    if residents[uai]:
        reasons.append(f"{residents[uai]} contrat(s) de résidents au registre")
    return " ; ".join(reasons)


def describe(
    plan: SourcePlan, residents: Counter[str], perimetre: Perimetre, directory: Directory
) -> list[tuple[str, str]]:
    """The CFAs that concern a perimeter, in the order they are asked, each with its name and why."""
    names = {uai: organisme.nom for uai, organisme in directory.referentiel.organismes.items()}
    return [
        (uai, f"{names.get(uai, 'inconnu du référentiel')} : {motifs(uai, plan, residents, perimetre)}")
        for uai in in_order(plan.uais, residents)
    ]


def may_live_in(record: Record, plan: SourcePlan, directory: Directory) -> bool:
    """True for the homes of the plan's territory, and for those that nobody can place."""
    # A postal code is shared: whoever lives for sure in a commune of another Mission locale is no resident.
    code = directory.mission_locale_of_home(record.jeune.adresse)
    return code is None or code in plan.missions_locales


def _uai(uai: str | None, siret: str | None, directory: Directory) -> str | None:
    # The registry names a CFA by UAI, or by SIRET where the UAI is missing.
    organisme = directory.referentiel.organisme(uai, siret)
    return organisme.uai if organisme else uai

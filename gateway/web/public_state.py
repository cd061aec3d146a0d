"""What everybody may be told of the state of the service, and what only its operator is told. Knows no page and no request.

Told to everybody: a state in four, an age in coarse steps, by the public name of a system or by the kind of those that have none.
Never told to them: a partner that the operator does not name, a tenant, a duration, a share of errors, an exact instant, which
would say when somebody last asked (docs/decisions/0147-a-page-of-state-for-everybody.md).
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.concurrency import RecentValue
from gateway.domain.days import write_instant
from gateway.schema.organisations import EtatSource, ModeSource, Source, TypeSource
from gateway.state_settings import Incident, StateSettings
from gateway.web.incidents import Incidents

VALIDITY = 10.0  # seconds: however many ask, it is looked at no more often
RECEIVED = "Envois des logiciels des CFA"
KINDS = {
    TypeSource.ERP_CFA: "Logiciels des CFA",
    TypeSource.REGISTRE_CONTRATS: "Registre des contrats",
    TypeSource.MISSION_LOCALE: "Systèmes des Missions locales",
    TypeSource.REFERENTIEL: "Référentiel des établissements et des communes",
}
CHANGES = {
    TypeSource.ERP_CFA: "Des formations et des ruptures récentes peuvent manquer aux réponses.",
    TypeSource.REGISTRE_CONTRATS: "La copie relevée la nuit répond à sa place.",
    TypeSource.MISSION_LOCALE: "Des suivis peuvent manquer aux réponses.",
    TypeSource.REFERENTIEL: "La dernière copie sert à sa place.",
}
STATES = {
    EtatSource.DISPONIBLE: "Répond",
    EtatSource.DEGRADEE: "Répond en partie, ou lentement",
    EtatSource.INDISPONIBLE: "Ne répond pas",
    EtatSource.FERMEE: "Fermé à cette heure, comme prévu",
}
NOT_ASKED = "Pas encore interrogé"
# The same of several, all or some of their kind.
SEVERAL = {
    "Répond": "Tous répondent",
    "Répond en partie, ou lentement": "Répondent en partie, ou lentement",
    "Ne répond pas": "Ne répondent pas",
    "Fermé à cette heure, comme prévu": "Fermés à cette heure, comme prévu",
    NOT_ASKED: "Pas encore interrogés",
}
AGES = ((300, "moins de 5 minutes"), (3600, "moins d’une heure"), (86_400, "moins d’un jour"))
WRONG = (EtatSource.DEGRADEE, EtatSource.INDISPONIBLE)


@dataclass(frozen=True, slots=True)
class PublicSystem:
    """A system, or those of a kind, as everybody is told. `change`: what its state does to answers, if anything."""

    name: str
    state: str
    age: str | None
    change: str | None
    is_wrong: bool


@dataclass(frozen=True, slots=True)
class PublicState:
    """All that everybody is told, at an instant."""

    instant: datetime
    serves: bool
    systems: Sequence[PublicSystem]
    incidents: Sequence[Incident]

    @property
    def lacking(self) -> list[str]:
        return [system.name for system in self.systems if system.is_wrong]


class StateBoard:
    """The state as everybody is told, looked at once in VALIDITY; and as the operator is."""

    def __init__(
        self,
        settings: StateSettings,
        states: Callable[[], Sequence[Source]],
        incidents: Incidents,
        serves: Callable[[], Awaitable[bool]],
        clocks: tuple[Callable[[], datetime], Callable[[], float]],
    ) -> None:
        self.settings = settings
        self._states, self._incidents, self._serves = states, incidents, serves
        self._now, seconds = clocks
        self._recent = RecentValue(self._look, VALIDITY, seconds)

    async def public(self) -> PublicState:
        return await self._recent.get()

    async def _look(self) -> PublicState:
        now = self._now()
        systems = list(public_systems(self._states(), self.settings.libelles))
        return PublicState(now, await self._serves(), systems, self._incidents.shown(now))

    async def detailed(self) -> dict[str, Any]:
        """For who watches over the process: each source with its figures. Nothing of a person in any of them."""
        now = self._now()
        return {
            "instant": write_instant(now),
            "sert": await self._serves(),
            "sources": [_detailed(source, self.settings.libelles) for source in self._states()],
            "incidents": [one.model_dump(mode="json") for one in self._incidents.shown(now)],
        }


def public_systems(sources: Sequence[Source], names: Mapping[str, str]) -> Iterator[PublicSystem]:
    """Each system that has a public name, then the others, a kind at a time."""
    named = sorted((source for source in sources if source.nom in names), key=lambda one: names[one.nom])
    yield from (_system(names[source.nom], [source]) for source in named)
    rest: dict[str, list[Source]] = {}
    for source in sources:
        if source.nom not in names:
            rest.setdefault(_kind(source), []).append(source)
    for kind in (*KINDS.values(), RECEIVED):
        if kind in rest:
            yield _system(kind, rest[kind])


def _kind(source: Source) -> str:
    return RECEIVED if source.mode is ModeSource.RECEPTION else KINDS[source.type]


def _system(name: str, sources: Sequence[Source]) -> PublicSystem:
    kind, is_wrong = sources[0].type, any(source.etat in WRONG for source in sources)
    is_closed = any(source.etat is EtatSource.FERMEE for source in sources)
    change = CHANGES[kind] if is_wrong or (is_closed and kind is TypeSource.REGISTRE_CONTRATS) else None
    ages = [source.fraicheur_secondes for source in sources if source.fraicheur_secondes is not None]
    return PublicSystem(name, _state(sources), _age(max(ages)) if ages else None, change, is_wrong)


def _state(sources: Sequence[Source]) -> str:
    """One sentence; of several systems, how many of them are in the worst state where they differ."""
    found = [_state_of(source) for source in sources]
    worst = min(found, key=_gravity)
    number = found.count(worst)
    told = worst if number == 1 else SEVERAL[worst]
    return told if number == len(found) else f"{told} : {number} sur {len(found)}"


def _state_of(source: Source) -> str:
    if source.etat is EtatSource.DISPONIBLE and source.derniere_reponse is None:
        return NOT_ASKED
    return STATES[source.etat]


def _gravity(state: str) -> int:
    order = (STATES[EtatSource.INDISPONIBLE], STATES[EtatSource.DEGRADEE], STATES[EtatSource.FERMEE], NOT_ASKED)
    return order.index(state) if state in order else len(order)


def _age(seconds: int) -> str:
    days = seconds // 86_400
    return next((text for bound, text in AGES if seconds < bound), f"{days} jour{'s' if days > 1 else ''}")


def _detailed(source: Source, names: Mapping[str, str]) -> dict[str, Any]:
    answered = source.derniere_reponse
    return {
        "nom": source.nom,
        "libelle": names.get(source.nom),
        "type": source.type.value,
        "mode": source.mode.value,
        "etat": source.etat.value,
        "derniereReponse": write_instant(answered) if answered else None,
        "fraicheurSecondes": source.fraicheur_secondes,
        "latenceMs": source.latence_ms,
        "tauxErreur": source.taux_erreur,
    }

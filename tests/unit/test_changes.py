"""Since when what is shown of somebody may have changed, as docs/domaine.md ("Modifications") says: by the source's own date,
else by the receipt of the version that changed; whoever does not say counts as changed; nobody learns of what is not theirs."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from gateway.auth.policy.policy import Perimetre
from gateway.auth.policy.rules import Finalite, Profil
from gateway.connectors.base import Record
from gateway.federation.collect.collector import Collector
from gateway.federation.collect.kept_readings import SourceReadings
from gateway.federation.collect.plan import SourcePlan
from gateway.federation.join.join_records import SourcedRecord
from gateway.federation.lists import filter_contrats, filter_jeunes, filter_ruptures
from gateway.federation.views.view import Rights
from gateway.schema.filters import FiltreContrats, FiltreJeunes, FiltreRuptures
from gateway.schema.nouns import Adresse, Collaboration, Jeune, SituationSuivi, Suivi
from gateway.schema.organisations import Cfa, TypeSource
from gateway.schema.scalars import UAI, CodePostal
from gateway.sources.units import CacheStatus, Unit, UnitFailure, UnitResult
from tests.support.access.small_world import RegistryStore
from tests.support.access.tools import POLICY
from tests.support.unit.federation import DAY, DIRECTORY, RECEIVED, build, contrat, session, told

HERE = Adresse(code_postal=CodePostal("60000"))
LONG_ONE = session(date(2025, 3, 1), date(2027, 8, 31))
OWN, OTHER = Cfa(uai=UAI("0951099D")), Cfa(uai=UAI("0010856A"))
PHONE = "+33639980001"
NOTED = datetime(2026, 10, 2, 14, 30, tzinfo=UTC)


def from_erp(modifie: datetime | None = NOTED, tenant: str = "0951099D", **values: Any) -> SourcedRecord:
    signed = contrat(date(2025, 3, 1), broken=DAY - timedelta(days=30), cfa=OWN, numero="060202503010001")
    own: dict[str, Any] = {"adresse": HERE, "formations": [LONG_ONE], "contrats": [signed], "telephone": PHONE}
    return told("ypareo", "1", tenant, modifie, **{**own, **values})


def of_registry(day: date | None, cfa: Cfa = OWN, debut: date = date(2025, 3, 1)) -> SourcedRecord:
    return told("registre", adresse=HERE, contrats=[contrat(debut, cfa=cfa, traite_le=day)])


def last_change(*records: SourcedRecord, profil: Profil = Profil.MISSION_LOCALE) -> datetime | None:
    """When the only person of the view last changed."""
    organisation, finalite = {
        Profil.MISSION_LOCALE: ("60001", Finalite.ACCOMPAGNEMENT),
        Profil.CFA: ("0951099D", Finalite.GESTION_CFA),
    }[profil]
    uais = frozenset({organisation}) if profil is Profil.CFA else frozenset[str]()
    rights = Rights(POLICY, profil, finalite, Perimetre(profil, organisation, uais))
    (person,) = build(SourceReadings(list(records), suivi_heard=frozenset({"60001"})), rights).persons.values()
    return person.jeune.modifie


def test_the_source_says_when() -> None:
    assert last_change(from_erp()) == NOTED


def test_a_source_that_says_the_day_alone_may_have_changed_until_its_end() -> None:
    midnight_in_paris = datetime(2026, 10, 1, 22, tzinfo=UTC)
    assert last_change(from_erp(midnight_in_paris)) == datetime(2026, 10, 2, 21, 59, 59, 999_999, tzinfo=UTC)


def test_the_day_that_the_clocks_go_back_lasts_until_its_own_midnight() -> None:
    assert last_change(from_erp(datetime(2026, 10, 24, 22, tzinfo=UTC))) == datetime(
        2026, 10, 25, 22, 59, 59, 999_999, tzinfo=UTC
    )


def test_of_two_sources_the_last_change_holds() -> None:
    dossier = told("imilo", "7", "60001", NOTED + timedelta(hours=1), suivi=Suivi(situation=SituationSuivi.RDV_PRIS))
    assert last_change(from_erp(), dossier) == NOTED + timedelta(hours=1)


def test_one_source_that_does_not_say_is_enough_not_to_know() -> None:
    assert last_change(from_erp(), told("imilo", "7", "60001")) is None


def test_what_was_heard_to_change_has_changed_then_whatever_its_source_dates() -> None:
    """Some date their contracts only: a telephone that changes has no date."""
    assert last_change(replace(from_erp(), heard_at=RECEIVED)) == RECEIVED
    assert last_change(replace(from_erp(None), heard_at=RECEIVED)) == RECEIVED


def test_the_registry_says_the_day_of_processing() -> None:
    assert last_change(of_registry(date(2026, 10, 3))) == datetime(2026, 10, 3, 21, 59, 59, 999_999, tzinfo=UTC)
    assert last_change(of_registry(None)) is None


def test_a_cfa_learns_nothing_of_what_changes_elsewhere() -> None:
    """Neither by another CFA's system, nor by a contract of another CFA at the registry."""
    elsewhere = [contrat(date(2024, 9, 1), date(2025, 2, 1), cfa=OTHER)]
    abroad = told("aimaira", "9", "0010856A", NOTED + timedelta(days=5), contrats=elsewhere, telephone=PHONE)
    processed = of_registry(date(2026, 10, 14), OTHER, date(2024, 9, 1))
    for more in ([abroad], [processed], [abroad, processed]):
        assert last_change(from_erp(), *more, profil=Profil.CFA) == NOTED
        assert last_change(from_erp(), *more) != NOTED, "the Mission locale of the home sees them"


def test_a_cfa_learns_of_a_follow_up_where_it_asked_for_one_and_nowhere_else() -> None:
    def dossier(request: Collaboration | None) -> SourcedRecord:
        suivi = Suivi(situation=SituationSuivi.RDV_PRIS, date=NOTED)
        return told("imilo", "7", "60001", NOTED + timedelta(days=3), suivi=suivi, collaboration=request)

    assert last_change(from_erp(), dossier(None), profil=Profil.CFA) == NOTED
    foreign = Collaboration(demandee_le=NOTED, uai="0010856A")
    assert last_change(from_erp(), dossier(foreign), profil=Profil.CFA) == NOTED
    own = Collaboration(demandee_le=NOTED, uai="0951099D")
    assert last_change(from_erp(), dossier(own), profil=Profil.CFA) == NOTED + timedelta(days=3)


@pytest.mark.parametrize(
    ("since", "kept"),
    [(NOTED, True), (NOTED - timedelta(seconds=1), True), (NOTED + timedelta(microseconds=1), False)],
)
@pytest.mark.parametrize("known", [True, False])
def test_b10_a_list_keeps_what_changed_since_and_what_does_not_say(since: datetime, kept: bool, known: bool) -> None:
    rights = Rights(POLICY, Profil.MISSION_LOCALE, Finalite.ACCOMPAGNEMENT, Perimetre(Profil.MISSION_LOCALE, "60001"))
    view = build(SourceReadings([from_erp(NOTED if known else None)]), rights)
    jeunes = [person.jeune for person in view.persons.values()]
    contrats, ruptures = [one for _, one in view.contrats.values()], [one for _, one in view.ruptures.values()]
    expected = kept or not known
    assert len(filter_jeunes(jeunes, FiltreJeunes(modifie_depuis=since))) == expected
    assert len(filter_contrats(contrats, FiltreContrats(modifie_depuis=since))) == expected
    assert len(filter_ruptures(ruptures, FiltreRuptures(modifie_depuis=since), DAY)) == expected


@dataclass
class Erp:
    """One system, one CFA, whose records are set from outside."""

    records: tuple[Record, ...] = ()
    version: int = 0
    asked: list[Unit] = field(default_factory=list)

    def partner_of_cfa(self, _uai: str) -> str | None:
        return "erp"

    def sources_of_cfa(self, _uai: str) -> tuple[str, ...]:
        return ("erp",)

    def sources_of(self, _nature: TypeSource) -> tuple[str, ...]:
        return ()

    def partners_of_structure(self, _code: str) -> tuple[str, ...]:
        return ()

    def cap(self, _source: str) -> int:
        return 200

    def say(self, **telephones: str) -> None:
        self.records = tuple(
            Record(
                key,
                Jeune(nom=key, prenom="Lou", date_naissance=DAY, telephone=telephone),
                NOTED if key == "dated" else None,
            )
            for key, telephone in telephones.items()
        )
        self.version += 1

    def _result(self, unit: Unit) -> UnitResult:
        received = RECEIVED + timedelta(minutes=self.version)
        return UnitResult(unit, self.records, received, CacheStatus.MISSED, str(self.version))

    async def read(
        self, units: Sequence[Unit], _delay: float, _age_max: float | None, _account: object
    ) -> list[UnitResult | UnitFailure]:
        return [self._result(unit) for unit in units]

    async def kept_versions(self, units: Sequence[Unit]) -> list[UnitResult | None]:
        return [self._result(unit) for unit in units]


@pytest.mark.anyio
async def test_a_version_is_received_when_a_record_of_it_changed_and_not_when_another_did() -> None:
    erp, instant = Erp(), [0.0]
    collector = Collector(erp, RegistryStore(), "registre", 3.0, lambda: instant[0], lambda _source, _number: None)

    async def minutes() -> dict[str, float | None]:
        """After how many minutes each was heard as it is; None: as its source dates it."""
        instant[0] += 10
        readings = await collector.collect(SourcePlan(view=True, uais=("0951099D",)), DIRECTORY)
        return {
            one.record.key: (one.heard_at - RECEIVED).total_seconds() / 60 if one.heard_at else None
            for one in readings.sourced_records
        }

    erp.say(dated="1", undated="1")
    assert await minutes() == {"dated": None, "undated": 1}
    erp.say(dated="1", undated="1")  # said again
    assert await minutes() == {"dated": None, "undated": 1}
    erp.say(dated="2", undated="1")
    assert await minutes() == {"dated": 3, "undated": 1}
    erp.say(dated="2", undated="2", new="1")
    assert await minutes() == {"dated": 3, "undated": 4, "new": 4}

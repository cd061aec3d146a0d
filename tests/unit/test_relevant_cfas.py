"""Which CFAs concern a Mission locale, in what order and why; and what one query asks when they are too many."""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import pytest
import respx

from gateway.auth.authentication.clients import build_perimetre
from gateway.auth.policy.rules import Profil
from gateway.connectors.base import Record, Tenant
from gateway.domain.referentiel import Referentiel
from gateway.errors import SourceSpared
from gateway.federation.collect.collector import Collector
from gateway.federation.collect.plan import describe, plan_of_perimetre, residents_by_cfa
from gateway.federation.organisation_directory import Directory
from gateway.schema.nouns import Adresse, Contrat, Jeune
from gateway.schema.organisations import Cfa
from gateway.schema.scalars import SIRET, UAI, CodePostal
from gateway.sources.partners.file_format import LimitsTable
from gateway.sources.partners.tenants import TenantConfig
from gateway.sources.refresh_ahead import RefreshAhead
from tests.support.access.small_world import IDS, REFERENTIEL
from tests.support.sources import BASE, INSTANT, SourcesHarness, partner, sources_harness, transport

pytestmark = pytest.mark.anyio
FAR_SIRET = SIRET("73282932000074")
HERE, NEIGHBOUR_ONE = "60001", "60002"
FAR = "0750001U"  # a CFA of another region
CODE = CodePostal("60001")  # two communes share it


@pytest.fixture
def directory() -> Directory:
    communes = {c.code: replace(c, codes_postaux=(CODE,)) for c in REFERENTIEL.communes.values()}
    organismes = {**REFERENTIEL.organismes, FAR: replace(REFERENTIEL.organismes[FAR], siret=FAR_SIRET)}
    return Directory(Referentiel(communes, REFERENTIEL.missions_locales, organismes), IDS)


def resident(commune: str | None, *cfas: Cfa) -> Record:
    adresse = Adresse(code_postal=CODE, insee=commune)
    contrats = [Contrat(date_debut=date(2026, 9, 1), cfa=cfa) for cfa in cfas]
    jeune = Jeune(nom="Zz", prenom="Yy", date_naissance=date(2008, 1, 2), adresse=adresse, contrats=contrats)
    return Record(f"{commune}{len(cfas)}", jeune)


DOSSIERS = (
    resident("60001", Cfa(uai=UAI("0600001A")), Cfa(siret=FAR_SIRET)),
    resident("60001", Cfa(siret=FAR_SIRET)),
    resident(None, Cfa(uai=UAI("0600001A"))),  # nobody can place this home: it may be theirs
    resident("60002", Cfa(uai=UAI("0770001H"))),  # the other commune of that postal code
)


def test_the_cfa_of_a_territoire_are_those_of_its_region_and_of_its_residents(directory: Directory) -> None:
    perimetre = build_perimetre(Profil.MISSION_LOCALE, HERE, REFERENTIEL)
    plan = plan_of_perimetre(perimetre, directory.referentiel, suivi=True)
    residents = residents_by_cfa(DOSSIERS, plan, directory)
    assert residents == {"0600001A": 2, FAR: 2}
    rows = dict(describe(plan, residents, perimetre, directory))
    assert list(rows)[:2] == ["0600001A", FAR]
    assert set(rows) == set(plan.uais) | {FAR}
    told = "CFA 0600001A : d'une région que touche son territoire ; 2 contrat(s) de résidents au registre"
    assert rows["0600001A"] == told
    assert rows[FAR] == f"CFA {FAR} : 2 contrat(s) de résidents au registre"


@dataclass(frozen=True)
class _Read:
    records: tuple[Record, ...]
    as_of: datetime | None = INSTANT
    version: str = "1"


class _Register:
    async def version(self) -> str:
        return "1"

    async def records(self, codes_postaux: Collection[str], cfas: Any, identities: Any) -> _Read:
        return _Read(DOSSIERS if codes_postaux else ())


@pytest.fixture
def erp() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as routes:
        routes.get(url__startswith=BASE).respond(json=[])
        yield routes


async def test_a_request_does_not_ask_all_the_tenants_of_a_vendor(directory: Directory, erp: respx.MockRouter) -> None:
    """One at once: where most residents are, first; the rest is said to be missing, and comes with what follows."""
    perimetre = build_perimetre(Profil.MISSION_LOCALE, HERE, REFERENTIEL)
    plan = plan_of_perimetre(perimetre, directory.referentiel, suivi=False)
    uais = [*plan.uais, FAR]
    assert uais == ["0600001A", "0600002B", FAR]
    async with sources_harness(transport(erp), _editor(uais, cap=1)) as attempt:
        collector = Collector(attempt.sources, _Register(), "registre", 3.0, lambda: 0.0, lambda _s, _n: None)
        first = await collector.collect(plan, directory)
        requests = {call.request.url.path.rpartition("/")[2] for call in erp.calls}
        account = len(erp.calls)
        await _keep_fresh(attempt)
        brought = len(erp.calls)
        second = await collector.collect(plan, directory)
    assert requests == {"0600001A"}
    assert account == 1
    assert isinstance(first.errors["erp"], SourceSpared)
    assert "plus de 1 établissements" in str(first.errors["erp"])
    assert not first.complete
    assert (brought, len(erp.calls)) == (3, 3)
    assert second.complete


async def test_without_upkeep_each_request_moves_forward(directory: Directory, erp: respx.MockRouter) -> None:
    perimetre = build_perimetre(Profil.MISSION_LOCALE, HERE, REFERENTIEL)
    plan = plan_of_perimetre(perimetre, directory.referentiel, suivi=False)
    async with sources_harness(transport(erp), _editor([*plan.uais, FAR], cap=2)) as attempt:
        collector = Collector(attempt.sources, _Register(), "registre", 3.0, lambda: 0.0, lambda _s, _n: None)
        completes = [(await collector.collect(plan, directory)).complete for _ in range(2)]
    assert (completes, len(erp.calls)) == ([False, True], 3)


def _editor(uais: list[str], cap: int) -> Any:
    limits = LimitsTable(par_seconde=10_000, simultanes=50, locataires_par_requete=cap)
    return partner(abonnes={uai: TenantConfig(Tenant(uai, code=uai)) for uai in uais}, limites=limits)


async def _keep_fresh(attempt: SourcesHarness) -> None:
    async def sleep(duration: float) -> None:
        attempt.seconds[0] += duration

    await RefreshAhead(attempt.sources, attempt.sources._deps.cache, sleep).sweep("erp")


def test_nobody_is_counted_without_cfa(directory: Directory) -> None:
    plan = plan_of_perimetre(build_perimetre(Profil.MISSION_LOCALE, HERE, REFERENTIEL), REFERENTIEL, suivi=False)
    assert residents_by_cfa([resident("60001", Cfa())], plan, directory) == Counter()

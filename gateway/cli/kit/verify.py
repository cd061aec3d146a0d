"""`verifier`: a partner read as the gateway reads it, from its cases, from the partner itself, or through what goes wrong;
and what that shows. Prints no value of a person."""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from gateway.cli.kit.case_files import Case, differences, read_cases, records_as_data
from gateway.cli.kit.misbehaviours import MISBEHAVIOURS
from gateway.cli.kit.reading_report import ReadingReport, report
from gateway.cli.kit.recorded import Heard, ListeningTransport, RecordedTransport, Spoil
from gateway.connectors.base import Connector, Record
from gateway.connectors.table.dialect import Dialect
from gateway.domain.days import PARIS
from gateway.schema.organisations import Qualite
from gateway.sources.http.transport import Transport
from gateway.sources.metrics import SourceMetrics
from gateway.sources.partner_client import PartnerClient
from gateway.sources.partners.load import Partner
from gateway.sources.partners.tenants import TenantConfig
from gateway.sources.resilience.budgets import Clock
from gateway.sources.unit_reader import UnitReader
from gateway.sources.units import Resource, Unit, UnitFailure

CASES = "cas"
TOLD_MAX = 10


@dataclass(frozen=True, slots=True)
class Target:
    """A partner to verify: how it is configured, what reads it, and its folder."""

    partner: Partner
    connector: Connector
    folder: Path
    dialect: Dialect | None = None


@dataclass(slots=True)
class Verdict:
    """What was tried of a partner. `failures` make it wrong; `doubts` do not."""

    name: str
    passed: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    reports: dict[str, ReadingReport] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Outcome:
    records: Sequence[Record]
    error: str  # its code and its message; "" when it succeeded
    quality: Qualite | None


async def _read(target: Target, transport: Transport, unit: Unit, now: datetime) -> _Outcome:
    """One reading, by what reads units in the gateway."""
    partner = target.partner
    client = PartnerClient(partner, transport, SourceMetrics(CollectorRegistry()), lambda: now, Clock())
    reader = UnitReader(client, target.connector, [unit.key])
    outcome = await reader.read(unit)
    quality = reader.quality.get(unit.key)
    if isinstance(outcome, UnitFailure):
        return _Outcome((), f"{outcome.error.code.value} : {outcome.error}", quality)
    return _Outcome(outcome.records, "", quality)


def _unit(target: Target, key: str) -> Unit:
    resource = Resource.CFA if target.connector.cfa_records else Resource.STRUCTURE
    return Unit(target.partner.nom, resource, key)


def _for_case(target: Target, case: Case) -> Target:
    """The partner as it is for the tenant of a case."""
    if target.connector.cfa_records is None and target.partner.abonnes is None:
        return target
    configured = (target.partner.abonnes or {}).get(case.tenant.key)
    tenant = TenantConfig(
        case.tenant, configured.base_url if configured else "", configured.secret if configured else None
    )
    return replace(target, partner=replace(target.partner, abonnes={case.tenant.key: tenant}, acces={}))


async def read_case(target: Target, case: Case, spoil: Spoil | None = None) -> tuple[_Outcome, RecordedTransport]:
    """A case as the gateway reads it, be its answers spoilt or not."""
    transport = RecordedTransport(case, spoil) if spoil else RecordedTransport(case)
    return await _read(_for_case(target, case), transport, _unit(target, case.tenant.key), case.now), transport


async def verify_cases(target: Target, *, with_misbehaviours: bool = False) -> Verdict:
    """Every case of a partner. Raises CommandFailed for files that are no case."""
    verdict = Verdict(target.partner.nom)
    cases = read_cases(target.folder / CASES)
    if not cases:
        verdict.failures.append(f"{target.folder / CASES} : aucun cas ; en écrire un (docs/partenaires.md, Les cas)")
    for case in cases:
        await _verify_case(target, case, verdict)
        if with_misbehaviours and case.expected and "erreur" not in case.expected:
            await _verify_misbehaviours(target, case, verdict)
    return verdict


async def _verify_case(target: Target, case: Case, verdict: Verdict) -> None:
    if case.expected is None:
        verdict.failures.append(f"{case.path} : absent ; « verifier {target.partner.nom} --ecrire » l'écrit, à relire")
        return
    outcome, transport = await read_case(target, case)
    found = list(_told_otherwise(case, outcome))
    if case.pages and not transport.heard.pages and not outcome.error:
        found.append("aucune page du cas n'est demandée : le nom de ses fichiers est-il celui d'une opération ?")
    verdict.failures += [f"{case.path.name} : {line}" for line in found[:TOLD_MAX]]
    if not found:
        verdict.passed.append(f"{case.name}, une erreur : {outcome.error}" if outcome.error else case.name)
    if not outcome.error:
        told = report(transport.heard, outcome.records, outcome.quality, target.dialect)
        verdict.reports[case.name] = told
        verdict.doubts += [doubt for doubt in told.doubts if doubt not in verdict.doubts]


def _told_otherwise(case: Case, outcome: _Outcome) -> Iterator[str]:
    """Where a case is read otherwise than it says."""
    expected = case.expected or {}
    if expected.get("erreur") or outcome.error:
        if not outcome.error.startswith(expected.get("erreur") or "?"):
            yield f"attendu {expected.get('erreur') or 'des dossiers'}, lu {outcome.error or 'des dossiers'}"
        return
    yield from differences(expected.get("dossiers", []), records_as_data(outcome.records), "dossiers")
    yield from differences(expected.get("ecartes", 0), _aside(outcome, "dossier"), "ecartes")
    yield from differences(expected.get("valeurs_ecartees", 0), _aside(outcome, "valeur"), "valeurs_ecartees")


def _aside(outcome: _Outcome, kind: str) -> int:
    """How many records, or values, were set aside."""
    defects = outcome.quality.defauts if outcome.quality else ()
    natures = {"dossier": {"dossier", "identite_double", "erreur", "colonnes_en_trop"}, "valeur": {"valeur"}}[kind]
    return sum(one.nombre for one in defects if one.genre in natures)


def expected_of(target: Target, case: Case) -> dict[str, Any]:
    """What a case becomes today, as its file writes it: to be read again by whoever knows the partner."""
    outcome, _ = asyncio.run(read_case(target, case))
    key = "uai" if target.connector.cfa_records else "mission_locale"
    tenant = {key: case.tenant.key, "siret": case.tenant.siret, "code": case.tenant.code}
    told: dict[str, Any] = {
        "locataire": {name: value for name, value in tenant.items() if value},
        "jour": case.day.isoformat(),
    }
    if outcome.error:
        return {**told, "erreur": outcome.error.partition(" ")[0]}
    figures = {"ecartes": _aside(outcome, "dossier"), "valeurs_ecartees": _aside(outcome, "valeur")}
    return {**told, "dossiers": records_as_data(outcome.records), **{name: n for name, n in figures.items() if n}}


async def _verify_misbehaviours(target: Target, case: Case, verdict: Verdict) -> None:
    """What goes wrong is told, or changes nothing: never fewer people in silence."""
    whole, _ = await read_case(target, case)
    for name, spoil in MISBEHAVIOURS.items():
        outcome, _ = await read_case(target, case, spoil)
        if outcome.error or records_as_data(outcome.records) == records_as_data(whole.records):
            verdict.passed.append(f"{case.name}, {name}")
        else:
            verdict.failures.append(f"{case.path.name} : {name} : lu sans erreur, et autrement")


async def verify_live(target: Target, key: str) -> Verdict:
    """One tenant, asked for real. Raises CommandFailed."""
    verdict, heard = Verdict(target.partner.nom), Heard()
    now = datetime.now(PARIS)
    transport = ListeningTransport(lambda: datetime.now(PARIS))
    transport.heard = heard
    try:
        outcome = await _read(target, transport, _unit(target, key), now)
    finally:
        await transport.aclose()
    if outcome.error:
        verdict.failures.append(f"{key} : {outcome.error}")
        return verdict
    told = report(heard, outcome.records, outcome.quality, target.dialect)
    verdict.reports[key], verdict.doubts = told, list(told.doubts)
    verdict.passed.append(key)
    return verdict


def as_json(verdict: Verdict) -> str:
    """The verdict for a machine."""
    return json.dumps(_french(asdict(verdict)), ensure_ascii=False, indent=1)


_WORDS = {
    "name": "partenaire",
    "passed": "reussis",
    "failures": "echecs",
    "doubts": "doutes",
    "reports": "lectures",
    "rows": "lignes",
    "announced": "annoncees",
    "kept": "gardes",
    "aside": "ecartes",
    "tenant_checked": "locataire_verifie",
    "coverage": "remplissage",
    "unread": "non_lus",
}


def _french(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_WORDS.get(key, key): _french(inside) for key, inside in value.items()}
    return value


def as_text(verdict: Verdict) -> str:
    """The verdict for whoever writes the partner's file."""
    lines = [f"partenaire {verdict.name}"]
    for name, told in verdict.reports.items():
        announced = "non annoncées" if told.announced is None else f"{told.announced} annoncées"
        lines.append(
            f"  {name} : {told.pages} page(s), {told.rows} ligne(s) lues, {announced} ; {told.kept} dossier(s) gardés"
        )
        lines += [f"    écarté ou réparé : {what} × {number}" for what, number in told.aside.items()]
        lines += [f"    {place:<34} {number}/{whole}" for place, (number, whole) in told.coverage.items()]
        if told.unread:
            lines.append(f"    dit par le partenaire, et non lu : {', '.join(told.unread)}")
    lines += [f"  réussi : {one}" for one in verdict.passed]
    lines += [f"  doute  : {one}" for one in verdict.doubts]
    lines += [f"  ÉCHEC  : {one}" for one in verdict.failures]
    return "\n".join(lines)

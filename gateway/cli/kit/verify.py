"""`verifier`: a partner read as the gateway reads it, from its cases, from the partner itself, or through what goes wrong;
and what that shows. Prints no value of a person."""

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from gateway.cli.kit.case_files import Case, differences, read_cases
from gateway.cli.kit.misbehaviours import misbehaviours
from gateway.cli.kit.reading_report import ReadingReport, report
from gateway.cli.kit.recorded import Heard, ListeningTransport
from gateway.cli.kit.replay import Replay, Target, read_case, read_target
from gateway.connectors.table.field_paths import names_of, parse_path
from gateway.domain.days import PARIS
from gateway.sources.http.outbound import network_factory

CASES = "cas"
TOLD_MAX = 10


@dataclass(slots=True)
class Verdict:
    """What was tried of a partner. `failures` make it wrong; `doubts` do not."""

    name: str
    passed: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    reports: dict[str, ReadingReport] = field(default_factory=dict)


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
    verdict.doubts += never_filled(verdict.reports.values())
    return verdict


def never_filled(reports: Iterable[ReadingReport]) -> list[str]:
    """The fields that no reading of anybody filled: one case alone need not hold every field."""
    empty = [told.empty for told in reports if told.kept]
    return [line for line in empty[0] if all(line in other for other in empty)] if empty else []


async def _verify_case(target: Target, case: Case, verdict: Verdict) -> None:
    if case.expected is None:
        verdict.failures.append(f"{case.path} : absent ; « verifier {target.folder} --ecrire » l'écrit, à relire")
        return
    outcome, transport = await read_case(target, case)
    found = list(_told_otherwise(case, outcome))
    if case.pages and not (transport.heard.pages or transport.absences or outcome.error):
        found.append("aucune page du cas n'est demandée : le nom de ses fichiers est-il celui d'une opération ?")
    verdict.failures += [f"{case.path.name} : {line}" for line in found[:TOLD_MAX]]
    if not found:
        verdict.passed.append(f"{case.name}, une erreur : {outcome.error}" if outcome.error else case.name)
    if not outcome.error and outcome.referentiel is None:
        told = report(transport.heard, outcome.records, outcome.quality, target.dialect)
        verdict.reports[case.name] = told
        verdict.doubts += [doubt for doubt in told.doubts if doubt not in verdict.doubts]


def _told_otherwise(case: Case, outcome: Replay) -> Iterator[str]:
    """Where a case is read otherwise than it says."""
    expected = case.expected or {}
    if expected.get("erreur") or outcome.error:
        if not outcome.error.startswith(expected.get("erreur") or "?"):
            yield f"attendu {expected.get('erreur') or 'des dossiers'}, lu {outcome.error or 'des dossiers'}"
        return
    for name, told in outcome.as_data().items():
        yield from differences(expected.get(name, []), told, name)
    yield from differences(expected.get("ecartes", 0), outcome.aside("dossier"), "ecartes")
    yield from differences(expected.get("valeurs_ecartees", 0), outcome.aside("valeur"), "valeurs_ecartees")


def expected_of(target: Target, case: Case) -> dict[str, Any] | str:
    """What a case becomes today, as its file writes it: to be read again by whoever knows the partner. The error, where it fails:
    that it must is for its author to say."""
    outcome, _ = asyncio.run(read_case(target, case))
    if outcome.error:
        return outcome.error
    key = "uai" if target.connector.cfa_records else "mission_locale"
    tenant = {key: case.tenant.key, "siret": case.tenant.siret, "code": case.tenant.code}
    told: dict[str, Any] = {
        "locataire": {name: value for name, value in tenant.items() if value},
        "jour": case.day.isoformat(),
    }
    figures = {"ecartes": outcome.aside("dossier"), "valeurs_ecartees": outcome.aside("valeur")}
    return {**told, **outcome.as_data(), **{name: n for name, n in figures.items() if n}}


async def _verify_misbehaviours(target: Target, case: Case, verdict: Verdict) -> None:
    """What goes wrong is told, or changes nothing: never fewer people in silence."""
    whole, _ = await read_case(target, case)
    for name, behaviour in misbehaviours(case.tenant, _path_of_key(target)).items():
        outcome, transport = await read_case(target, case, behaviour)
        nobody = transport.absences and not outcome.records  # what an empty answer means, where the connector says so
        if outcome.error or nobody or outcome.as_data() == whole.as_data():
            verdict.passed.append(f"{case.name}, {name}")
        else:
            verdict.failures.append(f"{case.path.name} : {name} : lu sans erreur, et autrement")


def _path_of_key(target: Target) -> Sequence[str]:
    """Where the key of a record is in a row, if a table says it."""
    if target.dialect is None:
        return ()
    noun, table = next(target.dialect.nouns())
    paths = next(told.paths for word, told in table.fields() if (noun, word) == ("jeune", "cle"))
    return names_of(parse_path(paths[0], target.dialect.is_csv))


async def verify_live(target: Target, key: str) -> Verdict:
    """One tenant, asked for real. Raises CommandFailed."""
    verdict, heard = Verdict(target.partner.nom), Heard()
    now = datetime.now(PARIS)
    transport = ListeningTransport(lambda: datetime.now(PARIS), network_factory(target.partner.network))
    transport.heard = heard
    try:
        outcome = await read_target(target, transport, key, now)
    finally:
        await transport.aclose()
    if outcome.error:
        verdict.failures.append(f"{key} : {outcome.error}")
        return verdict
    told = report(heard, outcome.records, outcome.quality, target.dialect)
    verdict.reports[key], verdict.doubts = told, [*told.doubts, *never_filled([told])]
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
    "empty": "jamais_lus",
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

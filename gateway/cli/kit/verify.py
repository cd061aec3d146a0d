"""`verifier`: a partner read as the gateway reads it, from its cases, from the partner itself, or through what goes wrong;
and what that shows. Prints no value of a person."""

import asyncio
import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from gateway.cli.kit.case_files import Case, differences, read_cases
from gateway.cli.kit.failed_mapping import failed_mapping
from gateway.cli.kit.file_lines import blamed_path, cause_of, keys_of, lost_values, place
from gateway.cli.kit.misbehaviours import misbehaviours
from gateway.cli.kit.reading_report import PAGES, ReadingReport, Remark, doubts_of, report, rows_elsewhere, unread
from gateway.cli.kit.recorded import Heard, ListeningTransport, RecordedTransport, stream_of
from gateway.cli.kit.replay import Replay, Target, read_case, read_target
from gateway.cli.kit.spoilt_pages import spoilt_pages
from gateway.cli.kit.table_doubts import remarks, whose_page, without_tenant
from gateway.cli.kit.told_pages import documents_of
from gateway.connectors.table.answer_tables import document_path
from gateway.connectors.table.dialect import Dialect
from gateway.connectors.table.field_paths import names_of, parse_path
from gateway.connectors.values import at
from gateway.domain.days import PARIS
from gateway.sources.http.outbound import network_factory
from gateway.sources.partners.plugins import PLUGIN
from gateway.toml_file import line_of

CASES = "cas"
TOLD_MAX = 10
NEARLY = 0.6  # how alike a path that nothing reads must be to one that was wanted
OTHERS = ("chemin absent de la page", "pour un autre établissement")  # what is told of a page that is not the tenant's
UNLISTED = "code que rien ne liste"
NO_ROWS = "[dialecte] lignes : aucune liste"  # what the reading of a table says


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
        verdict.failures.append(
            f"{target.folder / CASES} : aucun cas ; en écrire un (docs/partenaires-table.md, Les cas)"
        )
    for case in cases:
        await _verify_case(target, case, verdict)
        if with_misbehaviours and case.expected and "erreur" not in case.expected:
            await _verify_misbehaviours(target, case, verdict)
    note(verdict, target, never_filled(verdict.reports.values()))
    if target.dialect:
        documents = documents_of(cases, target.dialect)
        most_pages = max((len(own) for case in cases for own in case.pages.values()), default=0)
        note(verdict, target, of_table(target, target.dialect, documents, verdict.reports.values(), most_pages))
    return verdict


def note(verdict: Verdict, target: Target, told: Iterable[Remark]) -> None:
    """Add what is to be said of a partner's file, each with its line there, once."""
    for one in told:
        lines = verdict.failures if one.is_wrong else verdict.doubts
        line = f"{place(target.file, one.keys)} : {one.text}"
        if line not in lines:
            lines.append(line)


def of_table(
    target: Target, dialect: Dialect, documents: Sequence[Any], reports: Collection[ReadingReport], most_pages: int
) -> Iterator[Remark]:
    """What is to be said of a table, by the pages that it reads."""
    not_read = sorted({path for told in reports for path in told.unread})
    yield from remarks(dialect, documents, not_read, most_pages)
    if not target.partner.acces:
        why = "aucun accès : le partenaire est demandé sans s'identifier ; acces.defaut = { type = … } (Les accès)"
        yield Remark(("base_url",), why)
    own = [one for one in (target.partner.abonnes or {}).values() if one.base_url or one.secret]
    if not own:
        yield from without_tenant(dialect, target.partner.base_url)


def never_filled(reports: Iterable[ReadingReport]) -> list[Remark]:
    """The fields that no reading of anybody filled: one case alone need not hold every field."""
    empty = [told.empty for told in reports if told.kept]
    lines = [line for line in empty[0] if all(line in other for other in empty)] if empty else []
    return [Remark(("dialecte", *line.partition(" : ")[0].split(".")), line) for line in lines]


async def _verify_case(target: Target, case: Case, verdict: Verdict) -> None:
    if case.expected is None:
        verdict.failures.append(f"{case.path} : absent ; « verifier {target.folder} --ecrire » l'écrit, à relire")
        return
    if target.dialect and not case.pages:
        verdict.failures.append(f"{case.path.name} : aucune page ; {case.name}.{target.dialect.format} attendu à côté")
        return
    with failed_mapping() as failed:
        outcome, transport = await read_case(target, case)
    lines = [*failed, *_wrong(target, case, outcome, transport)]
    wrong = [f"{case.path.name} : {line}" for line in lines[:TOLD_MAX]]
    wrong += [f"{file} : {why}" for file, why in transport.misread.items()]
    verdict.failures += wrong
    if not wrong:
        verdict.passed.append(f"{case.name}, une erreur : {outcome.error}" if outcome.error else case.name)
    if not wrong and UNLISTED in outcome.error:
        why = f"erreurs : le cas {case.name} n'échoue que par un code que rien ne liste : refus, quota, absence ou panne ?"
        note(verdict, target, [Remark(("dialecte", "erreurs"), why)])
    if not outcome.error and outcome.referentiel is None:
        told = report(transport.heard, outcome.records, outcome.quality, target.dialect)
        verdict.reports[case.name] = told
        note(verdict, target, doubts_of(told, transport.heard, outcome.records, target.dialect))
        if transport.beyond and target.dialect and target.dialect.pages and target.dialect.pages.suivante:
            why = f"pages.suivante : la dernière page du cas {case.name} dit une suite, que le cas n'a pas : le bon chemin ?"
            note(verdict, target, [Remark((*PAGES, "suivante"), why)])


def _wrong(target: Target, case: Case, outcome: Replay, transport: RecordedTransport) -> Iterator[str]:
    """What is wrong with a reading of a case, in a line each."""
    yield from _told_otherwise(target, case, outcome, transport.heard)
    if case.pages and not (transport.heard.pages or transport.absences or outcome.error):
        yield "aucune page du cas n'est demandée : le nom de ses fichiers est-il celui d'une opération ?"
    elif not outcome.error:
        yield from (f"{file} n'est jamais demandé{_why(target, transport.heard)}" for file in transport.never_asked())
    is_misplaced = not outcome.error or NO_ROWS in outcome.error
    if target.dialect and is_misplaced and (near := rows_elsewhere(transport.heard, target.dialect)):
        where = place(target.file, ("dialecte", "lignes"))
        yield f"[dialecte] lignes : aucune ligne sous « {target.dialect.lignes} » ; « {near} » ? ({where})"


def _why(target: Target, heard: Heard) -> str:
    """Why no page was asked behind the last one, where a table says how: what it looks for, and where nothing is."""
    if target.dialect is None:
        return ""
    if (pages := target.dialect.pages) is None:
        return " : la table ne dit pas comment les pages se suivent ([dialecte.pages])"
    page = heard.pages[-1][1] if heard.pages else None
    looked = {"suivante": pages.suivante, "encore": pages.encore}
    nowhere = [f"{name} : rien sous « {path} »" for name, path in looked.items() if path and _lacks(page, path)]
    return " ; ".join(["", *nowhere])


def _lacks(page: Any, path: str) -> bool:
    return at(page, document_path(path)) in (None, "")


def _told_otherwise(target: Target, case: Case, outcome: Replay, heard: Heard) -> Iterator[str]:
    """Where a case is read otherwise than it says, and where its table says so."""
    expected = case.expected or {}
    if expected.get("erreur") or outcome.error:
        if not outcome.error.startswith(expected.get("erreur") or "?"):
            told = f"attendu {expected.get('erreur') or 'des dossiers'}, lu {outcome.reason or 'des dossiers'}"
            where = _cause(target, case, outcome, heard) if outcome.error else ""
            yield f"{told} ({where})" if where else told
        return
    for name, told in outcome.as_data().items():
        for line in differences(expected.get(name, []), told, name):
            where = line_of(target.file, keys_of(line.partition(" : ")[0])) if target.dialect else ""
            yield f"{line} ({target.file.name}{where})" if where else line
    yield from differences(expected.get("ecartes", 0), outcome.aside("dossier"), "ecartes")
    yield from differences(expected.get("valeurs_ecartees", 0), outcome.aside("valeur"), "valeurs_ecartees")


def _cause(target: Target, case: Case, outcome: Replay, heard: Heard) -> str:
    """Where to mend what a reading fails by: a page, else a line of the table, with what to write if it is known; of a connector
    in Python, the last line that names the field."""
    if (dialect := target.dialect) is None:
        plugin, blamed = target.folder / PLUGIN, blamed_path(outcome)
        return f"{PLUGIN}{line_of(plugin, (), f'« {blamed} »')}" if blamed and plugin.is_file() else ""
    if spoilt := next(spoilt_pages(case, dialect), ""):
        return spoilt
    if dialect.exige and any(words in outcome.error for words in OTHERS):
        return place(target.file, ("dialecte", "exige")) + whose_page(dialect, case)
    blamed = blamed_path(outcome)
    near = get_close_matches(blamed, unread(heard, dialect), 1, NEARLY) if blamed else []
    return " ; ".join(filter(None, [cause_of(target.file, outcome), *(f"« {one} » ?" for one in near)]))


def expected_of(target: Target, case: Case) -> tuple[dict[str, Any], list[str]] | str:
    """What a case becomes today, as its file writes it: to be read again by whoever knows the partner, with what it lost. The
    error, where it fails: that it must is for its author to say."""
    outcome, _ = asyncio.run(read_case(target, case))
    if outcome.error:
        return outcome.reason
    key = "uai" if target.connector.cfa_records else "mission_locale"
    tenant = {key: case.tenant.key, "siret": case.tenant.siret, "code": case.tenant.code}
    told: dict[str, Any] = {
        "locataire": {name: value for name, value in tenant.items() if value},
        "jour": case.day.isoformat(),
    }
    figures = {"ecartes": outcome.aside("dossier"), "valeurs_ecartees": outcome.aside("valeur")}
    whole = {**told, **outcome.as_data(), **{name: n for name, n in figures.items() if n}}
    return whole, list(lost_values(target.file, outcome))


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
        verdict.failures.append(f"{key} : {outcome.reason}")
        return verdict
    told = report(heard, outcome.records, outcome.quality, target.dialect)
    verdict.reports[key] = told
    note(verdict, target, doubts_of(told, heard, outcome.records, target.dialect))
    note(verdict, target, never_filled([told]))
    if target.dialect:
        documents, streams = [page for _, page in heard.pages], Counter(stream_of(asked) for asked, _ in heard.pages)
        found = of_table(target, target.dialect, documents, [told], max(streams.values(), default=0))
        note(verdict, target, (replace(one, is_wrong=False) for one in found))
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

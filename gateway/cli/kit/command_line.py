"""The commands of the kit: their arguments, and what they print. Knows no rule."""

import argparse
import asyncio
import json
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from gateway.cli.kit import Add
from gateway.cli.kit.case_files import EXPECTED, Case, read_cases
from gateway.cli.kit.replay import Target
from gateway.cli.kit.scaffold import create, told
from gateway.cli.kit.target import NoSecrets, find_target, secrets_of
from gateway.cli.kit.verify import CASES, as_json, as_text, expected_of, verify_cases, verify_live
from gateway.sources.partners.plugins import PLUGIN, digest, read_plugin


def verify(arguments: argparse.Namespace) -> int:
    """Verify a partner; 1 when something is wrong."""
    secrets: Mapping[str, str] = os.environ if arguments.key else NoSecrets()
    if arguments.env:
        secrets = {**os.environ, **secrets_of(Path(arguments.env))}
    target = find_target(arguments.partner, os.environ, secrets)
    with _quiet():
        if arguments.write:
            for line in write_expected(target):
                print(line)
        if arguments.key:
            verdict = asyncio.run(verify_live(target, arguments.key))
        else:
            verdict = asyncio.run(verify_cases(target, with_misbehaviours=arguments.faults))
    print(as_json(verdict) if arguments.json else as_text(verdict))
    if (plugin := target.folder / PLUGIN).is_file() and not arguments.json:
        print(f'  à écrire dans gateway.toml : [connecteurs] {target.partner.genre} = "{digest(read_plugin(plugin))}"')
    return 1 if verdict.failures else 0


@contextmanager
def _quiet() -> Iterator[None]:
    """What goes wrong is in the verdict: the log says nothing of it meanwhile."""
    loggers = [logging.getLogger(f"gateway.{name}") for name in ("sources", "moisson", "registre", "referentiel")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def create_partner(arguments: argparse.Namespace) -> None:
    """Write the files of a new partner, and what its example becomes."""
    root = os.environ.get("GATEWAY_CONFIG")
    folder = Path(arguments.into or (Path(root) / "partenaires" if root else "."))
    print("\n".join(told(*create(arguments.name, Path(arguments.example), folder))))


def write_expected(target: Target) -> Iterator[str]:
    """Write what each case that does not say it becomes today, and tell those that fail and those left as they are. A case that
    names no tenant is of the partner's first."""
    left = list[str]()
    for case in read_cases(target.folder / CASES):
        if {"dossiers", "erreur", "referentiel"} & set(case.expected or ()):
            left.append(case.name)
        else:
            told = expected_of(target, _with_tenant(target, case))
            path = target.folder / CASES / f"{case.name}{EXPECTED}"
            if isinstance(told, str):
                yield f"{case.name} : non écrit, la lecture échoue : {told}"
                hint = f'{path.name} : {{"erreur": "{told.split()[0]}"}}'
                yield f"  corriger la table ou la page ; ou, si elle doit échouer, écrire {hint}"
                if not case.tenant.key:  # it was read as that of the first tenant
                    whose = "uai" if target.connector.cfa_records else "mission_locale"
                    yield f'  ou dire de qui est la page : {path.name} : {{"locataire": {{"{whose}": "…"}}}}'
            else:
                whole, lost = told
                path.write_text(json.dumps(whole, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
                yield from (f"{case.name} : {line}" for line in lost)
    if left:
        yield f"gardé tel quel : {', '.join(left)} ; pour récrire l'attendu d'un cas, en ôter « dossiers »"


def _with_tenant(target: Target, case: Case) -> Case:
    if case.tenant.key:
        return case
    configured = next(iter((target.partner.abonnes or {}).values()), None)
    return Case(case.name, case.path, case.pages, None, configured.tenant if configured else case.tenant, case.day)


def add_commands(add: Add, summaries: Mapping[str, str]) -> None:
    """The commands of the kit, with their arguments."""
    create_command = add("partenaire", create_partner, summaries["partenaire"])
    create_command.add_argument("action", choices=("nouveau",))
    create_command.add_argument("name", metavar="nom", help="son nom : minuscules, chiffres et tirets")
    create_command.add_argument(
        "--exemple", dest="example", required=True, metavar="PAGE", help="une page : JSON, CSV ou XML"
    )
    create_command.add_argument(
        "--vers", dest="into", metavar="DOSSIER", help="où ; sinon parmi les partenaires de GATEWAY_CONFIG"
    )
    command = add("verifier", verify, summaries["verifier"])
    command.add_argument("partner", metavar="partenaire", help="son nom, ou un dossier qui contient partenaire.toml")
    command.add_argument(
        "--cfa", "--mission-locale", dest="key", metavar="CODE", help="demande pour de vrai, pour ce CFA (UAI)"
    )
    command.add_argument(
        "--pannes", dest="faults", action="store_true", help="passe aussi les cas par ce qui peut mal aller"
    )
    command.add_argument("--ecrire", dest="write", action="store_true", help="écrit l'attendu des cas qui n'en ont pas")
    command.add_argument("--env", metavar="FICHIER", help="les secrets, NOM=valeur, un par ligne")
    command.add_argument("--json", action="store_true", help="pour une machine")

"""Cases of a partner as files: recorded answers, and the nouns they become, as data. Knows no connector.

cas/<case>.<format>                        the only page of the only request
cas/<case>.2.<format>                      its second page
cas/<case>.<operation>.2.<format>          the second page of one request of several, by its name (dots as dashes)
cas/<case>.<operation>~2.1.<format>        the first page of the second request of that name
cas/<case>.attendu.json                    for whom and when it was asked, and what it must become
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date, datetime, time
from difflib import get_close_matches
from enum import Enum
from pathlib import Path
from typing import Any

from gateway.connectors.base import Record, Tenant
from gateway.domain.days import PARIS
from gateway.domain.referentiel import is_code_structure
from gateway.errors import CommandFailed
from gateway.system_reasons import reason_of

EXPECTED = ".attendu.json"
FORMATS = frozenset({"json", "csv", "xml", "jsonl", "txt"})
KEYS = frozenset({"locataire", "jour", "dossiers", "ecartes", "valeurs_ecartees", "erreur", "referentiel"})
TENANT = frozenset({"uai", "mission_locale", "siret", "code"})
_WORDS = {"key": "cle", "modified_at": "modifie_le"}


@dataclass(frozen=True, slots=True)
class Case:
    """A recorded reading. `pages`: the bodies by operation ("" where there is one) in their order; `files`: their names."""

    name: str
    path: Path
    pages: Mapping[str, Sequence[bytes]]
    expected: Mapping[str, Any] | None = None
    tenant: Tenant = field(default=Tenant(""))
    day: date = date(2026, 3, 2)
    files: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        """The instant at which it is read again: noon of its day."""
        return datetime.combine(self.day, time(12), PARIS)


def read_cases(folder: Path) -> list[Case]:
    """The cases of a folder, by name. Raises CommandFailed for a file that is of none, or says what no case says."""
    if not folder.is_dir():
        return []
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    bodies: dict[str, dict[str, dict[int, Path]]] = {}
    for path in files:
        if not path.name.endswith(EXPECTED):
            name, operation, rank = _place(path)
            bodies.setdefault(name, {}).setdefault(operation, {})[rank] = path
    names = {*bodies, *(path.name.removesuffix(EXPECTED) for path in files if path.name.endswith(EXPECTED))}
    return [_case(folder / f"{name}{EXPECTED}", name, bodies.get(name, {})) for name in sorted(names)]


def _place(path: Path) -> tuple[str, str, int]:
    name, *middle, suffix = path.name.split(".")
    rank = int(middle.pop()) if middle and middle[-1].isdigit() else 1
    if suffix not in FORMATS or len(middle) > 1:
        raise CommandFailed(f"{path} : nom de cas attendu, <cas>.<format> ou <cas>.<opération>.<page>.<format>")
    return name, middle[0] if middle else "", rank


def _case(path: Path, name: str, bodies: Mapping[str, Mapping[int, Path]]) -> Case:
    paths = {operation: [own[rank] for rank in sorted(own)] for operation, own in bodies.items()}
    pages = {operation: [one.read_bytes() for one in own] for operation, own in paths.items()}
    files = {operation: [one.name for one in own] for operation, own in paths.items()}
    if not path.exists():
        return Case(name, path, pages, files=files)
    told = _expected(path)
    tenant = _tenant(path, told.get("locataire", {}))
    key = tenant.get("uai") or tenant.get("mission_locale") or ""
    return Case(
        name,
        path,
        pages,
        told,
        Tenant(key, tenant.get("siret", ""), tenant.get("code", "")),
        _day(path, told.get("jour", "2026-03-02")),
        files,
    )


def _tenant(path: Path, told: Any) -> Mapping[str, str]:
    """For whom a case was asked. Raises CommandFailed."""
    if not isinstance(told, dict) or not all(isinstance(value, str) for value in told.values()):
        raise CommandFailed(
            f'{_at(path, "locataire")} : locataire : {{"uai": "…"}} attendu, ou {{"mission_locale": "…"}}'
        )
    if unknown := sorted(set(told) - TENANT):
        near = get_close_matches(unknown[0].lower(), TENANT, 1)
        hint = f"« {near[0]} » ?" if near else f"au choix {', '.join(sorted(TENANT))}"
        raise CommandFailed(f"{_at(path, unknown[0])} : locataire.{unknown[0]} : clé inconnue ; {hint}")
    if (code := told.get("mission_locale")) and not is_code_structure(code):
        where = _at(path, "mission_locale")
        raise CommandFailed(f"{where} : locataire.mission_locale : code de cinq caractères attendu (01001)")
    return told


def _day(path: Path, told: Any) -> date:
    try:
        return date.fromisoformat(told)
    except (ValueError, TypeError):
        raise CommandFailed(f"{_at(path, 'jour')} : jour : AAAA-MM-JJ attendu") from None


def _at(path: Path, key: str) -> str:
    """The file of what a case must become, and the first line that holds a key."""
    written, lines = json.dumps(key, ensure_ascii=False), enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    return f"{path} : ligne {next((number for number, line in lines if written in line), 1)}"


def _expected(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        unknown = sorted(set(dict(told)) - KEYS)
    except OSError as error:
        raise CommandFailed(f"{path} : illisible ({reason_of(error)})") from None
    except json.JSONDecodeError as error:
        raise CommandFailed(f"{path} : ligne {error.lineno} : JSON illisible") from None
    except (ValueError, TypeError):
        raise CommandFailed(f"{path} : objet JSON en UTF-8 attendu") from None
    if unknown:
        near = get_close_matches(unknown[0], KEYS, 1)
        hint = f"« {near[0]} » ?" if near else f"au choix {', '.join(sorted(KEYS))}"
        raise CommandFailed(f"{_at(path, unknown[0])} : {unknown[0]} : clé inconnue ; {hint}")
    return dict(told)


def as_data(value: Any) -> Any:
    """A noun, or what holds nouns, as data: what says nothing is left out."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, list | tuple):
        return [as_data(one) for one in value]
    if not is_dataclass(value):
        return value.isoformat() if hasattr(value, "isoformat") else value
    told = {}
    for one in (told_field for told_field in fields(value) if told_field.init):
        own = getattr(value, one.name, one.default)
        if own not in (None, "", [], (), one.default):
            told[_WORDS.get(one.name, one.name)] = as_data(own)
    return told


def records_as_data(records: Sequence[Record]) -> list[Any]:
    """The records as a case writes them, in the order of their keys: that of a partner's answer says nothing."""
    return [as_data(record) for record in sorted(records, key=lambda record: record.key)]


def differences(expected: Any, read: Any, where: str = "") -> list[str]:
    """Where two documents differ, in words; the people of a case are fictitious."""
    if isinstance(expected, dict) and isinstance(read, dict):
        keys = sorted({*expected, *read})
        return [
            line for key in keys for line in differences(expected.get(key), read.get(key), f"{where}.{key}".lstrip("."))
        ]
    if isinstance(expected, list) and isinstance(read, list) and len(expected) == len(read):
        pairs = enumerate(zip(expected, read, strict=True))
        return [line for rank, (left, right) in pairs for line in differences(left, right, f"{where}[{rank}]")]
    if expected == read:
        return []
    left, right = (json.dumps(one, ensure_ascii=False)[:200] for one in (expected, read))
    hint = " ; si c'est juste, ôter « dossiers » de l'attendu, puis --ecrire" if expected is None else ""
    return [f"{where} : attendu {left}, lu {right}{hint}"]

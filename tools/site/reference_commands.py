"""The reference of commands and of metrics: the help of each command, and each figure of a gateway that is built and not started,
beside what docs/ say of them. French: it is read by operators."""

import asyncio
import io
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout, suppress
from pathlib import Path
from unittest.mock import patch

from prometheus_client import Metric

from gateway.__main__ import main
from gateway.cli.init import write_configuration
from gateway.config import load
from gateway.server.composition import build_gateway
from gateway.server.services import build_services
from tools.site.documented_rows import documented

LISTED = re.compile(r"^    ([a-z][a-z-]*)(?:  |$)", re.MULTILINE)  # a command, in the help of the one that holds it
KINDS = {"counter": "compteur", "gauge": "jauge", "histogram": "histogramme"}
FIGURE = re.compile(r"(?:passerelle|http_server)_[a-z_]+")
OPENED = '\n[reception]\nactive = true\n\n[traces]\nadresse = "http://127.0.0.1:4318/v1/traces"\n'


def commands_page() -> str:
    """The help of every command, as the terminal shows it."""
    helps = [f"## {' '.join(words) or 'passerelle'}\n\n```text\n{text.strip()}\n```\n" for words, text in _helps(())]
    return "\n".join(
        (
            "# Commandes\n",
            "`python -m gateway …`, ou `passerelle …` une fois la roue installée. Ce que chacune fait et quand s'en servir : "
            "[Exploiter](../exploitation.md#commandes).\n",
            *helps,
        )
    )


def _helps(words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Each command and its help, those that hold others first."""
    text = _help(words)
    yield words, text
    for name in LISTED.findall(text):
        yield from _helps((*words, name))


def _help(words: tuple[str, ...]) -> str:
    told = io.StringIO()
    width = {"COLUMNS": "80", "NO_COLOR": "1"}
    with redirect_stdout(told), suppress(SystemExit), patch.dict(os.environ, width):
        main([*words, "--help"])
    return told.getvalue()


def metrics_page() -> str:
    """Every figure with its kind, what it tells and what to do."""
    rows = documented("metriques.md")
    lines = {_wire_name(family): _figure(family, rows) for family in _families()}
    # Some are made by a gateway that serves, writes or waits only; tests/unit/test_reference.py holds that each is one of ours.
    lines |= {name: _told(name, rows[name]) for name in rows if FIGURE.fullmatch(name) and name not in lines}
    return "\n".join(
        (
            "# Métriques\n",
            "Ce que sert `/metrics` de l'écoute d'administration, réception et traces ouvertes. Lesquelles surveiller d'abord : "
            "[Métriques](../metriques.md) ; les alertes toutes faites : [Alertes](../alertes.md).\n",
            "| métrique | sorte | étiquettes | ce qu'elle dit |\n| --- | --- | --- | --- |",
            *(lines[name] for name in sorted(lines)),
            "",
        )
    )


def _wire_name(family: Metric) -> str:
    return f"{family.name}_total" if family.type == "counter" else family.name


def _told(name: str, cells: tuple[str, ...]) -> str:
    """A figure by its row alone: its kind is the first word of it."""
    kind = cells[0].partition(",")[0].partition(" ")[0]
    return f"| `{name}` | {kind} | {_labels(cells)} | {cells[1]} {_remedy(cells)} |"


def _labels(cells: tuple[str, ...]) -> str:
    return ", ".join(re.findall(r"`([a-z_]+)`", re.sub(r"\([^)]*\)", "", cells[0]))) or "—"


def _figure(family: Metric, rows: Mapping[str, tuple[str, ...]]) -> str:
    name = _wire_name(family)
    told = rows.get(name) or rows[family.name]
    return f"| `{name}` | {KINDS.get(family.type, family.type)} | {_labels(told)} | {family.documentation} {_remedy(told)} |"


def _remedy(told: tuple[str, ...]) -> str:
    return f"**À faire** : {told[-1]}" if len(told) > 2 and told[-1] else ""


def _families() -> list[Metric]:
    """The figures of the house, from a first configuration that opens all that may be."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "configuration"
        write_configuration(root)
        with (root / "gateway.toml").open("a", encoding="utf-8") as file:
            file.write(OPENED)
        lines = (line.partition("=") for line in (root / ".env").read_text(encoding="utf-8").splitlines())
        environment = {
            name: value or "compte:secret" for name, sign, value in lines if sign and not name.startswith("#")
        }
        environment["GATEWAY_CONFIG"] = str(root)
        return asyncio.run(_collected(environment))


async def _collected(environment: Mapping[str, str]) -> list[Metric]:
    services = build_services(load(environment), environment)
    try:
        build_gateway(services)
        return [one for one in services.metrics.collect() if one.name.startswith(("passerelle_", "http_"))]
    finally:
        await services.aclose()

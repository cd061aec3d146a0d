"""The pages of reference name what there is, and nothing else: commands, variables, keys of gateway.toml, figures."""

import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from fixtures.gateway_process import ROOT
from gateway.__main__ import main
from gateway.config import GatewayFile
from gateway.issuer_settings import IssuerSettings
from tests.unit.test_public_names import COMMANDS

CODE = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "gateway").rglob("*.py")))
ROW = re.compile(r"^\| ([^|]*`[^|]*) \|", re.MULTILINE)
WORD = re.compile(r"[a-z-]+")


def section(page: str, title: str) -> list[str]:
    """The texts between marks of code in the first cells of the first table of a section."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    body = re.split(r"^##+ ", text.partition(f"\n## {title}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    assert body, title
    return [name for cell in ROW.findall(body) for name in re.findall(r"`([^`]+)`", cell)]


def words(command: str) -> tuple[str, ...]:
    """The words of a documented command, as far as the arguments that whoever runs it chooses."""
    told: list[str] = []
    for word in command.split():
        if not WORD.fullmatch(word) or word.startswith("-"):
            break
        told.append(word)
    return tuple(told)


DOCUMENTED = [words(command) for command in section("exploitation.md", "Commandes") if not command.startswith("--")]
LEAVES = {one for one in COMMANDS if one and not any(other[: len(one)] == one and other != one for other in COMMANDS)}


def test_every_command_has_its_row_and_every_row_its_command() -> None:
    assert {next(leaf for leaf in LEAVES if one[: len(leaf)] == leaf) for one in DOCUMENTED} == LEAVES
    assert len(DOCUMENTED) == len(set(DOCUMENTED)) > 20


def test_the_list_of_commands_is_that_of_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    told = set(re.findall(r"^    ([a-z]+)(?:  |$)", capsys.readouterr().out, re.MULTILINE))
    assert told == {one[0] for one in COMMANDS if one}


@pytest.mark.parametrize("command", DOCUMENTED, ids=" ".join)
def test_every_documented_command_has_a_help(command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([*command, "--help"])
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage : python -m gateway {next(iter(command))}")


def test_every_variable_has_its_row_and_every_row_its_variable() -> None:
    told = set(section("configuration.md", "Environnement")) - {"<NOM>_FILE"}
    read = set(re.findall(r"[\"'](GATEWAY_[A-Z_]+|(?:ADMIN_)?(?:HOST|PORT))[\"']", CODE))
    assert told == read


def keys(model: type[BaseModel], table: str = "") -> Iterator[str]:
    """The keys of gateway.toml as its page writes them: a table, then a key."""
    for name, field in model.model_fields.items():
        inner = next(
            (one for one in _types(field.annotation) if isinstance(one, type) and issubclass(one, BaseModel)), None
        )
        if inner is IssuerSettings:
            yield "[[emetteurs]]" if name == "emetteurs" else f"[{name}]"
        elif inner is not None:
            if table:
                yield f"[{table}.{name}]"
            yield from keys(inner, f"{table}.{name}".strip("."))
        else:
            yield f"[{table}] {name}" if table else f"[{name}] <nom>"


def _types(annotation: Any) -> Iterator[Any]:
    yield annotation
    for argument in get_args(annotation):
        yield from _types(argument)


def test_every_key_has_its_row_and_every_row_its_key() -> None:
    told = section("configuration.md", "gateway.toml")
    assert sorted(told) == sorted(keys(GatewayFile))


def test_every_figure_has_its_row_and_every_row_its_figure() -> None:
    page = (ROOT / "docs/metriques.md").read_text(encoding="utf-8")
    told = {
        re.sub("_total$", "", name) for name in re.findall(r"^\| `((?:passerelle|http)_[a-z_]+)", page, re.MULTILINE)
    }
    counted = set(re.findall(r"\"((?:passerelle|http_server)_[a-z_]+[a-z])\"", CODE))
    loop = {f"passerelle_boucle_{of}_secondes" for of in ("retard", "calcul")}
    assert told == counted | loop

"""The clients of the web, each in its own file of tests, against one real gateway (docs/clients.md)."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import FOLDER, Context
from tests.support.node import execute

SCHEMA = Path("schema.graphql")
CLIENTS = ("apollo", "urql", "relay", "request", "codegen")


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_reads_pages_refusals_partial_answers_and_trusted_documents(client: str, context: Context) -> None:
    told = execute(FOLDER, f"{client}.test.mjs", context.environment())
    assert "\n# fail 0\n" in told or "ℹ fail 0\n" in told


def test_types_are_generated_from_the_schema_and_pass_the_compiler_of_typescript(built: Path) -> None:
    types = (built / "types.ts").read_text(encoding="utf-8")
    assert "export type Jeune = Node & {" in types
    assert (built / "js/build/types.js").exists()


def _findings(schema: Path, context: Context) -> Any:
    return json.loads(execute(FOLDER, "linters.mjs", {**context.environment(), "SCHEMA": str(schema.resolve())}))


def test_linters_of_schemas_have_nothing_to_say_of_descriptions(context: Context) -> None:
    assert _findings(SCHEMA, context) == {"eslint": [], "schemaLinter": [], "inspector": []}


def test_linters_of_schemas_see_one_description_that_lacks(context: Context, tmp_path: Path) -> None:
    text = SCHEMA.read_text(encoding="utf-8")
    without = text.replace('  """Code UAI."""\n  uai: UAI\n', "  uai: UAI\n")
    assert without != text
    (tmp_path / "schema.graphql").write_text(without, encoding="utf-8")
    findings = _findings(tmp_path / "schema.graphql", context)
    assert {tool: len(found) for tool, found in findings.items()} == {"eslint": 1, "schemaLinter": 1, "inspector": 1}

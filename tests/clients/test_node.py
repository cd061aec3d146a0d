"""The clients of the web, each in its own file of tests, against one real gateway (docs/clients.md)."""

import json
from pathlib import Path

import pytest

from tests.clients.conftest import FOLDER, Context
from tests.support.node import execute

CLIENTS = ("apollo", "urql", "relay", "request", "codegen")


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_reads_pages_refusals_partial_answers_and_trusted_documents(client: str, context: Context) -> None:
    told = execute(FOLDER, f"{client}.test.mjs", context.environment())
    assert "\n# fail 0\n" in told or "ℹ fail 0\n" in told


def test_types_are_generated_from_the_schema_and_pass_the_compiler_of_typescript(built: Path) -> None:
    types = (built / "types.ts").read_text(encoding="utf-8")
    assert "export type Jeune = Node & {" in types
    assert (built / "js/build/types.js").exists()


def test_linters_of_schemas_find_nothing_to_say_of_descriptions(context: Context) -> None:
    findings = json.loads(execute(FOLDER, "linters.mjs", context.environment()))
    assert findings == {"eslint": [], "schemaLinter": [], "inspector": []}

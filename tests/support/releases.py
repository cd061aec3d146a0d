"""Two releases as an operator installs them: their wheels, each in a folder from which `python -m gateway` runs it.

The one before is built again from its commit; the one after is this checkout, whose histories go one revision further where none
came since: what must hold is held by a schema that did change, whichever release comes next.
"""

import re
import subprocess
import zipfile
from pathlib import Path

from gateway.stores.schema_versions import HEADS
from tests.at_rest.opened import VERSIONS
from tools.release import ROOT, checkout, wheel_of

BEFORE = max(VERSIONS.glob("v*/schema.graphql")).parent
EPOCH = "1796000000"
HEAD = r'"{store}": "(\d+)"'
# What 0121 lets a revision do: a column that may be empty, a table, an index; on tables that those who serve are reading.
EXPANDED = {
    "journal": "journal_entrees",
    "liens": "liens",
    "receptions": "receptions",
    "registre": "registre_lignes",
    "ecritures": "ecritures",
    "evenements": "evenements",
    "statistiques": "statistiques_blocs",
}
REVISION = '''"""What a release after this one adds."""

import sqlalchemy as sa
from alembic import op

revision = "{after}"
down_revision = "{head}"


def upgrade() -> None:
    """Only add."""
    op.add_column("{table}", sa.Column("essai_suivant", sa.String(32), nullable=True))
    op.create_index("{store}_essai_suivant", "{table}", ["essai_suivant"])
    op.create_table("{store}_essai", sa.Column("cle", sa.String(32), primary_key=True))
'''


def former(folder: Path) -> Path:
    """The release before, unpacked."""
    return _unpacked(checkout(commit_of(BEFORE.name[1:]), folder / "depot"), folder)


def commit_of(version: str) -> str:
    """The commit of a release: the one written beside its data or, where the history was taken up again without it, the first
    that tells its version."""
    kept = (VERSIONS / f"v{version}" / "COMMIT").read_text(encoding="ascii").strip()
    if _git("cat-file", "-e", f"{kept}^{{commit}}").returncode == 0:
        return kept
    wanted = f'^version = "{re.escape(version)}"$'
    told = _git("log", "--reverse", "--format=%H", f"-G{wanted}", "--", "pyproject.toml").stdout.split()
    assert told, f"no commit tells version {version}: is this clone shallow?"
    return told[0]


def _git(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["/usr/bin/env", "git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def following(folder: Path, before: Path) -> Path:
    """This checkout as the release after that one."""
    after = _unpacked(ROOT, folder)
    known = (before / "gateway/stores/schema_versions.py").read_text(encoding="utf-8")
    code = after / "gateway/stores/schema_versions.py"
    text = code.read_text(encoding="utf-8")
    for store, head in HEADS.items():
        told = re.search(HEAD.format(store=store), known)
        if told and told[1] == head:
            number = f"{int(head) + 1:04}"
            file = after / "gateway/stores/migrations" / store / "essai_suivant.py"
            names = {"head": head, "after": number, "store": store, "table": EXPANDED[store]}
            file.write_text(REVISION.format(**names), encoding="utf-8")
            text = text.replace(f'"{store}": "{head}"', f'"{store}": "{number}"')
    code.write_text(text, encoding="utf-8")
    return after


def _unpacked(tree: Path, folder: Path) -> Path:
    wheel = wheel_of(tree, folder, EPOCH)
    site = folder / "site"
    with zipfile.ZipFile(wheel) as content:
        content.extractall(site)
    return site

"""The repository itself: what a reader may count on in every file of it."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.order import LONGEST, TESTS

ROOT = Path(__file__).resolve().parent.parent.parent
LINES_MAX = 350
CITED = re.compile(
    r"\b(?:tests|gateway|bench|tools|fixtures|deploy|docs)/[A-Za-z0-9_/.-]+\.(?:py|md|toml|yml|json|sh)\b"
)
ONLY_HTTP_SPEAKERS = {f"gateway/sources/http/{name}.py" for name in ("transport", "outbound", "credentials", "issuers")}


def _followed(*motifs: str) -> list[Path]:
    """The files git knows or would take, so that what a build leaves around is not looked at."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *motifs]
    list_query = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in list_query.split("\0") if name and (ROOT / name).is_file()]


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


MODULES = _followed("gateway/*.py", "fixtures/*.py", "bench/*.py", "tests/*.py")
PRODUCT = [module for module in MODULES if _name(module).startswith(("gateway/", "fixtures/"))]
LOCKS = _followed("requirements/*.txt")


def _imported(module: Path) -> set[str]:
    """Full names of the modules that a file imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def _importing(batch: str, modules: list[Path]) -> set[str]:
    return {_name(one) for one in modules if any(name.split(".")[0] == batch for name in _imported(one))}


def test_the_lists_are_not_empty() -> None:
    assert len(PRODUCT) > 40
    names = ("runtime", "dev", "web", "lien", "release", "docs")
    assert {_name(lock) for lock in LOCKS} == {f"requirements/{name}.txt" for name in names}


@pytest.mark.parametrize("module", MODULES, ids=_name)
def test_a_module_opens_with_its_purpose(module: Path) -> None:
    text = module.read_text(encoding="utf-8")
    assert text == "" or ast.get_docstring(ast.parse(text))


def test_a_file_stays_readable() -> None:
    sizes = {_name(module): len(module.read_text(encoding="utf-8").splitlines()) for module in PRODUCT}
    assert len(sizes) > 100
    assert {name: size for name, size in sizes.items() if size > LINES_MAX} == {}


def test_httpx_enters_the_product_by_the_transport_only() -> None:
    product = [module for module in PRODUCT if _name(module).startswith("gateway/")]
    assert _importing("httpx", product) <= ONLY_HTTP_SPEAKERS
    assert _importing("httpx2", MODULES) == set()


def test_aiocache_stays_in_its_room() -> None:
    assert {name for name in _importing("aiocache", PRODUCT) if not name.startswith("gateway/cache/")} == set()


def test_nothing_is_pickled() -> None:
    assert _importing("pickle", MODULES) == _importing("marshal", MODULES) == _importing("shelve", MODULES) == set()


@pytest.mark.parametrize("lock", LOCKS, ids=_name)
def test_a_lock_is_hashed_and_names_no_host(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    fixes = re.findall(r"^([a-z0-9._-]+)(?:\[[^\]]*\])?==(\S+)", text, re.MULTILINE | re.IGNORECASE)
    blocks = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE | re.IGNORECASE)[1:]
    assert len(fixes) == len(blocks) > 0
    assert all("--hash=sha256:" in block for block in blocks)
    assert re.findall(r"https?://|--(?:extra-)?index-url|--find-links|--trusted-host", text) == []


def test_the_tools_are_locked_over_the_same_runtime() -> None:
    reason = re.compile(r"^([a-z0-9._-]+)(?:\[[^\]]*\])?==(\S+)", re.MULTILINE)
    execution, tools = (
        dict(reason.findall((ROOT / f"requirements/{name}.txt").read_text(encoding="utf-8")))
        for name in ("runtime", "dev")
    )
    assert execution.items() <= tools.items()


def test_the_page_is_locked_and_names_no_host() -> None:
    lock = (ROOT / "gateway/web/source/package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in lock
    assert '"integrity"' in lock
    assert _followed("gateway/web/dist/*", "gateway/web/source/node_modules/*") == []


def test_the_commands_of_the_texts_exist() -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    quoted: set[str] = set()
    for text in _followed("*.md", ".ci/run", "Dockerfile", "gateway/web/graphiql.py"):
        quoted |= set(re.findall(r"(?:`|<code>|^\s*|^\$ )make ([a-z][a-z-]*)", text.read_text("utf-8"), re.MULTILINE))
    assert {"run", "test", "check"} <= targets
    assert quoted <= targets


def test_the_files_that_texts_name_are_there() -> None:
    """Decision records tell of their day, changelogs of a release: what they name may be gone."""
    texts = [
        one for one in _followed("*.md") if not _name(one).startswith(("docs/decisions/", "changelog.d/", "CHANGELOG"))
    ]
    cited = {(_name(text), path) for text in texts for path in CITED.findall(text.read_text("utf-8"))}
    assert len(cited) > 100
    assert {(text, path) for text, path in cited if not (ROOT / path).exists()} == set()


def test_the_files_of_tests_that_begin_first_are_there() -> None:
    assert [name for name in LONGEST if not (TESTS / name).is_file()] == []
    assert len(set(LONGEST)) == len(LONGEST)

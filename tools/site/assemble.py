"""Gathers the source of the site in one folder: the pages of docs/ and what they link to, the reference, the menu. Nothing in the
repository changes."""

import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from tools.site.outline import SECTIONS, menu
from tools.site.reference_commands import commands_page, metrics_page
from tools.site.reference_graph import graph_pages
from tools.site.reference_product import errors_page, headers_page
from tools.site.reference_settings import settings_page
from tools.site.repository_links import SHOWN, Target, rewrite
from tools.source import ROOT

DOCS = ROOT / "docs"
EXAMPLES = DOCS / "exemples"
SKIPPED = {"node_modules", "package-lock.json", "__pycache__"}
LANGUAGES = {".py": "python", ".ts": "ts", ".json": "json", ".graphql": "graphql"}
# What was decided is read in its order; a search is for who uses the product, and would find hardly anything else.
HISTORY = re.compile(r"docs/decisions/\d|CHANGELOG")
NOT_SEARCHED = "---\nnosearch: true\n---\n\n"
FIRST_PAGES = ("premiers-pas", "guides/index", "reference/index", "comprendre/index", "contribuer/index", "glossaire")


def assemble(source: Path) -> None:
    """Write the source of the site. Raises BrokenLink."""
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    waiting = [Target(PurePosixPath(path.relative_to(ROOT).as_posix())) for path in sorted(DOCS.rglob("*.md"))]
    waiting = [target for target in waiting if EXAMPLES not in target.file.parents]
    seen = {target.path for target in waiting}
    while waiting:
        target = waiting.pop()
        for found in _write(target, source):
            if found.path not in seen:
                seen.add(found.path)
                waiting.append(found)
    for name, text in _generated():
        _put(source / f"{name}.md", text)
    _menu(source)


def _put(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def _write(target: Target, source: Path) -> list[Target]:
    """Write the page of a file of the repository; the files that it links to."""
    file, page = target.file, source / target.page
    found: list[Target] = []
    if target.is_picture:
        page.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, page)
    elif target.path.suffix == ".md":
        text = rewrite(file.read_text(encoding="utf-8"), target.path, found.append)
        _put(page, f"{NOT_SEARCHED}{text}" if HISTORY.match(target.path.as_posix()) else text)
    elif file.is_dir():
        inside = sorted(one for one in file.rglob("*") if one.is_file() and one.suffix in SHOWN)
        lines = [f"- [{one.relative_to(file)}]({one.relative_to(file).as_posix()})" for one in inside]
        text = f"---\norphan: true\n---\n\n# {target.path}/\n\n" + "\n".join(lines) + "\n"
        _put(page, rewrite(text, target.path / "dossier.md", found.append))
    else:
        _put(page, _shown(target))
    return found


def _shown(target: Target) -> str:
    """A file of the repository, as it is."""
    mark = "" if target.path.name == "schema.graphql" else "---\norphan: true\n---\n\n"
    return f"{mark}# {target.path.name}\n\n````{SHOWN[target.path.suffix]}\n{target.file.read_text(encoding='utf-8')}````\n"


def _generated() -> Iterator[tuple[str, str]]:
    """The pages that the product writes, and those of the examples, by name in the site."""
    reference = {
        **graph_pages(),
        "erreurs": errors_page(),
        "entetes": headers_page(),
        "configuration": settings_page(),
        "commandes": commands_page(),
        "metriques": metrics_page(),
    }
    yield from ((f"reference/{name}", text) for name, text in reference.items())
    yield "exemples/README", _examples()


def _examples() -> str:
    """The programs of docs/exemples, each whole."""
    before = Target(PurePosixPath("docs/exemples/README.md"))
    parts = [rewrite(before.file.read_text(encoding="utf-8"), before.path, lambda _: None)]
    for file in sorted(EXAMPLES.rglob("*")):
        if file.suffix in LANGUAGES and SKIPPED.isdisjoint(file.parts):
            text = file.read_text(encoding="utf-8")
            parts.append(f"## {file.relative_to(EXAMPLES)}\n\n````{LANGUAGES[file.suffix]}\n{text}````\n")
    return "\n".join(parts)


def _menu(source: Path) -> None:
    """The pages of sections, and the first one, which leads to them."""
    names = {page.relative_to(source).with_suffix("").as_posix() for page in source.rglob("*.md")}
    for section in SECTIONS:
        trees = [_tree(f":caption: {caption}", listed) for caption, listed in menu(section, names)]
        _put(source / section.name / "index.md", "\n".join((f"# {section.title}\n\n{section.text}\n", *trees)))
    with (source / "index.md").open("a", encoding="utf-8") as file:
        file.write("\n" + _tree(":hidden:", FIRST_PAGES))


def _tree(option: str, names: Iterable[str]) -> str:
    """What makes a menu of these documents."""
    listed = "\n".join(f"/{name}" for name in names)
    return f"```{{toctree}}\n{option}\n:maxdepth: 1\n\n{listed}\n```\n"

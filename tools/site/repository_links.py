"""Links between pages, from where they stand in the repository to where they stand in the site. Knows no page in particular."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tools.source import ROOT

LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^()\s]+(?:\([^()]*\))?[^()\s]*)\)")
FENCED = re.compile(r"^(```.*?^```[^\n]*$)", re.MULTILINE | re.DOTALL)
ELSEWHERE = re.compile(r"^(?:[a-z][a-z0-9+.-]*:|#|<)", re.IGNORECASE)
# What is shown as it is, on a page of its own. Code is not: whoever reads it has the repository.
SHOWN = {
    ".cfg": "text",
    ".conf": "nginx",
    ".csv": "text",
    ".graphql": "graphql",
    ".json": "json",
    ".mjs": "js",
    ".service": "ini",
    ".toml": "toml",
    ".yaml": "yaml",
    ".yml": "yaml",
    "": "text",
}


class BrokenLink(ValueError):
    """A page names a file that is not there."""


@dataclass(frozen=True, slots=True)
class Target:
    """A file of the repository that a page links to."""

    path: PurePosixPath  # under the root of the repository

    @property
    def file(self) -> Path:
        return ROOT / self.path

    @property
    def is_shown(self) -> bool:
        """Whether the site has a page for it."""
        return self.file.is_dir() or self.path.suffix == ".md" or self.is_picture or self.path.suffix in SHOWN

    @property
    def is_picture(self) -> bool:
        return self.path.suffix in (".svg", ".png")

    @property
    def page(self) -> PurePosixPath:
        """Where it stands in the site: what is in docs/ at the root, the rest apart."""
        inside = self.path.is_relative_to("docs") and self.path != PurePosixPath("docs")
        place = self.path.relative_to("docs") if inside else "depot" / self.path
        if self.path.suffix == ".md" or self.is_picture:
            return place
        return place / "dossier.md" if self.file.is_dir() else place.with_name(f"{place.name}.md")


def rewrite(text: str, path: PurePosixPath, found: Callable[[Target], None]) -> str:
    """The text of a page of the repository with its links as they are in the site; `found` is told each file that must be there.
    What has no page stays as words. Raises BrokenLink."""

    def replace(match: re.Match[str]) -> str:
        picture, words, link = match.groups()
        if ELSEWHERE.match(link):
            return match[0]
        address, mark, anchor = link.partition("#")
        target = _target(path, address)
        if not target.is_shown:
            return words
        found(target)
        named = "" if words.endswith(".md") else words  # a page is called by its title, not by its file
        return f"{picture}[{named}]({_relative(Target(path).page, target.page)}{mark}{anchor})"

    parts = FENCED.split(text)
    return "".join(part if n % 2 else LINK.sub(replace, part) for n, part in enumerate(parts))


def _target(page: PurePosixPath, link: str) -> Target:
    file = (ROOT / page.parent / link).resolve()
    if not file.exists():
        raise BrokenLink(f"{page} : {link}")
    return Target(PurePosixPath(file.relative_to(ROOT.resolve()).as_posix()))


def _relative(page: PurePosixPath, other: PurePosixPath) -> str:
    folders, parts = page.parent.parts, other.parts
    common = 0
    while common < min(len(folders), len(parts) - 1) and folders[common] == parts[common]:
        common += 1
    return "/".join([*[".."] * (len(folders) - common), *parts[common:]])

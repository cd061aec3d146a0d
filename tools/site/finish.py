"""Makes a rendered site ready to be served: only what pages need, the policy of each by the hashes of what it holds, and a
compressed copy of each text. Knows no page in particular, and no server."""

import base64
import gzip
import hashlib
import json
import re
import shutil
from pathlib import Path

# Inline, as the theme writes them; what has an address is served by us.
INLINE = re.compile(r"<(script|style)(?![^>]*\ssrc=)[^>]*>(.*?)</\1>", re.DOTALL)
ENGLISH = re.compile(
    r"^(?:decisions/|(?:architecture|charge|evidence|fiabilite|mutants|performance|performance-http)\.html"
    r"|depot/(?:fixtures|tests)/|depot/(?:README|CONTRIBUTING|GLOSSARY|CHANGELOG|SECURITY)\.html)"
)
ARTICLE = '<article class="bd-article"'
# The index of words is read where somebody searches, and nowhere else.
SEARCH_ONLY = re.compile(r'\s*<script src="[^"]*(?:searchtools|language_data|searchindex)\.js[^"]*"></script>')
SEARCH_BUTTON = re.compile(r'(<button type="button" class="btn search-button-field[^"]*")[^>]*>')
EMPTY_HEAD = re.compile(r'<th class="head[^"]*">(?:<p></p>)?</th>')
# The rule of plurals of a catalogue, which is a text: run as it is, the policy would have to allow whatever a text says.
CATALOGUE, READER = "_static/translations.js", "_static/doctools.js"
RULE = re.compile(r'"plural_expr": "([^"]+)"')
COMPILED = re.compile(r"new Function\(\s*\"n\",\s*`return \(\$\{catalog\.plural_expr\}\)`,?\s*\)")
TEXTS = {".css", ".html", ".js", ".svg"}
DROPPED = ("*.map", "*.LICENSE.txt", "objects.inv", ".buildinfo*", "webpack-macros.html", "_sources")
POLICIES = "policies.json"


def finish(rendered: Path, built: Path) -> None:
    """Put in `built` the site as it is served, and its policies beside it."""
    shutil.rmtree(built, ignore_errors=True)
    shutil.copytree(rendered, built / "pages", ignore=shutil.ignore_patterns(*DROPPED))
    _write_plurals(built / "pages")
    policies = {}
    for page in sorted((built / "pages").rglob("*.html")):
        name = page.relative_to(built / "pages").as_posix()
        text = _mended(name, page.read_text(encoding="utf-8"))
        page.write_text(text, encoding="utf-8")
        policies[name] = _hashes(text)
    (built / POLICIES).write_text(json.dumps(policies, indent=0, sort_keys=True), encoding="utf-8")
    for file in sorted((built / "pages").rglob("*")):
        if file.suffix in TEXTS:
            packed = gzip.compress(file.read_bytes(), 9, mtime=0)
            file.with_name(f"{file.name}.gz").write_bytes(packed)


def _write_plurals(pages: Path) -> None:
    """Put the rule of plurals where it is compiled. Raises ValueError where the theme does it otherwise: somebody must look."""
    rule = RULE.search((pages / CATALOGUE).read_text(encoding="utf-8"))
    reader = pages / READER
    text, found = COMPILED.subn(lambda _: f"(n) => ({rule[1] if rule else 0})", reader.read_text(encoding="utf-8"))
    if rule is None or found != 1:
        raise ValueError(f"{READER} : la règle des pluriels n'y est plus lue comme avant")
    reader.write_text(text, encoding="utf-8")


def _mended(name: str, text: str) -> str:
    """A page without what only the search needs, its article in the language that it is in."""
    text = SEARCH_BUTTON.sub(r'\1 aria-label="Recherche Ctrl+K">', text)  # all that it shows, where it shows anything
    text = EMPTY_HEAD.sub("<td></td>", text)
    kept = text if name == "search.html" else SEARCH_ONLY.sub("", text)
    if not ENGLISH.match(name):
        return kept
    return kept.replace(ARTICLE, f'{ARTICLE} lang="en"', 1)


def _hashes(text: str) -> dict[str, list[str]]:
    """What a page holds of scripts and of sheets, as its policy names it."""
    found: dict[str, set[str]] = {"script": set(), "style": set()}
    for kind, inside in INLINE.findall(text):
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        found[kind].add(f"'sha256-{digest}'")
    return {kind: sorted(hashes) for kind, hashes in found.items()}

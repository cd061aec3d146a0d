"""The Python files of the project as syntax trees, and how many of their lines are code. Runs nothing of them."""

import ast
import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SKIPPED = {"node_modules", "dist", "migrations"}
NOT_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Module:
    """One file. `path` is relative to the repository."""

    path: Path
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def name(self) -> str:
        """The dotted name it is imported by."""
        return ".".join(part for part in self.path.with_suffix("").parts if part != "__init__")

    @property
    def lines(self) -> int:
        return len(self.text.splitlines())

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        return (node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))

    def classes(self) -> Iterator[ast.ClassDef]:
        return (node for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef))

    @cached_property
    def code_lines(self) -> int:
        """Lines that hold something else than blanks, comments and docstrings."""
        held: set[int] = set()
        for token in tokenize.generate_tokens(io.StringIO(self.text).readline):
            if token.type not in NOT_CODE:
                held.update(range(token.start[0], token.end[0] + 1))
        return len(held - self._docstring_lines())

    @cached_property
    def comments(self) -> int:
        """Comments, whole lines or ends of lines."""
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        return sum(token.type == tokenize.COMMENT for token in tokens)

    def _docstring_lines(self) -> set[int]:
        owners = (node for node in ast.walk(self.tree) if isinstance(node, ast.Module | Definition))
        firsts = (owner.body[0] for owner in owners if owner.body and ast.get_docstring(owner, clean=False) is not None)
        return {line for first in firsts for line in range(first.lineno, (first.end_lineno or first.lineno) + 1)}


def modules(*folders: str) -> list[Module]:
    """The files of these folders, in order of path."""
    paths = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    kept = (path.relative_to(ROOT) for path in paths if not SKIPPED & set(path.parts))
    return [Module(path, (ROOT / path).read_text(encoding="utf-8")) for path in kept]


def imports(module: Module, known: set[str]) -> set[str]:
    """The modules among `known` that it imports, anywhere in it: the nearest one that holds the name."""
    found: set[str] = set()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names} & known
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            inside = names & known
            found |= inside | ({node.module} & known if len(inside) < len(names) else set())
    return found - {module.name}

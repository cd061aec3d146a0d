"""Small wrong changes of one function, each of which some test should see. Knows no test.

A mutant replaces one expression or statement of a function by what a hurried hand would write: a bound that moves by one, a
condition turned round, a clause or a call left out. Texts are left alone: most are messages.
"""

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.source import ROOT

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
OPERATIONS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}  # fmt: skip
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: from `start` to `end`, in bytes of the file, `text` is put. `function` is a qualified name."""

    file: str
    function: str
    line: int
    start: int
    end: int
    before: str
    text: str

    @property
    def name(self) -> str:
        """What designates it as long as the file stays the same."""
        return f"{self.file}:{self.line}:{self.function}: {self.before} => {self.text}"

    def applied(self) -> bytes:
        """The file, once changed."""
        source = (ROOT / self.file).read_bytes()
        return source[: self.start] + self.text.encode() + source[self.end :]


def mutants_of(path: Path) -> Iterator[Mutant]:
    """Every mutant of a file, in its order."""
    source = path.read_bytes()
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for name, function in _functions(ast.parse(source), ""):
        for node, changed in _changes(function):
            start = starts[node.lineno - 1] + node.col_offset
            end = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
            before, text = source[start:end].decode(), ast.unparse(changed)
            # An operand may stand where precedence would take it apart.
            text = f"({text})" if isinstance(changed, ast.expr) and not isinstance(changed, ast.Constant) else text
            yield Mutant(str(path.relative_to(ROOT)), name, node.lineno, start, end, before, text)


def _functions(node: ast.AST, prefix: str) -> Iterator[tuple[str, ast.AST]]:
    """Functions and methods, by the qualified name that a frame gives them; one defined in another counts with it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, FUNCTIONS):
            yield prefix + child.name, child
        elif isinstance(child, ast.ClassDef):
            yield from _functions(child, f"{prefix}{child.name}.")


def _changes(function: ast.AST) -> Iterator[tuple[ast.expr | ast.stmt, ast.AST]]:
    """A node, and what is put in its place."""
    for statement in function.body if isinstance(function, FUNCTIONS) else ():
        for node in _walk(statement):
            if isinstance(node, ast.If | ast.While):
                yield node.test, ast.UnaryOp(ast.Not(), node.test)
            elif isinstance(node, ast.expr | ast.stmt):
                yield from ((node, changed) for changed in _instead(node))


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a statement but annotations, which nothing runs in a function, and those of formatted texts, whose places are
    not told before Python 3.12."""
    yield node
    for name, held in ast.iter_fields(node) if not isinstance(node, ast.JoinedStr) else ():
        for child in held if isinstance(held, list) else [held]:
            if isinstance(child, ast.AST) and name not in {"annotation", "returns"}:
                yield from _walk(child)


def _instead(node: ast.expr | ast.stmt) -> Iterator[ast.AST]:  # noqa: C901 - one line for each kind of change
    match node:
        case ast.Compare(ops=[operator]) if type(operator) in COMPARISONS:
            yield _with(node, ops=[COMPARISONS[type(operator)]()])
        case ast.BoolOp(op=operator, values=values):
            yield _with(node, op=ast.Or() if isinstance(operator, ast.And) else ast.And())
            yield from values
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.BinOp(op=operator) if type(operator) in OPERATIONS:
            yield _with(node, op=OPERATIONS[type(operator)]())
        case ast.Constant(value=bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(value=int() as value):
            yield ast.Constant(value + 1)
        case ast.Return(value=ast.expr() as value) if not (isinstance(value, ast.Constant) and value.value is None):
            yield ast.Return(ast.Constant(None))
        case ast.Expr(value=ast.Call() | ast.Await()):
            yield ast.Pass()
        case ast.IfExp(body=body, orelse=orelse):
            yield from (body, orelse)
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp() if node.generators[0].ifs:
            yield _with(node, generators=[_with(node.generators[0], ifs=[]), *node.generators[1:]])


def _with(node: ast.AST, **fields: object) -> ast.AST:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed

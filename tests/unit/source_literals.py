"""What the source of the product writes as literals, read from its syntax trees: valid whatever its modules are called."""

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
HOLE = "{}"  # stands for what an f-string takes from elsewhere


@cache
def modules() -> Mapping[str, ast.Module]:
    """The trees of gateway/, by dotted name."""
    paths = sorted((ROOT / "gateway").rglob("*.py"))
    sources = {path: path.read_text(encoding="utf-8") for path in paths if "node_modules" not in path.parts}
    return {_dotted(path): ast.parse(source) for path, source in sources.items()}


def _dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def nodes() -> Iterator[ast.AST]:
    """Every node of every module."""
    for tree in modules().values():
        yield from ast.walk(tree)


def text_of(node: ast.AST | None) -> str | None:
    """A text or bytes literal; an f-string, with a hole for each value; None for anything else."""
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part) or HOLE for part in node.values)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.Constant) and isinstance(node.value, bytes):
        return node.value.decode("latin-1")
    return None


@cache
def literals() -> frozenset[str]:
    """Every text of the source, f-strings included."""
    return frozenset(text for node in nodes() if (text := text_of(node)) is not None)


def calls(*functions: str) -> Iterator[ast.Call]:
    """The calls of what bears one of these names, as a function or as a method."""
    for node in nodes():
        if isinstance(node, ast.Call) and _callee(node) in functions:
            yield node


def _callee(call: ast.Call) -> str | None:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else None


def first_arguments(*functions: str) -> set[str]:
    """The literals given first to such calls."""
    return {text for call in calls(*functions) for text in [text_of(call.args[0]) if call.args else None] if text}


def keywords(name: str) -> set[str]:
    """The literals given to a parameter of that name."""
    found = (keyword for node in nodes() if isinstance(node, ast.Call) for keyword in node.keywords)
    return {text for keyword in found if keyword.arg == name and (text := text_of(keyword.value)) is not None}


@cache
def dict_displays() -> tuple[frozenset[str], ...]:
    """The literal keys of each dict display."""
    displays = (node for node in nodes() if isinstance(node, ast.Dict))
    return tuple(frozenset(text for key in one.keys if (text := text_of(key)) is not None) for one in displays)


def subscripts() -> set[str]:
    """The literals between brackets: keys read and keys written."""
    return {text for node in nodes() if isinstance(node, ast.Subscript) and (text := text_of(node.slice))}


def given_to(*functions: str) -> set[str]:
    """Every literal in the arguments of such calls, in line or by the name of a constant or attribute of the module."""
    found: set[str] = set()
    for module, tree in modules().items():
        named = constants(module)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _is_among(node, functions):
                for argument in [*node.args, *(keyword.value for keyword in node.keywords)]:
                    found |= _texts(argument, named)
    return found


def _is_among(call: ast.Call, functions: tuple[str, ...]) -> bool:
    """Called, or handed over to be called later with the arguments beside it (`partial`)."""
    passed = [one.attr for one in call.args[:1] if isinstance(one, ast.Attribute)]
    return _callee(call) in functions or (_callee(call) == "partial" and bool({*passed} & {*functions}))


def _texts(argument: ast.AST, named: Mapping[str, str]) -> set[str]:
    if (text := text_of(argument)) is not None:
        return {text}
    if isinstance(argument, ast.Name):
        return {named[argument.id]} & set(named.values()) if argument.id in named else set()
    if isinstance(argument, ast.Attribute) and argument.attr in named:
        return {named[argument.attr]}
    return {text for child in ast.iter_child_nodes(argument) for text in _texts(child, named)}


@cache
def constants(module: str) -> Mapping[str, str]:
    """The literals that a module gives names to: its constants, its attributes, and the constants it imports."""
    found: dict[str, str] = {}
    for node in ast.walk(modules()[module]):
        if isinstance(node, ast.ImportFrom) and node.module in modules() and node.module != module:
            there = _own(node.module)
            found |= {alias.asname or alias.name: there[alias.name] for alias in node.names if alias.name in there}
    return {**found, **_own(module)}


@cache
def _own(module: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for node in ast.walk(modules()[module]):
        if isinstance(node, ast.Assign | ast.AnnAssign) and (text := text_of(node.value)) is not None:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Name | ast.Attribute):
                    found[target.id if isinstance(target, ast.Name) else target.attr] = text
    return found


def loggers() -> set[str]:
    """The names of the loggers; `__name__` is the module's."""
    found: set[str] = set()
    for module, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _callee(node) == "getLogger" and node.args:
                named = text_of(node.args[0])
                found |= {named} if named else {module} if isinstance(node.args[0], ast.Name) else set()
    return found

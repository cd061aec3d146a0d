"""What is kept of an event of a perimeter: what became known, of whom, when. Pure; knows no store and no rule of access."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class About:
    """What an event is about: opaque ids of the graph, the name of a source, a number of persons; of a write, the code of the
    account that is told. No value of anybody."""

    jeune: str | None = None
    rupture: str | None = None
    source: str | None = None
    nombre: int | None = None
    ecriture: str | None = None
    auteur: str | None = None
    alone: bool = False  # found by a process that nothing told what the others heard, nor them what it heard


@dataclass(frozen=True, slots=True)
class EndedWrite:
    """A write whose end is told to its author. `ecriture`: its id in the graph; `kind`: the type of the event; `auteur`: the code
    of the account that wrote; `moment`: what tells one end from another, of a write that was sent again."""

    ecriture: str
    kind: str
    auteur: str
    moment: int


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event of a perimeter. `numero`: its place, which only grows; `kind`: its type in the graph."""

    numero: int
    kind: str
    quand: datetime
    about: About


@dataclass(frozen=True, slots=True)
class Fact:
    """What may be new: it is told once in a perimeter. `key` stands for its kind, its object and its date. `lasting`: that it is
    no more is told too, once the sources that told it answer without it."""

    key: str
    kind: str
    about: About
    sources: frozenset[str] = frozenset()
    lasting: bool = False


@dataclass(frozen=True, slots=True)
class Announced:
    """A fact that a perimeter knows. `missing_since`: when it was first found missing, None while it is there; `lasting`: the
    fact itself, where its end is told."""

    missing_since: datetime | None = None
    lasting: Fact | None = None


@dataclass(frozen=True, slots=True)
class KnownPerimeter:
    """What was found of a perimeter so far: its facts, and when each unit was last heard. Not `opened`: nothing yet."""

    opened: bool = False
    facts: Mapping[str, Announced] = field(default_factory=dict)
    units: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Changes:
    """What a look at a perimeter finds. `told`: new, to be announced; `silent`: new, and not to be: known from now on;
    `missing`, `back`: keys of lasting facts that are not there, that are again; `ended`: those whose end is announced;
    `gone`: facts forgotten without a word; `heard`: units."""

    told: tuple[Fact, ...] = ()
    silent: tuple[Fact, ...] = ()
    missing: Set[str] = frozenset()
    back: Set[str] = frozenset()
    ended: tuple[Fact, ...] = ()
    gone: Set[str] = frozenset()
    heard: Set[str] = frozenset()
    added: tuple[Fact, ...] = ()  # sources heard for the first time, or after long

    @property
    def is_empty(self) -> bool:
        return self == Changes()

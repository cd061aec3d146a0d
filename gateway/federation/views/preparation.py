"""The long work that an operation needs before it can be shown: found by a first execution, done apart, shown by a second.

Resolvers do not wait. One that needs a list which is not kept says so and shows nothing; once all that was said is done, beside
the loop, the operation is executed again and finds it. What is kept costs one look-up, and one execution.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Work:
    """`size`: how many elements it goes through; `shared`: what names it for whoever needs the same at the same time."""

    size: int
    shared: Hashable
    do: Callable[[], Any]


@dataclass(slots=True)
class Preparation:
    """Of one operation. `works`: what is to be done, by what the operation knows it by; `walks`: the lists, among them, of which
    every element is looked at; `over`: whatever is missing is done at once."""

    works: dict[Hashable, Work] = field(default_factory=dict)
    done: dict[Hashable, Any] = field(default_factory=dict)
    walks: int = 0
    over: bool = True

    def result(self, key: Hashable, work: Work, walk: bool = False) -> Any | None:
        """What the work returns; None when it is to be done first. Raises what it raises."""
        if key in self.done:
            return self.done[key]
        # The second execution, and commands that hold up nobody: whatever is missing is small, or may take its time.
        if self.over:
            return work.do()
        self.works[key] = work
        self.walks += walk
        return None

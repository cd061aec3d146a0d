"""What a view held leaves as soon as nobody reads it, without the cycle collector, and beside the loop."""

import gc
import threading
import weakref
from collections.abc import Iterator
from random import Random
from typing import Any, cast

import pytest

from gateway.auth.authorization.mask import mask
from gateway.auth.policy.rules import CategorieDonnee
from gateway.federation.join.merge import Ties
from gateway.federation.views.build import ViewCache, ViewKey, untie_once_left
from gateway.federation.views.view import Shown, ShownCopies, View
from tests.support.security.told_world import draw, view_of

pytestmark = pytest.mark.anyio


@pytest.fixture
def uncollected() -> Iterator[None]:
    """The cycle collector does nothing meanwhile."""
    gc.disable()
    yield
    gc.enable()


def _view() -> View:
    view = view_of(draw(Random(1), 40))
    for person in view.persons.values():
        cast("Any", person.merged).ties = Ties(person.jeune.contrats or ())
    every = frozenset(CategorieDonnee)
    nouns: list[Any] = [person.jeune for person in view.persons.values()]
    nouns += [pair[1] for pair in (*view.contrats.values(), *view.ruptures.values())]
    view.kept_copies[1] = ShownCopies({noun.id: Shown(mask(noun, every), {}) for noun in nouns})
    return view


class _HeldId(str):
    """An id that nobody else holds: it leaves with the noun, which has slots and no room for a weak reference."""


def _watched(view: View) -> list["weakref.ref[Any]"]:
    """Everything of which a reading is made: persons, contracts, ruptures, and the masked copies of each."""
    nouns: list[Any] = [person.jeune for person in view.persons.values()]
    nouns += [pair[1] for pair in (*view.contrats.values(), *view.ruptures.values())]
    nouns += [shown.value for shown in view.kept_copies[1].copies.values()]
    for noun in nouns:
        noun.id = _HeldId(noun.id)
    return [weakref.ref(noun.id) for noun in nouns]


def _wait() -> None:
    for thread in threading.enumerate():
        if thread.name == "vue-quittee":
            thread.join()


@pytest.mark.usefixtures("uncollected")
def test_what_a_view_held_goes_once_it_is_left() -> None:
    view = _view()
    watched = _watched(view)
    untie_once_left(view)
    assert all(one() is not None for one in watched)
    del view
    _wait()
    assert len(watched) > 160
    assert [one() for one in watched if one() is not None] == []


@pytest.mark.usefixtures("uncollected")
def test_without_it_what_a_view_held_stays() -> None:
    view = _view()
    watched = _watched(view)
    del view
    assert any(one() is not None for one in watched), "the control"


@pytest.mark.usefixtures("uncollected")
async def test_whoever_still_reads_a_view_that_another_replaces_keeps_it_whole() -> None:
    views, first = ViewCache(), _view()
    watched = _watched(first)

    made = [first, _view()]
    del first

    async def build() -> View:
        return made.pop(0)

    read = await views.view(ViewKey("ml", 1), build)
    await views.view(ViewKey("ml", 2), build)
    _wait()
    assert all(contrat.jeune and contrat.jeune.contrats == [contrat] for _, contrat in read.contrats.values())
    assert all(one() is not None for one in watched)
    del read
    _wait()
    assert [one() for one in watched if one() is not None] == []

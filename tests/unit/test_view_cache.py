"""The views kept: one a subject, built once for all who wait."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.federation.views.build import PERSONS_MAX, PERSONS_MIN, ViewCache, ViewKey
from gateway.federation.views.view import View

PERSON: Any = SimpleNamespace(merged=SimpleNamespace(contrats=()))
EMPTY_MAX = PERSONS_MAX // PERSONS_MIN


async def _request(views: ViewCache, subject: str, versions: str, made: list[str], persons: int = 0) -> View:
    async def build() -> View:
        await asyncio.sleep(0)
        made.append(f"{subject}{versions}")
        return View(persons=dict.fromkeys(map(str, range(persons)), PERSON))

    return await views.view(ViewKey(subject, versions), build)


@pytest.mark.anyio
async def test_a_new_version_replaces_the_old_one_and_evicts_nobody() -> None:
    """A partner read again every minute must not push out the views of other perimeters, nor keep its old records."""
    views, made = ViewCache(), list[str]()
    other = await _request(views, "autre", "1", made)
    for version in range(40 + 1):
        await asyncio.gather(*(_request(views, "ml", str(version), made) for _ in range(3)))
    assert await _request(views, "autre", "1", made) is other
    assert len(views._known) == 2
    assert made == ["autre1", *(f"ml{version}" for version in range(40 + 1))]


@pytest.mark.anyio
async def test_the_least_read_views_are_forgotten() -> None:
    views, made = ViewCache(), list[str]()
    for subject in range(EMPTY_MAX + 1):
        await _request(views, str(subject), "", made)
        await _request(views, "0", "", made)
    await _request(views, "1", "", made)
    assert len(views._known) == EMPTY_MAX
    assert made == [*map(str, range(EMPTY_MAX + 1)), "1"]


@pytest.mark.anyio
async def test_the_views_are_bounded_in_people() -> None:
    """A hundred small perimeters are kept; two regions are not, and the last one always is."""
    views, made = ViewCache(), list[str]()
    for subject in range(100):
        await _request(views, f"ml{subject}", "", made, 50)
    await _request(views, "ml0", "", made)
    assert len(made) == len(views._known) == 100
    await _request(views, "region", "", made, PERSONS_MAX - 100)
    assert list(views._known) == ["ml99", "ml0", "region"]
    await _request(views, "pays", "", made, PERSONS_MAX + 1)
    assert list(views._known) == ["pays"]

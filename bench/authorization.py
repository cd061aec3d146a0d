"""What authorization adds to a warm query of 100 rows, beside the same query with everything granted and nothing checked.

    python -m bench.authorization

The two take turns in one process, over the same fake sources: decide, perimeter on the row, mask and sentinel on one side;
a decision made beforehand, no look at rows and no mask on the other. Prints medians and their ratio; asserts nothing.
"""

import asyncio
import statistics
import time
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any
from unittest.mock import patch

from gateway.federation.views import operation_context, view
from gateway.federation.views.view import Shown
from gateway.sources.units import CacheStatus, Unit, UnitResult
from tests.support.access.small_world import RECEIVED, SmallWorld, caller, draw_from
from tests.support.e2e.queries import ALL

INHABITANTS, ROUNDS = 120, 400
ML = caller("MISSION_LOCALE", "60001")
QUERY = ALL.replace("ruptures(first: $n, after: $apres)", "ruptures(first: $n, after: $apres, filtre: {statut: [%s]})")
QUERY %= "INSCRIT APPRENTI RUPTURANT ABANDON FIN_DE_FORMATION"


def _as_is(_masked_copies: Any, _person: Any, item: Any) -> Any:
    return Shown(item, {})


async def _kept(units: Sequence[Unit]) -> list[UnitResult | None]:
    """Every answer is kept: a warm query asks none of them again."""
    return [UnitResult(unit, (), RECEIVED, CacheStatus.HIT, "1") for unit in units]


async def _time(world: SmallWorld) -> float:
    debut = time.process_time()  # others on this machine must not weigh on one side
    response = await world.request(ML, QUERY, n=100)
    duration = time.process_time() - debut
    if "errors" in response:
        raise SystemExit(str(response["errors"]))
    return duration * 1000


async def _without(world: SmallWorld, judgement: Any) -> float:
    async def nothing(*_: Any) -> Any:
        return judgement

    with patch.object(view.MaskedCopies, "show", _as_is), patch("gateway.operation._judge", nothing):
        return await _time(world)


async def cost_of() -> None:
    """Both sides in turn, each first every other time; no page is kept, or neither would have anything to do."""
    everything = draw_from(Random(1), INHABITANTS)
    world = SmallWorld(
        [replace(one, mission_locale="60001", cfa="0600001A", statut="RUPTURANT", age=18) for one in everything]
    )
    world.sources.kept_versions = _kept  # type: ignore[method-assign]
    rows = (await world.request(ML, QUERY, n=100))["data"]["ruptures"]["edges"]
    (kept,) = world.gateway.decision_cache._known.values()
    durations: dict[str, list[float]] = {"avec": [], "sans": []}
    operation_context.OperationContext.frozen = False  # type: ignore[method-assign, assignment]
    for sweep in range(ROUNDS):
        for side in ("avec", "sans") if sweep % 2 else ("sans", "avec"):
            duration = await (_time(world) if side == "avec" else _without(world, kept.cached))
            durations[side].append(duration)
    with_contrat, without = statistics.median(durations["avec"]), statistics.median(durations["sans"])
    print(
        f"{len(rows)} lignes, {ROUNDS} tours : {with_contrat:.2f} ms avec autorisation, "
        f"{without:.2f} ms sans ({with_contrat / without - 1:+.1%})"
    )


if __name__ == "__main__":
    asyncio.run(cost_of())

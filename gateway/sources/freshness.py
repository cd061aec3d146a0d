"""What the age of a kept answer allows (docs/fiabilite.md). Pure; knows no cache and no partner."""

from gateway.sources.partners.file_format import CacheTable
from gateway.sources.units import CacheStatus

REST = 2.0  # seconds an answer serves whatever is told of it since: a flood of events is not one of requests


def cache_status(
    age: float,
    empty: bool,
    is_of_today: bool,
    rules: CacheTable,
    age_max: float | None = None,
    invalidated: bool = False,
) -> CacheStatus:
    """`empty`: it holds no record; `is_of_today`: it was read for today; `age_max`: what the caller asks for; `invalidated`: the
    partner told since that it changed.

    Who asks for fresher data waits for them, but no partner is asked twice for the same within `plancher_secondes`.
    """
    fresh = min(rules.duree_secondes, rules.absence_secondes) if empty else rules.duree_secondes
    if age_max is not None:
        fresh = min(fresh, max(age_max, rules.plancher_secondes))
    if invalidated:
        fresh = min(fresh, REST)
    if age < fresh and is_of_today:
        return CacheStatus.HIT
    if age < rules.perime_secondes and not empty and not invalidated and age_max is None:
        return CacheStatus.STALE
    return CacheStatus.MISSED

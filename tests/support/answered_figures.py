"""Statistics of a gateway that has no snapshot, for the tests of everything else."""

from datetime import datetime

from gateway.auth.policy.policy import AccessPolicy
from gateway.domain.seal import OpaqueIds
from gateway.statistiques.answer import Statistics, StatisticsParts
from gateway.statistiques.published_figures import Published


def statistics(policy: AccessPolicy, ids: OpaqueIds, now: datetime, published: Published | None = None) -> Statistics:
    """What answers statistics; `published` None: no key protects any."""
    return Statistics(
        StatisticsParts(
            policy=policy,
            published=published,
            opaque_ids=ids,
            registry="registre",
            has_erp=lambda _: True,
            registry_as_of=lambda: now,
            now=lambda: now,
            seconds=lambda: 0.0,
        )
    )

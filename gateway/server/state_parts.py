"""Builds what tells the state of the sources. Knows no page."""

import time
from dataclasses import replace

from gateway.edge.guard import Health
from gateway.schema.organisations import Source
from gateway.server.services import Services
from gateway.web.incidents import FILE, Incidents
from gateway.web.public_state import StateBoard


def known_states(services: Services) -> list[Source]:
    """Every source now; the harvested registry's freshness is that of the copy, which answers in its place."""
    return [with_copy(services, source) for source in services.states()]


def with_copy(services: Services, source: Source) -> Source:
    """A source; the harvested registry's freshness is that of the copy."""
    as_of = services.harvest_metrics.as_of
    if source.nom != services.harvest_target.source or as_of is None:
        return source
    age = int((services.configuration.now() - as_of).total_seconds())
    return replace(
        source,
        derniere_reponse=source.derniere_reponse or as_of,
        fraicheur_secondes=max(0, age),
        qualite=services.harvest_metrics.quality(),
    )


def build_board(services: Services, health: Health) -> StateBoard:
    """What everybody is told of the state, and who watches over the process."""

    async def serves() -> bool:
        return not (await health.readiness()).missing

    configuration = services.configuration
    incidents = Incidents(configuration.root / FILE, time.monotonic)
    clocks = configuration.now, time.monotonic
    return StateBoard(configuration.file.etat, lambda: known_states(services), incidents, serves, clocks)

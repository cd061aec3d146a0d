"""Releases pending writes, kept because no partner received them: what an operator runs once one does. Knows no HTTP."""

import time
from contextlib import aclosing

from gateway.auth.authentication.clients import build_perimetre
from gateway.auth.policy.rules import Finalite, Profil
from gateway.cli.commands import open_gateway
from gateway.config import load
from gateway.domain.days import paris_day
from gateway.environment import ENVIRONMENT
from gateway.errors import CommandFailed, WritesUnavailable
from gateway.federation.collect.plan import plan_of_perimetre
from gateway.federation.views.build import find_view
from gateway.federation.views.view import Rights, View
from gateway.operation import Gateway
from gateway.server.services import build_services
from gateway.server.write_parts import open_writes
from gateway.stores.write_queue import WriteQueue
from gateway.writes.release import Released, release_kept


async def release_pending_writes() -> str:
    """Give what may be given; the lines that say how many. Raises CommandFailed."""
    async with aclosing(build_services(load(), ENVIRONMENT)) as services:
        gateway = await open_gateway(services)
        await open_writes(services, gateway)
        assert gateway.writes is not None  # noqa: S101 - a gateway that is built so writes
        queue = WriteQueue(services.writes, time.time)
        try:
            released = await release_kept(gateway.writes, queue, lambda code: _view(gateway, code))
        except WritesUnavailable as error:
            raise CommandFailed(f"écritures : base inutilisable ({error})") from None
    return _told(released)


async def _view(gateway: Gateway, code: str) -> View | None:
    """What a Mission locale sees; None when a source does not answer, or ids may be others tomorrow."""
    directory = gateway.directory()
    perimetre = build_perimetre(Profil.MISSION_LOCALE, code, directory.referentiel)
    rights = Rights(gateway.policy, Profil.MISSION_LOCALE, Finalite.ACCOMPAGNEMENT, perimetre)
    readings = await gateway.collector.collect(
        plan_of_perimetre(perimetre, directory.referentiel, suivi=True), directory
    )
    if not readings.complete:
        return None
    day = paris_day(gateway.now())
    view, _ = await find_view(gateway.views, gateway.id_assigner, readings, rights, directory, day)
    return view if view.stale is None else None


def _told(released: Released) -> str:
    unheard = [f"Mission locale {code} : une source ne répond pas, à redonner plus tard" for code in released.unheard]
    return "\n".join([*unheard, f"{released.given} écriture(s) à transmettre, {released.kept} gardée(s)"])

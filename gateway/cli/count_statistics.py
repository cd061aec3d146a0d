"""Commands of an operator over statistics: count the night's figures, publish them, say how old they are.

Knows no HTTP; `__main__` prints what is returned.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import date
from pathlib import Path

from gateway.config import load
from gateway.domain.days import PARIS, paris_day
from gateway.edge.figures_http import public_data
from gateway.environment import ENVIRONMENT
from gateway.errors import BlocksUnavailable, CallerError, CommandFailed
from gateway.operation import Gateway
from gateway.server.allocator import tune_threads_and_gc
from gateway.server.composition import build_gateway
from gateway.server.services import Services, build_services
from gateway.server.statistics_parts import open_figures
from gateway.statistiques.exports import FORMATS
from gateway.statistiques.file_request import variables_of
from gateway.statistiques.nightly_lots import counted_period
from gateway.statistiques.nightly_pass import PassTools, all_subjects, count_all, mandate
from gateway.statistiques.places import Places
from gateway.statistiques.publication import Protection, PublicationTools, publish
from gateway.stores.blocks import Lot, LotState, Snapshot
from gateway.stores.blocks_writer import BlockWriter, CountingUnderWay
from gateway.system_reasons import reason_of

Tell = Callable[[str], None]
LABELS = {
    LotState.LU: "comptés de toutes leurs sources",
    LotState.ANCIEN: "d'un relevé d'avant, une source se tait",
    LotState.SANS_SOURCE: "sans leur source",
}
NO_KEY = "GATEWAY_CLE_STATISTIQUES absente : rien n'est protégé, donc rien n'est publié"


async def count_night(tell: Tell, months: int | None = None) -> int:
    """Count every lot, of so many months or of as many as configured, then publish; the exit code. Raises CommandFailed."""
    async with _opened() as (services, gateway):
        if not await gateway.collector.registry.version():
            raise CommandFailed("la copie du registre ne répond pas : rien n'est compté")
        if (await services.registry.harvest_state()).as_of is None:
            raise CommandFailed("le registre n'a jamais été moissonné : rien n'est compté (python -m gateway moisson)")
        writer = BlockWriter(services.blocks)
        now, settings = services.configuration.now, services.configuration.file.statistiques
        period = counted_period(paris_day(now()), settings.mois if months is None else months)
        # Else a collection of all that the pass keeps is laid to the connector during which it begins, which is stopped for it.
        tune_threads_and_gc()
        tools = PassTools(gateway.collector, gateway.directory(), services.links, writer, now)
        async with _elected(writer):
            states = await count_all(tools, period, tell)
            tell(_lots_line(period.as_of, states))
            return await _publish(services, gateway, writer, tell)


async def publish_counts(tell: Tell) -> int:
    """Publish what lots gave; the exit code. Raises CommandFailed."""
    async with _opened() as (services, gateway):
        writer = BlockWriter(services.blocks)
        async with _elected(writer):
            return await _publish(services, gateway, writer, tell)


async def describe_state() -> str:
    """What is published, of what, and how old. Raises CommandFailed."""
    async with _opened() as (services, _):
        store = services.blocks
        snapshot, lots, refusal = await store.snapshot(), await store.lots(), await store.refusal()
    rows = [_snapshot_line(snapshot) if snapshot else "aucun relevé publié"]
    if refusal:
        rows.append(
            f"relevé refusé le {refusal.instant.astimezone(PARIS):%d/%m/%Y à %H:%M} : une case ne laissait que "
            f"{refusal.minimum} valeurs possibles"
        )
    rows += [f"{number} lots {LABELS[state]}" for state, number in sorted(Counter(_states(lots)).items())]
    oldest = min((lot.seen_at for lot in lots.values() if lot.seen_at), default=None)
    if oldest:
        rows.append(f"source entendue il y a le plus longtemps : le {oldest.astimezone(PARIS):%d/%m/%Y à %H:%M}")
    return "\n".join(rows)


async def export_figures(path: Path, parameters: Sequence[str]) -> str:
    """Write the figures that everybody may read, in the format that the name of the file ends with; what was written. Raises
    CommandFailed."""
    format_ = path.name.partition(".")[2]
    if format_ not in FORMATS:
        raise CommandFailed(f"{path} : un nom en .{', .'.join(FORMATS)} attendu")
    told = [parameter.partition("=") for parameter in parameters]
    if wrong := next((name for name, equals, _ in told if not equals), None):
        raise CommandFailed(f"{wrong} : NOM=VALEUR attendu")
    async with _opened() as (services, gateway):
        public = open_figures(services, gateway)
        if public is None:
            raise CommandFailed(NO_KEY)
        try:
            data = await public_data(gateway, public, variables_of((name, value) for name, _, value in told))
        except CallerError as error:
            raise CommandFailed(str(error)) from None
    _, encode = FORMATS[format_]
    _write(path, encode(data, ("excel", "=", "1") in told))
    return f"{path} : {len(data.lines)} ligne(s), arrondies à la dizaine, que chacun peut lire"


def _write(path: Path, body: bytes) -> None:
    """Whole, or not at all."""
    draft = path.with_name(f".{path.name}.partiel")
    try:
        draft.write_bytes(body)
        draft.replace(path)
    except OSError as error:
        raise CommandFailed(f"{path} : {reason_of(error)}") from None


def _states(lots: dict[str, Lot]) -> list[LotState]:
    return [lot.state for lot in lots.values()]


@asynccontextmanager
async def _opened() -> AsyncIterator[tuple[Services, Gateway]]:
    try:
        async with aclosing(build_services(load(), ENVIRONMENT)) as services:
            gateway = build_gateway(services)
            await services.blocks.open()
            await services.registry.open()
            await services.keeper.open()
            if services.received:
                await services.received.open()
            yield services, gateway
    except BlocksUnavailable as error:
        raise CommandFailed(f"la base des statistiques ne répond pas ({error})") from None


@asynccontextmanager
async def _elected(writer: BlockWriter) -> AsyncIterator[None]:
    """The place of the one process that counts. Raises CommandFailed when another has it."""
    try:
        async with mandate(writer):
            yield
    except CountingUnderWay:
        raise CommandFailed("un autre processus relève, ou s'est arrêté il y a moins d'une minute") from None


async def _publish(services: Services, gateway: Gateway, writer: BlockWriter, tell: Tell) -> int:
    configuration, collector = services.configuration, gateway.collector
    if configuration.statistics_key is None:
        tell(NO_KEY)
        return 1
    directory, as_of = gateway.directory(), (await services.registry.harvest_state()).as_of
    protection = Protection(configuration.statistics_key, configuration.file.statistiques.pas)
    tools = PublicationTools(writer, Places(directory.referentiel), protection, configuration.now, as_of)
    outcome = await publish(tools, all_subjects(collector, directory), collector.registry_name)
    if isinstance(outcome, Snapshot):
        tell(_snapshot_line(outcome))
        return 0
    if outcome is None:
        raise CommandFailed("rien n'a été compté : python -m gateway statistiques relever")
    tell(f"relevé refusé : une case ne laisse que {outcome} valeurs possibles ; le précédent reste")
    return 1


def _snapshot_line(snapshot: Snapshot) -> str:
    at = snapshot.published_at.astimezone(PARIS)
    audit = "" if snapshot.audit_minimum is None else f", {snapshot.audit_minimum} valeurs possibles au moins par case"
    return f"relevé {snapshot.number} au {snapshot.as_of:%d/%m/%Y}, publié le {at:%d/%m/%Y à %H:%M}{audit}"


def _lots_line(as_of: date, states: Counter[LotState]) -> str:
    told = ", ".join(f"{number} {LABELS[state]}" for state, number in sorted(states.items()))
    return f"au {as_of:%d/%m/%Y} : {told}"

"""Commands of an operator beside serving: harvest, links, purge, keys. Knows no HTTP; `__main__` prints what is returned."""

import asyncio
import re
from collections.abc import Callable
from contextlib import aclosing, suppress
from datetime import datetime, timedelta
from typing import Any

from gateway.auth.authentication.client_register import close_clients, create_key
from gateway.auth.authentication.client_register import key_digest as api_key_digest
from gateway.auth.authentication.clients import build_perimetre
from gateway.config import config_folder, load
from gateway.domain.days import PARIS, paris_day
from gateway.environment import ENVIRONMENT
from gateway.errors import CommandFailed, SourceClosed, SourceError
from gateway.federation.collect.plan import describe as describe_relevant
from gateway.federation.collect.plan import plan_of_perimetre, residents_by_cfa
from gateway.federation.join.join_records import link
from gateway.federation.linkage_export import describe_clusters, read_all_records
from gateway.operation import Gateway
from gateway.reception.reception import key_digest, speaks_for_a_cfa
from gateway.server.composition import build_gateway, read_client_register
from gateway.server.services import Services, build_receptions, build_services
from gateway.sources.harvest.harvester import harvest as harvest_registry
from gateway.sources.harvest.progress import line
from gateway.stores.receptions import ReceptionUnavailable
from gateway.stores.registry_writer import LEASE, HarvestUnderWay, RegistryWriter

KEY_FORM = re.compile(r"[!-~]{16,200}")  # of a key that an ERP has already, whatever made it
KEY_DURATION = timedelta(days=365)
RETRY_PERIOD = 5.0  # seconds before asking again for the lease of the harvester


async def harvest(tell: Callable[[str], None]) -> None:
    """Harvest the registry by hand, telling each page. Raises CommandFailed when the partner stops us."""
    configuration = load()
    try:
        async with aclosing(build_services(configuration, ENVIRONMENT)) as services:
            await services.registry.open()
            await _harvest(services, tell)
            harvest_state = await services.registry.harvest_state()
            tell(f"registre à jour au {harvest_state.last_day} : {harvest_state.rows} lignes")
    except SourceError as error:
        reason = _closed(error, configuration.now()) if isinstance(error, SourceClosed) else str(error)
        raise CommandFailed(f"moisson arrêtée, à reprendre plus tard : {error.source} {reason}") from None


def _closed(error: SourceClosed, now: datetime) -> str:
    """Until when a partner is closed, in the time of Paris."""
    opening = now + timedelta(
        seconds=(error.retry_after or 0.0) + 59
    )  # cut to the minute, it would still be closed then
    return f"est fermé, et dit rouvrir le {opening.astimezone(PARIS):%d/%m/%Y à %H:%M}"


async def _harvest(services: Services, tell: Callable[[str], None]) -> None:
    """Harvest, after another process that does, or whose lease has not ended since it died."""
    target, writer, now = services.harvest_target, RegistryWriter(services.registry), services.configuration.now
    waiting = False
    while True:
        with suppress(HarvestUnderWay):
            await harvest_registry(target, writer, now, lambda progress: tell(line(progress)))
            return
        if not waiting:
            tell(f"un autre processus moissonne, ou s'est arrêté il y a moins de {LEASE:.0f} s : en attente")
        waiting = True
        await asyncio.sleep(RETRY_PERIOD)


async def rapprochements(tell: Callable[[str], None]) -> list[dict[str, Any]]:
    """Every person that the sources together know, by the ids of the records joined.

    Raises CommandFailed when a source fails.
    """
    try:
        async with aclosing(build_services(load(), ENVIRONMENT)) as services:
            gateway = await open_gateway(services)
            return list(describe_clusters(link(await read_all_records(gateway.collector, gateway.directory(), tell))))
    except SourceError as error:
        raise CommandFailed(f"recensement arrêté : {error.source} {error}") from None


async def open_gateway(services: Services) -> Gateway:
    """The gateway, once the registry and the referential may be read."""
    gateway = build_gateway(services)
    await services.registry.open()
    await services.keeper.open()
    if services.received:
        await services.received.open()
    return gateway


async def purge(source: str) -> None:
    """Forget what the shared cache keeps of a partner. Raises CommandFailed."""
    configuration = load()
    if configuration.cache == "memory://":
        raise CommandFailed("sans cache partagé (GATEWAY_CACHE_URL), redémarrer la passerelle suffit")
    async with aclosing(build_services(configuration, ENVIRONMENT)) as services:
        if source not in services.sources.partners:
            raise CommandFailed(f"partenaire « {source} » inconnu")
        if not await services.sources.purge(source):
            raise CommandFailed("le cache partagé ne répond pas")


async def relevant_cfas(client: str) -> str:
    """The CFAs asked for a client of the register, of which partner and why, a line each. Asks none of them.

    Raises CommandFailed for an unknown client.
    """
    configuration = load()
    known = read_client_register(configuration).get(client)
    if known is None:
        raise CommandFailed(f"client « {client} » inconnu de clients.toml")
    async with aclosing(build_services(configuration, ENVIRONMENT)) as services:
        gateway = await open_gateway(services)
        directory = gateway.directory()
        perimetre = build_perimetre(known.role, known.organisation, directory.referentiel)
        plan = plan_of_perimetre(perimetre, directory.referentiel, suivi=True)
        registered = await gateway.collector.registry.records(plan.codes_postaux, (), ())
        rows = describe_relevant(plan, residents_by_cfa(registered.records, plan, directory), perimetre, directory)
        return "\n".join([f"CFA concernés : {len(rows)}", *(_describe_asked(services, *line) for line in rows)])


def _describe_asked(services: Services, uai: str, why: str) -> str:
    """A line: the partner asked for a CFA. Nobody, when none is configured; the registry still tells of its people."""
    source = services.sources.partner_of_cfa(uai)
    who = f"{source}, {services.sources.cap(source)} au plus par requête" if source else "aucun logiciel branché"
    return f"  {uai} ({who}) {why}"


def create_api_key(client: str) -> str:
    """A new API key of a registered client, told once, and the line that the register must hold for it.

    Raises CommandFailed for a client that is not registered or must use a second factor.
    """
    configuration = load()
    known = read_client_register(configuration).get(client)
    if known is None or known.mfa:
        raise CommandFailed(f"clients.toml : {client} n'est pas un client qui peut avoir une clé d'API")
    key, last_day = create_key(), paris_day(configuration.now()) + KEY_DURATION
    line = f'{{ empreinte = "{api_key_digest(configuration.sealer, key)}", expire = {last_day} }}'
    return f"clé, montrée cette seule fois : {key}\nà ajouter à cles de [clients.{client}] : {line}"


async def import_key(client: str, key: str) -> str:
    """Have the key that an ERP uses already transmit for a registered CFA, by its stand-in alone. Raises CommandFailed."""
    configuration = load()
    known = read_client_register(configuration).get(client)
    if known is None or not speaks_for_a_cfa(known):
        raise CommandFailed(f"clients.toml : {client} n'est pas un CFA, ni qui agit comme un CFA")
    if not KEY_FORM.fullmatch(key):
        raise CommandFailed("entrée standard : une clé attendue, de 16 à 200 caractères sans blanc")
    store = build_receptions(configuration, ENVIRONMENT)
    try:
        await store.open()
        await store.import_key(key_digest(configuration.sealer, key), client, paris_day(configuration.now()))
    except ReceptionUnavailable as error:
        raise CommandFailed(f"réceptions : base inutilisable ({error})") from None
    finally:
        await store.close()
    return f"{client} : clé importée, qui n'ouvre que la réception des dossiers"


def close_register() -> str:
    """Write at the end of clients.toml how many clients it holds, which proves it whole. Raises CommandFailed."""
    number = close_clients(config_folder() / "clients.toml")
    return f"clients.toml : {number} {'clients' if number > 1 else 'client'}, clos"


def describe_sources() -> str:
    """The configured partners, a line each."""
    services = build_services(load(), ENVIRONMENT)
    return "\n".join(
        f"{state.nom:<14} {state.type.value:<18} {state.mode.value:<14} {len(services.sources.uais(state.nom)):>5} CFA"
        for state in services.sources.states()
    )

"""Tells all that is wrong in a configuration before a gateway starts with it; then, when asked, what of the outside does not
answer. Starts nothing, migrates nothing, asks no partner about anybody.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing
from datetime import date, timedelta
from functools import partial
from pathlib import Path

from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from gateway.auth.authentication.clients import read_register
from gateway.config import Configuration, GatewayFile, config_folder, load
from gateway.domain.days import paris_day
from gateway.environment import ENVIRONMENT
from gateway.errors import ConfigurationError, SourceError
from gateway.redis_client import cause as redis_cause
from gateway.redis_client import open_redis
from gateway.server.composition import build_state
from gateway.server.services import Services, build_services
from gateway.sources.partners.configured import configured_partners
from gateway.sources.partners.load import Partner
from gateway.stores.database_errors import cause
from gateway.stores.sql import database_url, open_engine
from gateway.toml_file import read_toml
from gateway.web.incidents import FILE, read_incidents
from gateway.webhooks.endpoints import check_endpoints, read_endpoints

WARNED_BEFORE = timedelta(days=30)  # the end of an API key
ANSWER_WITHIN = 10.0  # seconds, of a partner
WAITING = 2  # seconds for a lock
MEMORY = "sqlite+aiosqlite://"
DATABASES = ("GATEWAY_DATABASE_URL", "GATEWAY_JOURNAL_URL")


def mistakes() -> list[str]:
    """A line for each mistake of the files and the environment; none: a gateway starts with them."""
    folder = config_folder()
    found = [line for step in _files(folder) for line in _told_by(step)]
    return list(dict.fromkeys(found or _told_by(lambda: build_state(build_services(load(), ENVIRONMENT)))))


def _files(folder: Path) -> Iterator[Callable[[], object]]:
    """What reads a part of the configuration, each without the others."""
    yield lambda: read_toml(folder / "gateway.toml", GatewayFile)
    yield load
    yield lambda: configured_partners(folder, read_toml(folder / "gateway.toml", GatewayFile), ENVIRONMENT)
    yield lambda: read_register(folder / "clients.toml")
    yield lambda: read_incidents(folder / FILE)
    yield lambda: check_endpoints(read_endpoints(folder, ENVIRONMENT), read_register(folder / "clients.toml")[0])
    yield from (partial(database_url, ENVIRONMENT, variable, MEMORY) for variable in DATABASES)


def _told_by(step: Callable[[], object]) -> list[str]:
    try:
        step()
    except ConfigurationError as error:
        return [str(error), *error.others]
    return []


def warnings(configuration: Configuration) -> list[str]:
    """What a gateway starts with and should not wait: what ends within a month, or has ended: API keys, `security.txt`."""
    today = paris_day(configuration.now())
    clients, _ = read_register(configuration.root / "clients.toml")
    ends = ((name, key.expire) for name, client in clients.items() for key in client.cles)
    keys = [_end_of_key(name, end, today) for name, end in ends if end - today < WARNED_BEFORE]
    contact = configuration.file.http.securite
    if contact is None or contact.expire - today >= WARNED_BEFORE:
        return keys
    return [
        *keys,
        f"gateway.toml : [http.securite] {_end(contact.expire, today)} ; vérifier le contact, puis la reculer",
    ]


def _end_of_key(client: str, end: date, today: date) -> str:
    told = _end(end, today)
    return f"clients.toml : {client} : une clé d'API {told} ; « python -m gateway cle creer {client} »"


def _end(end: date, today: date) -> str:
    return f"expire le {end}" if end >= today else f"a expiré le {end}"


async def unreachable(configuration: Configuration, tell: Callable[[str], None]) -> int:
    """Ask whoever a gateway asks: issuers, databases, Redis, partners. Each is told in a line; how many do not answer."""
    failed = 0
    async with aclosing(build_services(configuration, ENVIRONMENT)) as services:
        async for name, fault in _asked(services):
            failed += fault is not None
            tell(f"{name} : {fault or 'répond'}")
    return failed


async def _asked(services: Services) -> AsyncIterator[tuple[str, str | None]]:
    build_state(services)
    for issuer, settings in zip(services.issuers, services.configuration.file.issuers, strict=True):
        yield f"émetteur {settings.emetteur}", await _source(issuer.keys())
    for variable in DATABASES:
        if url := ENVIRONMENT.get(variable):
            yield variable, await _database(url)
    if services.configuration.cache != "memory://":
        yield "GATEWAY_CACHE_URL", await _redis(services.configuration.cache)
    for partner in services.sources.partners.values():
        yield f"partenaire {partner.nom}", await _source(_reach(services, partner))


async def _source(asked: Awaitable[object]) -> str | None:
    try:
        await asked
    except SourceError as error:
        return str(error)
    return None


async def _reach(services: Services, partner: Partner) -> None:
    await services.sources.reach(partner.nom, _address(partner), ANSWER_WITHIN)


def _address(partner: Partner) -> str:
    first = next(iter(partner.abonnes.values()), None) if partner.abonnes else None
    return (first.base_url or partner.base_url).replace("{code}", first.tenant.code) if first else partner.base_url


async def _database(url: str) -> str | None:
    engine = open_engine(url, WAITING)
    try:
        async with asyncio.timeout(ANSWER_WITHIN), engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
    except (OSError, SQLAlchemyError, TimeoutError) as error:
        return cause(error)
    finally:
        await engine.dispose()
    return None


async def _redis(url: str) -> str | None:
    client = open_redis(url)
    try:
        async with asyncio.timeout(ANSWER_WITHIN):
            await client.ping()
    except (OSError, RedisError, TimeoutError) as error:
        return redis_cause(error)
    finally:
        await client.aclose()
    return None

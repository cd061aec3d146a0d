"""The addresses that operators give for PostgreSQL and Redis: what is accepted is translated, what fails is one French line that
says the cause and what to do, and never the address."""

import asyncio
import ssl
import threading
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from redis import exceptions
from redis.asyncio.sentinel import MasterNotFoundError

from fixtures.certificates import Authority
from gateway.errors import ConfigurationError
from gateway.redis_client import cause as redis_cause
from gateway.redis_client import open_redis
from gateway.stores.database_errors import cause
from gateway.stores.journal import Journal
from gateway.stores.postgresql import read_url
from gateway.stores.sql import database_url, tell_unverified
from tests.support.databases import SERVER
from tests.support.unit.registry import SEALER

ENCODED = "dans le compte et le secret, écrire @ : / ? # % en %40 %3A %2F %3F %23 %25"
PLACE = SERVER.rpartition("@")[2]
SECRET = "p@ss:w/o#rd%é?&"
QUOTED = "p%40ss%3Aw%2Fo%23rd%25%C3%A9%3F%26"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(Authority(tmp_path_factory.mktemp("autorite")).file)


# ---------------------------------------------------------------- PostgreSQL, accepted


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+asyncpg"])
def test_an_address_of_libpq_is_translated(scheme: str) -> None:
    address = read_url(
        f"{scheme}://qui:{QUOTED}@ici:6432/base?application_name=nuit&connect_timeout=7&options=-cx%3Dy\n"
    )
    assert (address.hosts, address.mode, address.timeout) == ((("ici", 6432),), "prefer", 7.0)
    assert address.arguments == {
        "user": "qui",
        "password": SECRET,
        "database": "base",
        "ssl": "prefer",
        "server_settings": {"application_name": "nuit", "options": "-cx=y"},
    }
    assert SECRET not in repr(address)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://qui:x@a:5433,b:5434/base?target_session_attrs=read-write",
        "postgresql://qui:x@/base?host=a,b&port=5433,5434&target_session_attrs=read-write",
        "postgresql+asyncpg://qui:x@/base?host=a:5433&host=b:5434&target_session_attrs=read-write",
    ],
)
def test_several_hosts_are_tried_in_order(url: str) -> None:
    address = read_url(url)
    assert address.hosts == (("a", 5433), ("b", 5434))
    assert address.arguments["target_session_attrs"] == "read-write"
    assert address.arguments["server_settings"] == {"application_name": "passerelle"}
    assert address.timeout == 2.0


@pytest.mark.parametrize(
    ("authority", "host"), [("[::1]:5433", "::1"), ("%2Fvar%2Frun:5433", "/var/run"), ("ici:5433", "ici")]
)
def test_a_host_is_a_name_an_address_or_a_socket(authority: str, host: str) -> None:
    assert read_url(f"postgresql://{authority}/base").hosts == ((host, 5433),)


@pytest.mark.parametrize(
    ("query", "mode", "verified", "names"),
    [
        ("", "prefer", False, None),
        ("sslmode=disable", "disable", False, None),
        ("sslmode=require", "require", False, False),
        ("ssl=require", "require", False, False),
        ("sslmode=require&sslrootcert={ca}", "require", True, False),
        ("sslmode=verify-ca&sslrootcert={ca}", "verify-ca", True, False),
        ("sslmode=verify-full&sslrootcert={ca}", "verify-full", True, True),
        ("sslrootcert=system", "verify-full", True, True),
        ("sslmode=require&channel_binding=prefer&gssencmode=disable", "require", False, False),
    ],
)
def test_tls_is_what_libpq_makes_of_it(
    authority: str, query: str, mode: str, verified: bool, names: bool | None
) -> None:
    address = read_url(f"postgresql://ici/base?{query.format(ca=authority)}")
    tls = address.arguments["ssl"]
    assert (address.mode, address.verified) == (mode, verified)
    assert (tls.check_hostname if isinstance(tls, ssl.SSLContext) else None) == names


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://ici/base?sslmode=require", True),
        ("postgresql://ici/base", True),
        ("postgresql://ici/base?sslrootcert=system", False),
        ("postgresql://127.0.0.1/base", False),
        ("postgresql://%2Fvar%2Frun/base", False),
        ("sqlite+aiosqlite:///base", False),
    ],
)
def test_a_server_that_nothing_proves_is_told(url: str, told: bool, caplog: pytest.LogCaptureFixture) -> None:
    tell_unverified("journal", url)
    assert [record.getMessage().partition(" (")[0] for record in caplog.records] == (
        ["journal : rien ne prouve quel PostgreSQL répond"] if told else []
    )


# ---------------------------------------------------------------- PostgreSQL, refused at once

READ: dict[str, str] = {
    f"postgresql://qui:{SECRET}@ici/base": f"adresse illisible ; {ENCODED}",
    "postgresql://qui:se@cret@ici/base": f"adresse illisible ; {ENCODED}",
    "postgresql://qui:se/cret@ici/base": f"adresse illisible ; {ENCODED}",
    "postgresql://qui:se#cret@ici/base": f"adresse illisible ; {ENCODED}",
    "postgresql://qui:se?cret@ici/base": f"adresse illisible ; {ENCODED}",
    "postgresql://qui:se?cret=oui@ici/base": f"adresse illisible ; {ENCODED}",
    "postgresql://qui:se%cret@ici/base": f"adresse illisible ; {ENCODED}",
    "postgresql://ici:port/base": f"hôtes ou ports illisibles : hôte:port,hôte:port attendu ; {ENCODED}",
    "postgresql://ici:70000/base": "port de 1 à 65535 attendu",
    "postgresql:///base": f"hôtes ou ports illisibles : hôte:port,hôte:port attendu ; {ENCODED}",
    f"postgresql://{'x' * 64}/base": "nom d'hôte impossible ; corriger l'adresse",
    "postgresql://ici/base?sslmode=oui": "sslmode : disable, allow, prefer, require, verify-ca, verify-full attendu",
    "postgresql://ici/base?sslmode=verify-full": (
        "sslmode=verify-full demande sslrootcert=/chemin/autorité.pem, ou sslrootcert=system"
    ),
    "postgresql://ici/base?sslmode=require&sslrootcert=system": "sslrootcert=system demande sslmode=verify-full",
    "postgresql://ici/base?sslmode=verify-full&sslrootcert=/absent.pem": (
        "un certificat ou sa clé ne se lit pas ; vérifier sslrootcert, sslcert, sslkey, et les droits des fichiers"
    ),
    "postgresql://ici/base?connect_timeout=vite": "connect_timeout : un nombre de secondes attendu",
    "postgresql://ici/base?target_session_attrs=master": (
        "target_session_attrs : any, read-write, primary, read-only, standby, prefer-standby attendu"
    ),
    "postgresql://ici/base?server_settings=search_path": (
        "paramètre « server_settings » inconnu, ou que le pilote n'a pas ; l'ôter (docs/postgresql.md)"
    ),
    "postgresql://ici/base?channel_binding=require": (
        "paramètre « channel_binding » inconnu, ou que le pilote n'a pas ; l'ôter (docs/postgresql.md)"
    ),
    "postgresql://ici/base?prepared_statement_cache_size=0": (
        "paramètre « prepared_statement_cache_size » inconnu, ou que le pilote n'a pas ; l'ôter (docs/postgresql.md)"
    ),
}


@pytest.mark.parametrize("url", READ)
def test_an_address_that_cannot_be_read_is_one_line(url: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        database_url({"GATEWAY_JOURNAL_URL": url}, "GATEWAY_JOURNAL_URL", "")
    assert str(refusal.value) == f"variable d'environnement GATEWAY_JOURNAL_URL : {READ[url]}"


# ---------------------------------------------------------------- PostgreSQL, refused by what answers

OPENED = {
    "postgresql://127.0.0.1:1/base": (
        "ConnectionRefusedError : connexion refusée ; démarrer le serveur, ou corriger l'hôte et le port"
    ),
    "postgresql://absent.invalid/base": "gaierror : nom d'hôte inconnu ; corriger l'adresse",
    "postgresql://%2Fabsent/base": "FileNotFoundError : socket absente ; démarrer le serveur, ou corriger le chemin",
    "postgresql://postgres@{place}/absente": "3D000 : base inconnue ; la créer, ou corriger son nom",
    "postgresql://postgres@{place}/postgres?sslmode=require": (
        "le serveur n'offre pas TLS ; l'y activer (ssl = on), ou changer sslmode"
    ),
    "postgresql://postgres@{place}/postgres?target_session_attrs=standby": (
        "aucun serveur n'accepte ces sessions ; promouvoir un réplica, ou corriger les hôtes et target_session_attrs"
    ),
    "postgresql://postgres@{place}/postgres?options=-cdefault_transaction_read_only%3Don": (
        "25006 : lecture seule ; nommer le primaire, ou tous les serveurs et target_session_attrs=read-write"
    ),
    "postgresql://postgres@{place}/postgres?options=-csearch_path%3Dabsent": (
        "3F000 : aucun schéma où écrire ; ALTER ROLE … SET search_path"
    ),
    "sqlite+aiosqlite:////absent/journal.sqlite": (
        "SQLITE_CANTOPEN : fichier impossible à ouvrir ; vérifier le dossier et ses droits"
    ),
}


@pytest.mark.anyio
@pytest.mark.parametrize("url", OPENED)
async def test_a_database_that_cannot_be_used_is_one_line(postgresql: str, url: str) -> None:
    """What the session's PostgreSQL does not do is tried by `make infrastructure`: TLS, secrets, rights."""
    journal = Journal(url.format(place=PLACE), SEALER)
    with pytest.raises(ConfigurationError) as refusal:
        await journal.open()
    await journal.close()
    # aiosqlite stops the thread of a file that does not open, and waits for it no more: it ends while there is a loop to tell.
    for thread in [one for one in threading.enumerate() if one.name.endswith("(_connection_worker_thread)")]:
        await asyncio.to_thread(thread.join, 10)
    assert str(refusal.value) == f"journal : base inutilisable ({OPENED[url]})"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (asyncpg.InvalidPasswordError("x"), "28P01 : mot de passe refusé ; corriger le compte ou le secret"),
        (
            asyncpg.InsufficientPrivilegeError("x"),
            "42501 : droit manquant ; GRANT USAGE, CREATE sur le schéma, et les tables au compte",
        ),
        (
            asyncpg.TooManyConnectionsError("x"),
            "53300 : plus de connexion libre ; relever max_connections, ou passer par PgBouncer",
        ),
        (asyncpg.DiskFullError("x"), "53100 : disque plein ; libérer de la place"),
        (asyncpg.CannotConnectNowError("x"), "57P03 : serveur qui démarre ou s'arrête ; attendre"),
        (
            asyncpg.AdminShutdownError("x"),
            "57P01 : connexion coupée par le serveur ; attendre son redémarrage, ou regarder son journal",
        ),
        (asyncpg.UniqueViolationError("x"), "23505 : regarder le journal du serveur"),
        (TimeoutError(), "TimeoutError : pas de réponse ; regarder le réseau et le serveur"),
        (KeyError("Nom"), "KeyError"),
    ],
)
def test_a_cause_is_told_by_its_code(error: Exception, told: str) -> None:
    assert cause(error) == told


# ---------------------------------------------------------------- Redis

FORM = (
    "memory://, redis[s]://[compte:secret@]hôte:port/base,"
    " redis[s]+sentinel://[compte:secret@]hôte:port,hôte:port/nom/base attendu"
)
OPTION = "une option après « ? » est inconnue ou impossible ; l'ôter, ou voir docs/redis.md"
FILES = "un certificat ou sa clé ne se lit pas ; vérifier ssl_ca_certs, ssl_certfile et ssl_keyfile, et les droits des fichiers"
REDIS: dict[str, str] = {
    "": FORM,
    "ftp://ici": FORM,
    "redis-cluster://ici": FORM,
    f"redis://qui:{SECRET}@ici": f"adresse illisible ; {ENCODED}",
    "redis://qui:se/cret@ici": f"adresse illisible ; {ENCODED}",
    "redis://qui:se?cret@ici": f"adresse illisible ; {ENCODED}",
    "redis://[ici": f"adresse illisible ; {ENCODED}",
    "redis://ici:port": f"adresse illisible ; {ENCODED}",
    "redis://": "un hôte attendu, puis un numéro de base (/0) ou rien",
    "redis://ici/base": "un hôte attendu, puis un numéro de base (/0) ou rien",
    "redis://ici?db=deux": "une option après « ? » a une valeur impossible",
    "redis://ici?inconnue=1": OPTION,
    "redis://ici?ssl_ca_certs=/ca.pem": "une option ssl_… sans TLS : écrire rediss:// au lieu de redis://",
    "rediss://ici?ssl_cert_reqs=peut-etre": OPTION,
    "rediss://ici?ssl_ca_certs=/absent.pem": FILES,
    "redis+sentinel://a:26379,b:26379": (
        "le nom que les Sentinel donnent au primaire attendu après les hôtes : …/nom, ou …/nom/base"
    ),
    "redis+sentinel://a:port/nom": f"hôte ou port illisible ; {ENCODED}",
    "redis+sentinel:///nom": f"hôte ou port illisible ; {ENCODED}",
}


@pytest.mark.parametrize("url", REDIS)
def test_an_address_of_redis_that_cannot_serve_is_one_line(url: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        open_redis(url)
    assert str(refusal.value) == f"GATEWAY_CACHE_URL : {REDIS[url]}"


def opened(url: str) -> Any:
    """The pool of a client."""
    return open_redis(url).connection_pool


def options(url: str) -> dict[str, Any]:
    return dict(opened(url).connection_kwargs)


def test_the_parts_of_an_address_of_redis_are_kept() -> None:
    told = options(f"redis://qui:{QUOTED}@ici:6380/3\n")
    assert [told[name] for name in ("username", "password", "host", "port", "db")] == ["qui", SECRET, "ici", 6380, 3]
    assert options("unix:///var/run/redis.sock?db=2")["path"] == "/var/run/redis.sock"


@pytest.mark.parametrize("url", ["rediss://ici?ssl_ca_certs={ca}", "rediss+sentinel://a,b/nom?ssl_ca_certs={ca}"])
def test_all_connections_share_one_tls_context(authority: str, url: str) -> None:
    """redis-py reads the authorities again for each: 24 ms of the loop, tens at once on a cold start."""
    pool = opened(url.format(ca=authority))
    contexts = {id(pool.make_connection().ssl_context.get()) for _ in range(3)}
    sentinels = [client.connection_pool for client in pool.sentinel_manager.sentinels] if "sentinel" in url else []
    contexts |= {id(one.make_connection().ssl_context.get()) for one in sentinels}
    context = pool.make_connection().ssl_context.get()
    assert len(contexts) == 1
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_sentinels_are_named_with_accounts_of_their_own() -> None:
    pool = opened("redis+sentinel://qui:x@a:1,b,[::1]:3/nom/4?sentinel_username=garde&sentinel_password=y")
    assert (pool.service_name, pool.connection_kwargs["db"], pool.connection_kwargs["password"]) == ("nom", 4, "x")
    named = [client.connection_pool.connection_kwargs for client in pool.sentinel_manager.sentinels]
    assert [(one["host"], one["port"]) for one in named] == [("a", 1), ("b", 26379), ("::1", 3)]
    assert {(one["username"], one["password"]) for one in named} == {("garde", "y")}


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (exceptions.AuthenticationError("x"), "AuthenticationError : compte ou secret refusé ; corriger l'adresse"),
        (
            exceptions.NoPermissionError("x"),
            "NoPermissionError : droit manquant (ACL) ; donner au compte les clés passerelle:",
        ),
        (exceptions.ReadOnlyError("x"), "ReadOnlyError : réplica en lecture seule ; nommer le primaire"),
        (exceptions.OutOfMemoryError("x"), "OutOfMemoryError : mémoire pleine ; relever maxmemory"),
        (exceptions.BusyLoadingError("x"), "BusyLoadingError : Redis charge ses données ; attendre"),
        (exceptions.MovedError("3999 ici:1"), "MovedError : Redis Cluster n'est pas pris en charge"),
        (exceptions.ClusterCrossSlotError("x"), "ClusterCrossSlotError : Redis Cluster n'est pas pris en charge"),
        (exceptions.MasterDownError("x"), "MasterDownError : réplica en lecture seule"),
        (MasterNotFoundError("x"), "MasterNotFoundError : aucun Sentinel ne nomme le primaire"),
        (TimeoutError(), "TimeoutError : délai dépassé ; regarder sa charge et le réseau"),
        (exceptions.ResponseError("Nom"), "ResponseError : voir le journal de Redis"),
    ],
)
def test_why_redis_fails_is_told_with_what_to_do(error: Exception, told: str) -> None:
    assert redis_cause(error).replace("~passerelle:*", "passerelle:").startswith(told)
    assert "Nom" not in redis_cause(error)


def test_the_documentation_names_what_is_accepted() -> None:
    page = Path("docs/postgresql.md").read_text(encoding="utf-8")
    for name in ("sslmode", "sslrootcert", "target_session_attrs", "connect_timeout", "application_name", "options"):
        assert f"`{name}`" in page

"""Commands of an operator over the reading journal: verify its chain, tell who read a person, forget what is too old."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from gateway.audit.entries import act, rows
from gateway.audit.known_as import known_as
from gateway.audit.retention import purge
from gateway.auth.authentication.clients import windows
from gateway.config import Configuration, load
from gateway.domain.days import paris_day
from gateway.domain.seal import Anchor, OpaqueIds
from gateway.errors import ClockNotBelieved, ConfigurationError, JournalUnavailable, LinksUnavailable
from gateway.federation.ids.assign import derivation
from gateway.server.services import build_journal, build_links
from gateway.stores.derive_counts import count_again
from gateway.stores.journal import Journal, JournalEntry
from gateway.stores.journal_queries import readings_of, verify_chain, verify_counts
from gateway.stores.journal_tables import JournalTampered, pack, pseudonym
from gateway.stores.links import LinkStore


async def verify(anchor: str | None) -> tuple[bool, str]:
    """True when the chain is whole, and the line that says so. Raises ConfigurationError for an anchor that is none."""
    expected = _anchor(anchor) if anchor else None
    configuration = load()
    today = paris_day(configuration.now())
    async with _closed_after(configuration) as readings_journal:
        await readings_journal.prepare()  # no more: what an altered end is worth is for the verification to tell
        verification = await verify_chain(readings_journal, expected)
        if verification.fault is None:
            verification = replace(verification, fault=await verify_counts(readings_journal, windows(today), today))
    first, last = verification.first, verification.last
    whole = f"journal intègre, entrées {first} à {last.numero} ; ancre {last}"
    return not verification.fault, verification.fault or whole


async def who_read(identifier: str) -> list[str]:
    """The readings of a person, a line each, under whatever id of hers. The question is itself written.

    Raises ConfigurationError.
    """
    configuration = load()
    opaque_ids = OpaqueIds(configuration.sealer)
    opened = opaque_ids.open(identifier)
    if opened is None or opened[0] != "Jeune":
        raise ConfigurationError("identifiant de jeune attendu, tel que le graphe l'a donné")
    code = pack([pseudonym(configuration.sealer, opened[1])]).hex()
    question = JournalEntry(act("CONSULTATION", configuration.now(), identifiant=code))
    try:
        async with _closed_after(configuration) as readings_journal, _links(configuration) as links:
            await readings_journal.open()
            await readings_journal.append(question)
            ids, records = await known_as(opened[1], links, readings_journal, derivation(opaque_ids))
            return [rows(content, ranks) for content, ranks in await readings_of(readings_journal, ids, records)]
    except LinksUnavailable:
        raise ConfigurationError("base des liens inutilisable : rien ne dit sous quels identifiants chercher") from None
    except JournalUnavailable:
        raise ConfigurationError("journal : la question ne peut y être écrite, rien n'est dit") from None
    except (JournalTampered, ValueError, KeyError, TypeError) as error:  # an entry that is not as it was written
        told = error if isinstance(error, JournalTampered) else "une entrée est illisible"
        raise ConfigurationError(f"{told} ; lancer « journal verifier »") from None


async def make_counts() -> int:
    """Make the counters of quotas again from the entries; return how many there are. Raises ConfigurationError."""
    configuration = load()
    today = paris_day(configuration.now())
    try:
        async with _closed_after(configuration) as readings_journal:
            await readings_journal.open()
            return await count_again(readings_journal, windows(today), today)
    except JournalTampered as error:
        raise ConfigurationError(f"journal altéré, rien n'est recompté : {error}") from None


async def forget(*, confirmed: bool) -> int:
    """Forget what is older than the configuration says; return how many entries. `confirmed`: the clock is right, however far
    it is from what was last seen. Raises ConfigurationError."""
    configuration = load()
    try:
        async with _closed_after(configuration) as readings_journal:
            await readings_journal.open()
            return await purge(readings_journal, configuration, configuration.now(), confirmed=confirmed)
    except JournalTampered as error:
        raise ConfigurationError(f"journal altéré, rien n'est purgé : {error}") from None
    except ClockNotBelieved as error:
        raise ConfigurationError(str(error)) from None
    except (TimeoutError, JournalUnavailable):
        raise ConfigurationError("journal : la base ne répond pas, ou ne peut être écrite") from None


@asynccontextmanager
async def _links(configuration: Configuration) -> AsyncIterator[LinkStore]:
    links = build_links(configuration, os.environ)
    try:
        yield links
    finally:
        await links.close()


@asynccontextmanager
async def _closed_after(configuration: Configuration) -> AsyncIterator[Journal]:
    readings_journal = build_journal(configuration, os.environ)
    try:
        yield readings_journal
    finally:
        await readings_journal.close()


def _anchor(text: str) -> Anchor:
    try:
        return Anchor.read(text)
    except ValueError:
        raise ConfigurationError("ancre : numéro:empreinte attendu, tel que le journal du service la donne") from None

"""Erases one person from what the gateway keeps of its own, for a data protection officer: first written in the journal.

What other systems tell is theirs to erase. `ERASURES` is the one place where a store joins: each finds what it holds of an exact
identity, says it in a line that names no one, and erases it for good.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain

from gateway.audit.entries import act
from gateway.config import Configuration, load
from gateway.domain.official_numbers import normalise_nom
from gateway.domain.seal import OpaqueIds
from gateway.environment import ENVIRONMENT
from gateway.errors import CommandFailed, JournalUnavailable, LinksUnavailable, WritesUnavailable
from gateway.federation.ids.identity_lookup import AskedIdentity, asked_identity, ids_of_identity
from gateway.reception.erasure import ReceivedErasure
from gateway.server.services import build_journal, build_links, build_receptions, build_writes
from gateway.stores.journal import JournalEntry
from gateway.stores.journal_tables import JournalTampered, pack, pseudonym
from gateway.stores.links import LinkStore
from gateway.stores.receptions import ReceptionUnavailable
from gateway.writes.sealed_body import person_name


@dataclass(frozen=True, slots=True)
class Erasure:
    """What one store holds of an identity. `lines`: what was found, told without a value; `erase`: how much of it was erased."""

    name: str
    count: int
    lines: Sequence[str]
    erase: Callable[[datetime], Awaitable[int]]


@asynccontextmanager
async def _received(configuration: Configuration, asked: AskedIdentity) -> AsyncIterator[Erasure]:
    """The dossiers that ERPs transmitted."""
    store = build_receptions(configuration, ENVIRONMENT)
    try:
        await store.open()
        erasure = ReceivedErasure(store, configuration.sealer)
        found = await erasure.find(asked.exact)
        lines = [f"dossier {one.id_erp} de {one.uai}, année scolaire {one.annee}" for one in found]
        yield Erasure("dossiers transmis", len(found), lines, lambda now: erasure.erase(found, now))
    except ReceptionUnavailable as error:
        raise CommandFailed(f"réceptions : base inutilisable ({error}), rien n'y est effacé") from None
    finally:
        await store.close()


@asynccontextmanager
async def _written(configuration: Configuration, asked: AskedIdentity) -> AsyncIterator[Erasure]:
    """What was written through the gateway, of each person whom the ledger knows under that identity."""
    store, sealer = build_writes(configuration, ENVIRONMENT), configuration.sealer
    try:
        await store.open()
        async with _ledger(configuration) as links:
            found = await ids_of_identity(asked, links)
        known = {_id(configuration, keys): [person_name(sealer, key) for key in keys] for keys in found}
        counts = {one: number for one, names in known.items() if (number := await store.count_of(names))}
        lines = [f"{number} de la personne {one}" for one, number in counts.items()]
        yield Erasure("écritures", sum(counts.values()), lines, lambda now: store.erase([*chain(*known.values())], now))
    except WritesUnavailable as error:
        raise CommandFailed(f"écritures : base inutilisable ({error}), rien n'y est effacé") from None
    finally:
        await store.close()


@asynccontextmanager
async def _linked(configuration: Configuration, asked: AskedIdentity) -> AsyncIterator[Erasure]:
    """The links of her records. Last: it is by them that what was written of her is found."""
    async with _ledger(configuration) as links:
        known = [await links.person(min(keys)) for keys in await ids_of_identity(asked, links)]
        lines = [f"{len(keys)} de la personne {_id(configuration, same)}" for same, keys in known]
        objects = frozenset(chain(*(same for same, _ in known)))
        yield Erasure("liens", sum(len(keys) for _, keys in known), lines, lambda _: links.erase(objects))


def _id(configuration: Configuration, keys: frozenset[str]) -> str:
    """By which the graph, and `journal personne`, know her."""
    return OpaqueIds(configuration.sealer).seal("Jeune", min(keys))


@asynccontextmanager
async def _ledger(configuration: Configuration) -> AsyncIterator[LinkStore]:
    links = build_links(configuration, ENVIRONMENT)
    try:
        yield links
    except LinksUnavailable:
        raise CommandFailed("base des liens inutilisable : rien ne dit sous quels identifiants chercher") from None
    finally:
        await links.close()


Opening = Callable[[Configuration, AskedIdentity], AbstractAsyncContextManager[Erasure]]
ERASURES: tuple[Opening, ...] = (_received, _written, _linked)


async def erase_person(nom: str, prenom: str, naissance: date, *, confirmed: bool) -> str:
    """Erase what is kept of a person, or only tell what would be; the lines that say so. Raises CommandFailed."""
    if not (normalise_nom(nom) and normalise_nom(prenom)):
        raise CommandFailed("--nom et --prenom : des lettres attendues")
    configuration = load()
    asked = asked_identity(nom, prenom, naissance, OpaqueIds(configuration.sealer))
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(opening(configuration, asked)) for opening in ERASURES]
        lines = [f"{one.name} : {line}" for one in opened for line in one.lines]
        if not confirmed or not lines:
            return "\n".join([*lines, "rien n'est effacé : ajouter --confirmer" if lines else "rien n'est gardé"])
        await _write(configuration, asked.code, {one.name: one.count for one in opened if one.count})
        done = [f"{one.name} : {await one.erase(configuration.now())} effacé(s)" for one in opened if one.count]
        again = ["les renvois de ces dossiers seront écartés"] if opened[0].count else []
    return "\n".join([*lines, *done, *again])


async def _write(configuration: Configuration, asked: str, told: dict[str, int]) -> None:
    """First in the journal: what cannot be written there is not done."""
    code = pack([pseudonym(configuration.sealer, asked)]).hex()
    readings_journal = build_journal(configuration, ENVIRONMENT)
    try:
        await readings_journal.open()
        await readings_journal.append(
            JournalEntry(act("EFFACEMENT", configuration.now(), identifiant=code, effaces=told))
        )
    except (JournalUnavailable, JournalTampered):
        raise CommandFailed("journal : l'effacement ne peut y être écrit, rien n'est effacé") from None
    finally:
        await readings_journal.close()

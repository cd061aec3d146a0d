"""Erases one person from what the gateway keeps of its own, for a data protection officer: first written in the journal.

What other systems tell is theirs to erase. `ERASURES` is the one place where a store joins: each finds what it holds of an exact
identity, says it in a line that names no one, and erases it for good.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from gateway.audit.entries import act
from gateway.config import Configuration, load
from gateway.domain.identifiers import identity_key, normalise_nom
from gateway.domain.seal import OpaqueIds
from gateway.environment import ENVIRONMENT
from gateway.errors import CommandFailed, JournalUnavailable
from gateway.federation.ids.assign import identities
from gateway.reception.erasure import FoundDossier, ReceivedErasure
from gateway.server.services import build_journal, build_receptions
from gateway.stores.journal import JournalEntry
from gateway.stores.journal_tables import JournalTampered, pack, pseudonym
from gateway.stores.receptions import ReceptionUnavailable


class Erasure(Protocol):
    """What one store holds of an identity. `lines`: what was found, told without a value; `erase`: how many were erased."""

    name: str

    @property
    def lines(self) -> list[str]: ...

    async def erase(self, now: datetime) -> int: ...


@dataclass
class _Received:
    """The dossiers that ERPs transmitted."""

    erasure: ReceivedErasure
    found: list[FoundDossier]
    name: str = "dossiers transmis"

    @property
    def lines(self) -> list[str]:
        return [f"dossier {one.id_erp} de {one.uai}, année scolaire {one.annee}" for one in self.found]

    async def erase(self, now: datetime) -> int:
        return await self.erasure.erase(self.found, now)


@asynccontextmanager
async def _received(configuration: Configuration, identity: str) -> AsyncIterator[Erasure]:
    store = build_receptions(configuration, ENVIRONMENT)
    try:
        await store.open()
        erasure = ReceivedErasure(store, configuration.sealer)
        yield _Received(erasure, await erasure.find(identity))
    except ReceptionUnavailable as error:
        raise CommandFailed(f"réceptions : base inutilisable ({error}), rien n'y est effacé") from None
    finally:
        await store.close()


Opening = Callable[[Configuration, str], AbstractAsyncContextManager[Erasure]]
ERASURES: tuple[Opening, ...] = (_received,)


async def erase_person(nom: str, prenom: str, naissance: date, *, confirmed: bool) -> str:
    """Erase what is kept of a person, or only tell what would be; the lines that say so. Raises CommandFailed."""
    if not (normalise_nom(nom) and normalise_nom(prenom)):
        raise CommandFailed("--nom et --prenom : des lettres attendues")
    configuration = load()
    async with AsyncExitStack() as stack:
        identity = identity_key(nom, prenom, naissance)
        opened = [await stack.enter_async_context(opening(configuration, identity)) for opening in ERASURES]
        lines = [f"{one.name} : {line}" for one in opened for line in one.lines]
        if not confirmed or not lines:
            return "\n".join([*lines, "rien n'est effacé : ajouter --confirmer" if lines else "rien n'est gardé"])
        told = {one.name: len(one.lines) for one in opened}
        await _write(configuration, identities(nom, prenom, naissance, OpaqueIds(configuration.sealer).pseudonym), told)
        done = [f"{one.name} : {await one.erase(configuration.now())} effacé(s)" for one in opened]
    return "\n".join([*lines, *done, "les renvois de ces dossiers seront écartés"])


async def _write(configuration: Configuration, asked: frozenset[str], told: dict[str, int]) -> None:
    """First in the journal: what cannot be written there is not done."""
    code = pack([pseudonym(configuration.sealer, min(asked))]).hex()
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

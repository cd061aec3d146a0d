"""Commands of an operator over the reading journal: verify its chain, tell who read a person, forget what is too old."""

import csv
import io
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date
from typing import Any

from gateway.audit.entries import act, reading_of
from gateway.audit.known_ids import known_as
from gateway.audit.retention import purge
from gateway.auth.authentication.clients import ORGANISATION_ALERT, RegisteredClient, read_clients, windows
from gateway.config import Configuration, load
from gateway.domain.days import paris_day
from gateway.domain.quota_rules import MARGIN
from gateway.domain.seal import Anchor, OpaqueIds
from gateway.environment import ENVIRONMENT
from gateway.errors import ClockNotBelieved, CommandFailed, JournalUnavailable, LinksUnavailable
from gateway.federation.ids.id_assigner import derivation
from gateway.federation.ids.identity_lookup import asked_identity, ids_of_identity
from gateway.server.services import build_journal, build_links
from gateway.stores.derive_counts import count_again
from gateway.stores.journal import Journal, JournalEntry
from gateway.stores.journal_gap import Level, resume
from gateway.stores.journal_queries import readings_of, verify_chain, verify_counts
from gateway.stores.journal_tables import JournalTampered, pack, pseudonym
from gateway.stores.links import LinkStore

REASON_MAX = 200
COLUMNS = ("quand", "profil", "organisation", "compte", "client", "finalite", "champs", "requete", "nom")


async def verify(anchor: str | None) -> tuple[bool, str]:
    """True when the chain is whole, and the line that says so. Raises CommandFailed for an anchor that is none."""
    expected = read_anchor(anchor) if anchor else None
    configuration = load()
    today = paris_day(configuration.now())
    async with _closed_after(configuration) as readings_journal:
        await readings_journal.prepare()  # no more: what an altered end is worth is for the verification to tell
        verification = await verify_chain(readings_journal, expected)
        if verification.fault is None:
            verification = replace(verification, fault=await verify_counts(readings_journal, windows(today), today))
    first, last = verification.first, verification.last
    gaps = "".join(f"{gap} ; " for gap in verification.gaps)
    whole = f"journal intègre, entrées {first} à {last.numero} ; {gaps}ancre {last}"
    return not verification.fault, verification.fault or whole


async def who_read(identifier: str) -> list[dict[str, Any]]:
    """The readings of a person, under whatever id of hers. The question is itself written. Raises CommandFailed."""
    configuration = load()
    opaque_ids = OpaqueIds(configuration.sealer)
    opened = opaque_ids.open(identifier)
    if opened is None or opened[0] != "Jeune":
        raise CommandFailed("identifiant de jeune attendu, tel que le graphe l'a donné")
    clients = read_clients(configuration.root / "clients.toml")
    async with _asked_of(configuration, opened[1]) as (readings_journal, links):
        ids, records = await known_as(opened[1], links, readings_journal, derivation(opaque_ids))
        readings = [reading_of(*found) for found in await readings_of(readings_journal, ids, records)]
        return [{**reading, "nom": _name(reading, clients)} for reading in readings]


async def id_of(nom: str, prenom: str, naissance: date) -> str:
    """The id of who bears an identity, spelled as one of the sources does but for case, accents and marks.

    No source is asked: the ledger knows identities by their stand-ins. The question is itself written, though it finds nobody.
    Raises CommandFailed for nobody, and for several: what was read of one is not the other's to know.
    """
    configuration = load()
    opaque_ids = OpaqueIds(configuration.sealer)
    asked = asked_identity(nom, prenom, naissance, opaque_ids)
    async with _asked_of(configuration, asked.code) as (_, links):
        ids = sorted(opaque_ids.seal("Jeune", min(same)) for same in await ids_of_identity(asked, links))
    if not ids:
        raise CommandFailed(
            "personne de connu sous ce nom, ce prénom et cette date de naissance exacts ; à défaut, chercher son identifiant "
            "dans le graphe (rechercheJeune, qui tolère les fautes)"
        )
    if len(ids) > 1:
        raise CommandFailed(f"{len(ids)} personnes sont ainsi connues, à demander une par une : {' '.join(ids)}")
    return ids[0]


def written_as(form: str, readings: Sequence[Mapping[str, Any]]) -> str:
    """Readings as a text: `json`, `csv` (RFC 4180), or `texte`, by columns that tabulations end; both begin by their names."""
    if form == "json":
        return json.dumps(readings, ensure_ascii=False, indent=2)
    rows = [[_cell(form, name, reading[name]) for name in COLUMNS] for reading in readings]
    if form == "texte":
        return "\n".join("\t".join(row) for row in (COLUMNS, *rows))
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows([COLUMNS, *rows])
    return table.getvalue().removesuffix("\n")


def _cell(form: str, name: str, value: Any) -> str:
    text = ",".join(value) if isinstance(value, list) else value or ""
    if name == "compte" and form == "texte":
        return json.dumps(text, ensure_ascii=True)  # its same chose it: no letter of it may move the others
    # A spreadsheet would compute what begins so.
    return f"'{text}" if form == "csv" and text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _name(reading: Mapping[str, Any], clients: Mapping[str, RegisteredClient]) -> str:
    """Who read, as the register calls it; a client that left it, by another of its organisation."""
    same = {name: client.nom for name, client in clients.items() if _is_of(client, reading)}
    return same.get(reading["client"]) or next(iter(same.values()), "")


def _is_of(client: RegisteredClient, reading: Mapping[str, Any]) -> bool:
    return (client.profil.value, client.organisation) == (reading["profil"], reading["organisation"])


async def make_counts() -> int:
    """Make the counters of quotas again from the entries; return how many there are. Raises CommandFailed."""
    configuration = load()
    today = paris_day(configuration.now())
    try:
        async with _closed_after(configuration) as readings_journal:
            await readings_journal.open()
            return await count_again(readings_journal, windows(today), today)
    except JournalTampered as error:
        raise CommandFailed(f"journal altéré, rien n'est recompté : {error}") from None


async def tell_gap(anchor: str, reason: str) -> str:
    """Have a journal that was restored go on, behind a signed gap; the line that says so. Raises CommandFailed."""
    configuration, lost_end = load(), read_anchor(anchor)
    now = configuration.now()
    if not reason.isprintable() or not 0 < len(reason) <= REASON_MAX:
        raise CommandFailed(f"--motif : de 1 à {REASON_MAX} caractères imprimables, sans rien d'une personne")

    def content(end: Anchor) -> bytes:
        return act("REPRISE", now, fin=str(end), ancre=str(lost_end), motif=reason)

    try:
        async with _closed_after(configuration) as readings_journal:
            await readings_journal.open()
            since = windows(paris_day(now))["ORGANISATION"]
            gap = await resume(readings_journal, content, lost_end, since, _alert_levels(configuration))
    except JournalTampered as error:
        raise CommandFailed(f"journal altéré, il ne reprend pas : {error}") from None
    except JournalUnavailable:
        raise CommandFailed("journal : il ne peut être écrit") from None
    if gap is None:
        raise CommandFailed("rien n'est perdu : le journal va jusqu'à cette ancre, ou plus loin")
    return f"journal repris : {gap}"


def _alert_levels(configuration: Configuration) -> Level:
    """How many persons an organisation is told to have read at least: an alert, and a tenth of its quota left."""
    clients = read_clients(configuration.root / "clients.toml").values()
    told = [(f"{one.role.value}/{one.organisation}", one.quota_organisation_30_jours) for one in clients]

    def level(who: str, population: int) -> int:
        limits = [limit for organisation, limit in told if organisation == who and limit is not None]
        return int(ORGANISATION_ALERT * min(limits, default=int(MARGIN * population)))

    return level


async def forget(*, confirmed: bool) -> int:
    """Forget what is older than the configuration says; return how many entries. `confirmed`: the clock is right, however far
    it is from what was last seen. Raises CommandFailed."""
    configuration = load()
    try:
        async with _closed_after(configuration) as readings_journal:
            await readings_journal.open()
            return await purge(readings_journal, configuration, configuration.now(), confirmed=confirmed)
    except JournalTampered as error:
        raise CommandFailed(f"journal altéré, rien n'est purgé : {error}") from None
    except ClockNotBelieved as error:
        raise CommandFailed(str(error)) from None
    except (TimeoutError, JournalUnavailable):
        raise CommandFailed("journal : la base ne répond pas, ou ne peut être écrite") from None


@asynccontextmanager
async def _asked_of(configuration: Configuration, key: str) -> AsyncIterator[tuple[Journal, LinkStore]]:
    """The journal and the ledger, once it is written that a question is asked of what this key designates."""
    code = pack([pseudonym(configuration.sealer, key)]).hex()
    question = JournalEntry(act("CONSULTATION", configuration.now(), identifiant=code))
    try:
        async with _closed_after(configuration) as readings_journal, _links(configuration) as links:
            await readings_journal.open()
            await readings_journal.append(question)
            yield readings_journal, links
    except LinksUnavailable:
        raise CommandFailed("base des liens inutilisable : rien ne dit sous quels identifiants chercher") from None
    except JournalUnavailable:
        raise CommandFailed("journal : la question ne peut y être écrite, rien n'est dit") from None
    except (JournalTampered, ValueError, KeyError, TypeError) as error:  # an entry that is not as it was written
        told = error if isinstance(error, JournalTampered) else "une entrée est illisible"
        raise CommandFailed(f"{told} ; lancer « journal verifier »") from None


@asynccontextmanager
async def _links(configuration: Configuration) -> AsyncIterator[LinkStore]:
    links = build_links(configuration, ENVIRONMENT)
    try:
        yield links
    finally:
        await links.close()


@asynccontextmanager
async def _closed_after(configuration: Configuration) -> AsyncIterator[Journal]:
    readings_journal = build_journal(configuration, ENVIRONMENT)
    try:
        yield readings_journal
    finally:
        await readings_journal.close()


def read_anchor(text: str) -> Anchor:
    """Raises CommandFailed."""
    try:
        return Anchor.read(text)
    except ValueError:
        raise CommandFailed("ancre : numéro:empreinte attendu, tel que le journal du service la donne") from None

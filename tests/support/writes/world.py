"""A small world that is written to: drawn people, the whole gateway over them, a real store of writes and a real journal."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from gateway.auth.authentication.clients import Viewer
from gateway.domain.seal import Sealer
from gateway.federation.collect.collector import LiveSources
from gateway.operation import Gateway
from gateway.stores.journal import Journal
from gateway.stores.write_store import WriteStore
from gateway.writes.accept_write import NoDestination, Writes
from gateway.writes.pending_writes import PendingWrites
from tests.support.access.small_world import IDS, RECEIVED, Inhabitant, SmallWorld, caller
from tests.support.access.tools import POLICY

SEALER = Sealer(bytes(32))
CFA, OTHER_CFA = "0600001A", "0770001H"
ML, OTHER_ML = "60001", "60002"
ADVISER, STRANGER = caller("MISSION_LOCALE", ML), caller("MISSION_LOCALE", OTHER_ML)
SCHOOL, OTHER_SCHOOL = caller("CFA", CFA), caller("CFA", OTHER_CFA)
_KEYS = count()

NOTE = """mutation($saisie: SaisieSuivi!) { noterSuivi(saisie: $saisie) {
  ecriture { id acte etat essais rejouee acceptee: accepteeLe }
  jeune { id suivi { situation situationAutre commentaire dejaConnu ecriture version historique { situation } } }
  erreurs { code champ message } } }"""
ASK = """mutation($saisie: SaisieAccompagnement!) { demanderAccompagnement(saisie: $saisie) {
  ecriture { id etat rejouee } erreurs { code champ } jeune { id } } }"""
REPLY = """mutation($saisie: SaisieReponse!) { repondreAccompagnement(saisie: $saisie) {
  ecriture { id etat } erreurs { code champ } } }"""
DECLARE = """mutation($saisie: SaisieRupture!) { declarerRupture(saisie: $saisie) {
  ecriture { id etat } erreurs { code champ } rupture { id date joursDepuis sources } jeune { statut { valeur depuis } } } }"""
WITHDRAW = """mutation($cle: ID!, $ecriture: ID!) { abandonnerEcriture(cle: $cle, ecriture: $ecriture) {
  ecriture { id etat rejouee } erreurs { code champ } } }"""
RESUME = WITHDRAW.replace("abandonnerEcriture", "reprendreEcriture")
WRITES = "{ ecritures { totalCount nodes { id acte etat motif essais } } }"
REQUEST: dict[str, Any] = {
    "motifs": ["LOGEMENT", "MOBILITE"],
    "precisions": [{"motif": "LOGEMENT", "texte": "à la rue"}],
    "referent": "Référente fictive",
    "telephoneVerifie": "06 39 98 12 34",
    "encoreAuCfa": False,
    "causeRupture": "fermeture",
    "note": "le matin",
}


def key() -> str:
    """A key that served nothing yet."""
    return f"cle-de-test-{next(_KEYS):08}"


def somebody(numero: int = 0, statut: str = "RUPTURANT", **facts: Any) -> Inhabitant:
    """Who lives in the territory of ML and trains at CFA, 20 years old."""
    known: dict[str, Any] = {
        "mission_locale": ML,
        "cfa": CFA,
        "followed_by": frozenset(),
        "age": 20,
        "rqth": False,
        "collaboration": False,
        "souhaite_rdv": False,
    }
    return Inhabitant(numero=numero, statut=statut, **{**known, **facts})


@dataclass
class WrittenWorld:
    """The gateway of one process. `url`: of the store of writes, which another process may share."""

    world: SmallWorld
    gateway: Gateway
    writes: Writes
    store: WriteStore
    journal: Journal
    instant: datetime = RECEIVED

    async def ask(self, viewer: Viewer, text: str, **variables: Any) -> dict[str, Any]:
        """The answer, as its JSON document."""
        return await self.world.request(viewer, text, **variables)

    async def write(self, viewer: Viewer, text: str, **saisie: Any) -> Any:
        """What the only field of a mutation answers."""
        answer = await self.ask(viewer, text, saisie={"cle": key(), **saisie})
        assert "errors" not in answer, answer
        (result,) = answer["data"].values()
        return result

    async def jeune(self, viewer: Viewer, fields: str, numero: int = 0) -> Any:
        """What a caller reads of somebody; None for who is not in sight."""
        answer = await self.ask(viewer, f"{{ jeunes(first: 100) {{ nodes {{ nom {fields} }} }} }}")
        found = [one for one in answer["data"]["jeunes"]["nodes"] if (one["nom"] or "").startswith(f"Nom{numero} ")]
        return found[0] if found else None

    async def id_of(self, viewer: Viewer, numero: int = 0) -> str:
        """The id of somebody."""
        return str((await self.jeune(viewer, "id", numero))["id"])

    async def entries(self) -> list[dict[str, Any]]:
        """The entries of the journal, as they are written."""
        import orjson  # noqa: PLC0415 - of this helper only
        from sqlalchemy import select  # noqa: PLC0415

        from gateway.stores.journal_tables import ENTRIES  # noqa: PLC0415

        async with self.journal.engine.connect() as connection:
            rows = await connection.execute(select(ENTRIES.c.contenu).order_by(ENTRIES.c.numero))
            return [orjson.loads(row.contenu) for row in rows]

    def later(self, **delay: float) -> None:
        """Let time pass on the gateway's clock."""
        self.instant += timedelta(**delay)


def journal_url(folder: Path) -> str:
    """Of the journal of a process of that folder."""
    return f"sqlite+aiosqlite:///{folder / 'journal.sqlite'}"


@asynccontextmanager
async def written_world(
    folder: Path,
    people: Sequence[Inhabitant],
    *,
    url: str = "",
    live_sources: LiveSources | None = None,
    make_store: Callable[[str], WriteStore] = WriteStore,
    make_journal: Callable[[str, Sealer], Journal] = Journal,
    world: SmallWorld | None = None,
) -> AsyncIterator[WrittenWorld]:
    """A process over stores of that folder; `world`: what it reads, made already, and its own to change."""
    store = make_store(url or f"sqlite+aiosqlite:///{folder / 'ecritures.sqlite'}")
    journal = make_journal(journal_url(folder), SEALER)
    await store.open()
    await journal.open()
    world = world or SmallWorld(people, live_sources=live_sources)
    made: list[WrittenWorld] = []
    writes = Writes(
        store=store,
        pending=PendingWrites(store, SEALER, IDS),
        journal=journal,
        sealer=SEALER,
        opaque_ids=IDS,
        policy=POLICY,
        destinations=NoDestination(),
        now=lambda: made[0].instant,
    )
    world.gateway = replace(world.gateway, writes=writes)
    made.append(WrittenWorld(world, world.gateway, writes, store, journal))
    try:
        await writes.pending.follow()
        yield made[0]
    finally:
        await journal.close()
        await store.close()

"""What receiving costs: bodies of 2,000 dossiers read, sealed and committed on SQLite, one after the other, one core; then how
long who reads the versions of what is kept waits, alone and beside transmissions without a pause.

python -m bench.reception
"""

import asyncio
import itertools
import json
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.domain.referentiel import OrganismeRow, Referentiel
from gateway.domain.seal import Sealer
from gateway.reception.items import Family
from gateway.reception.transmission import prepare
from gateway.sources.received import NAME, ReceivedDossiers
from gateway.sources.units import Resource, Unit
from gateway.stores.receptions import ReceptionStore

ITEMS, BODIES, NATIONAL = 2_000, 10, 1_300_000
LOOKS = 1_000
UAI, SIRET = "0600001A", "19750655300019"
FAMILY = Family(Referentiel(organismes={UAI: OrganismeRow(UAI, SIRET, "CFA", None, "60", "32", "20")}), UAI)
NOW = datetime(2026, 10, 15, 2, tzinfo=UTC)


def item_of(rank: int) -> dict[str, Any]:
    """A dossier of that rank, in the words of the contract."""
    establishment = {f"etablissement_{role}_uai": UAI for role in ("responsable", "formateur")}
    establishment |= {f"etablissement_{role}_siret": SIRET for role in ("responsable", "formateur")}
    days = {f"date_{what}_formation": "2026-09-01T00:00:00.000Z" for what in ("inscription", "entree")}
    return {
        **establishment, **days, "date_fin_formation": "2028-08-31T00:00:00.000Z", "nom_apprenant": f"Nom{rank}",
        "prenom_apprenant": "Prénom", "date_de_naissance_apprenant": "2007-10-28T00:00:00.000Z",
        "annee_scolaire": "2026-2027", "id_erp_apprenant": rank, "email_contact": f"a{rank}@exemple.invalid",
        "tel_apprenant": f"06{rank:08}", "adresse_apprenant": "7 rue de la Paix", "code_postal_apprenant": "60000",
        "code_commune_insee_apprenant": "60057", "sexe_apprenant": "M", "rqth_apprenant": False,
        "formation_rncp": "35316", "formation_cfd": "50022141", "libelle_court_formation": "CAP PATISSIER",
        "contrat_date_debut": "2026-09-01T00:00:00.000Z", "contrat_date_fin": "2028-08-31T00:00:00.000Z",
        "siret_employeur": "73282932000074",
    }  # fmt: skip


async def _measure(folder: Path) -> None:
    store, sealer = ReceptionStore(f"sqlite+aiosqlite:///{folder / 'receptions.sqlite'}"), Sealer(bytes(32))
    await store.open()
    bodies = [json.dumps([item_of(n * ITEMS + rank) for rank in range(ITEMS)]).encode() for n in range(BODIES)]
    for what in ("first", "resent"):
        read = kept = 0.0
        for body in bodies:
            start = time.process_time()
            made = prepare(body, FAMILY, sealer, NOW)
            middle = time.process_time()
            await store.record(made.transmission, made.dossiers, NOW)
            read, kept = read + middle - start, kept + time.process_time() - middle
        rate = ITEMS * BODIES / (read + kept)
        share = f"read and sealed {1000 * read / BODIES:.0f} ms, committed {1000 * kept / BODIES:.0f} ms a body"
        print(f"{what}: {rate:,.0f} items/s of one core; {share}; {NATIONAL:,} items in {NATIONAL / rate / 60:.1f} min")
    size = (folder / "receptions.sqlite").stat().st_size / (ITEMS * BODIES)
    print(f"{len(bodies[0]) / ITEMS:,.0f} bytes an item sent, {size:,.0f} bytes kept")
    for what, pushing in (("alone", False), ("beside pushes", True)):
        waits = sorted(await _waits(store, sealer, bodies if pushing else []))
        told = ", ".join(f"p{part} {1000 * waits[len(waits) * part // 100]:.1f} ms" for part in (50, 99))
        print(f"a look at the versions, {what}: {told} of {len(waits)}")
    await store.close()


async def _waits(store: ReceptionStore, sealer: Sealer, bodies: list[bytes]) -> list[float]:
    """The seconds that each of LOOKS takes, while bodies are received again and again."""

    async def push() -> None:
        while True:
            for body in bodies:
                made = await asyncio.to_thread(prepare, body, FAMILY, sealer, NOW)
                await store.record(made.transmission, made.dossiers, NOW)

    received = ReceivedDossiers(store, sealer, lambda: NOW, itertools.count().__next__)  # a new look each time
    pushes = asyncio.create_task(push()) if bodies else None
    waits = []
    for _ in range(LOOKS):
        start = time.perf_counter()
        await received.kept_versions([Unit(NAME, Resource.CFA, UAI)])
        waits.append(time.perf_counter() - start)
        await asyncio.sleep(0.005)
    if pushes:
        pushes.cancel()
        await asyncio.gather(pushes, return_exceptions=True)
    return waits


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_measure(Path(folder)))


if __name__ == "__main__":
    main()

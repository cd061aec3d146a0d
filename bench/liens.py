"""Measures what docs/decisions/0009 quotes: the ids of a view of 800 persons (2,400 records), cold and warm.

    python -m bench.liens [sqlalchemy URL]

Prints milliseconds, the best of RUNS, in a ledger of 50,000 other links; SQLite in a temporary file by default.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

from gateway.connectors.base import Dossier
from gateway.domain.liens import Cle, Ecritures, Lien
from gateway.domain.sceau import Sceau
from gateway.federation.attribution import Attributeur
from gateway.federation.grappes import grappe_de_personne
from gateway.federation.identifiants import Identifiants
from gateway.federation.liens import Grappe, decider
from gateway.federation.rapprochement import Groupe
from gateway.federation.temoignages import Temoignage
from gateway.schema.lieux import TypeSource
from gateway.schema.nouns import Contrat, Jeune
from gateway.stores.liens import Liens

PERSONNES, AUTRES, RUNS = 800, 50_000, 7
INSTANT = datetime(2026, 10, 15, tzinfo=UTC)
IDENTIFIANTS = Identifiants(Sceau(bytes(32)))


def groupe(rang: int) -> Groupe:
    """A person told by an ERP, the registry and a Mission locale's system."""
    contrats = [Contrat(numero=f"N{rang}", date_debut=date(2025, 9, 1))]
    natures = {
        "ypareo": TypeSource.ERP_CFA,
        "registre": TypeSource.REGISTRE_CONTRATS,
        "imilo": TypeSource.MISSION_LOCALE,
    }
    dits = []
    for source, nature in natures.items():
        jeune = Jeune(
            nom="N" + "A" * (rang % 40), prenom=f"P{rang}", date_naissance=date(2006, 1, 1), contrats=contrats
        )
        dits.append(Temoignage(source, nature, f"T{rang % 60}", Dossier(str(rang), jeune), INSTANT))
    return Groupe("", tuple(dits))


GROUPES = [groupe(rang) for rang in range(PERSONNES)]


def grappes() -> list[Grappe]:
    pseudonyme = cache(IDENTIFIANTS.pseudonyme)
    return [grappe_de_personne(groupe, frozenset(), pseudonyme) for groupe in GROUPES]


def deriver(texte: str) -> str:
    return IDENTIFIANTS.pseudonyme(f"objet|{texte}")


async def mesurer(nom: str, faire: Callable[[], Awaitable[Any]], combien: int = RUNS) -> None:
    durees = []
    for _ in range(combien):
        debut = time.perf_counter()
        await faire()
        durees.append((time.perf_counter() - debut) * 1000)
    print(f"{nom:<58} {min(durees):7.1f} ms")


async def banc(url: str) -> None:
    livre = Liens(url)
    bruit = [
        Lien(Cle(deriver(f"x{n}"), deriver(f"i{n}"), "o" * 32), deriver(f"p{n // 3}"), INSTANT, INSTANT)
        for n in range(AUTRES)
    ]
    await livre.ecrire(Ecritures(nouveaux=bruit))
    attributeur = Attributeur(livre, deriver, lambda: INSTANT, lambda: print("the ledger did not answer"))
    siennes = grappes()
    cles = [cle.cle for grappe in siennes for cle in grappe.cles]

    async def pseudonymes() -> None:
        grappes()

    async def decision() -> None:
        decider(siennes, connus, deriver, INSTANT)

    await mesurer(f"pseudonyms of {len(cles)} records", pseudonymes)
    await mesurer("first view: read, decide, write, read again", lambda: attributeur.attribuer(siennes, ()), 1)
    connus = await livre.lire(cles)
    await mesurer("reading the links of a view, aliases included", lambda: livre.lire(cles))
    await mesurer("deciding, all known", decision)
    await mesurer("next view: all of it", lambda: attributeur.attribuer(siennes, ()))
    await livre.fermer()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as dossier:
        asyncio.run(banc(sys.argv[1] if len(sys.argv) > 1 else f"sqlite+aiosqlite:///{dossier}/liens.sqlite"))

"""A process that harvests and is killed: run as `python -m tests.resilience.moissonneur URL GRAINE COUPS`.

It imports once, then forks one harvester after another. Each dies by SIGKILL at the n-th thing it does (a page asked, a
statement sent, a commit made), n being drawn; the first that lives to the end of the harvest ends the run. Prints as JSON the
pages asked for by all of them, and how many died.
"""

import asyncio
import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import event

from gateway.sources.moisson import moissonner
from gateway.stores.grange import BAIL, Grange
from gateway.stores.registre import Registre
from tests.unit.registre_outils import SCEAU, Partenaire, champ, charge, charge_lba

DEPUIS, SOIR = date(2026, 1, 1), datetime(2026, 3, 11, 20, 30, tzinfo=UTC)
JOURS, PAR_PAGE = 69, 7


def partenaire(graine: int) -> Partenaire:
    """Rows of 40 contracts drawn over ten weeks; one deposited twice, in one page or two, is two rows."""
    tirage = random.Random(graine)
    source = Partenaire(par_page=PAR_PAGE)
    for rang in range(90):
        jour, numero = DEPUIS + timedelta(days=tirage.randrange(JOURS)), f"N{tirage.randrange(40)}"
        for vue, ecrire in (("TBA", charge), ("LBA", charge_lba)):
            source.dire(jour, ecrire(numero, nom=f"CANARI {numero}", avenant=str(rang)), vue)
    return source


def moissonner_puis_mourir(url: str, graine: int, generation: int, mort: int) -> int:
    """One harvester, in a process of its own: its status, 0 when it lived. The lease of the dead is always over."""
    pid = os.fork()
    if pid == 0:
        os._exit(asyncio.run(_vivre(url, graine, _Compte(mort), lambda: time.time() + generation * 2 * BAIL)))
    return os.waitpid(pid, 0)[1]


class _Compte:
    """Kills this process when it has counted enough."""

    def __init__(self, mort: int) -> None:
        self._reste = mort

    def __call__(self, *_: object) -> None:
        self._reste -= 1
        if self._reste == 0:
            os.kill(os.getpid(), signal.SIGKILL)


async def _vivre(url: str, graine: int, compter: Callable[..., None], secondes: Callable[[], float]) -> int:
    registre = Registre(url, SCEAU)
    moteur: Any = registre.moteur.sync_engine
    for moment in ("before_cursor_execute", "after_cursor_execute", "commit"):
        event.listen(moteur, moment, lambda *_: compter())
    source = partenaire(graine)

    def demander(*page: object) -> None:
        os.write(1, (json.dumps(page) + "\n").encode())
        compter()

    source.a_la_page = demander
    await registre.ouvrir()
    await moissonner(champ(source, DEPUIS), Grange(registre, secondes), lambda: SOIR, lambda _: None)
    await registre.fermer()
    return 0


def main(url: str, graine: int, coups: int) -> None:
    """Kill up to `coups` harvesters, then let one live."""
    tirage = random.Random(graine)
    generation = 0
    while moissonner_puis_mourir(url, graine, generation, tirage.randint(1, 80) if generation < coups else 0):
        generation += 1
        if generation > coups:
            sys.exit("the one that was to live failed")
    print(json.dumps({"morts": generation}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))

"""Measures the reading journal: an entry written, "who read this person" among ten million entries, the whole chain verified.

    python -m bench.journal [ENTRIES [PERSONS_AN_ENTRY [DIRECTORY]]]

Makes a true chain in a SQLite file of several gigabytes, which it removes.
"""

import asyncio
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.auth.journal import acte
from gateway.auth.quotas import PAR_DEFAUT, plafonds
from gateway.auth.rules import Profil
from gateway.domain.chaine import GENESE, Borne, sceau_de_borne, suivante
from gateway.domain.quotas import Comptage
from gateway.domain.sceau import Sceau
from gateway.stores.chaine import FIN, empaqueter, ensemble_de, pseudonyme
from gateway.stores.journal import Journal
from gateway.stores.journal_lecture import lectures_de, verifier
from gateway.stores.lot import Inscription

SCEAU = Sceau(bytes(range(32)))
POPULATION = 200_000
DEBUT = datetime(2026, 1, 1, tzinfo=UTC)
COORDONNEES = {"IDENTITE": ["Jeune.nom", "Jeune.prenom"], "PARCOURS": ["Rupture.jeune"], "RUPTURE": ["Rupture.date"]}
LOT = 20_000

Ligne = tuple[int, bytes, bytes, bytes, int]


def _lots(entrees: int, par_entree: int) -> Iterator[tuple[list[Ligne], list[tuple[int, int]], Borne]]:
    hasard, borne = random.Random(1), GENESE
    codes = [pseudonyme(SCEAU, str(rang)) for rang in range(POPULATION)]
    for depart in range(0, entrees, LOT):
        lignes: list[Ligne] = []
        index: list[tuple[int, int]] = []
        for rang in range(depart, min(depart + LOT, entrees)):
            siens = hasard.sample(codes, par_entree)
            contenu, personnes = _contenu(rang, par_entree), empaqueter(siens)
            borne = suivante(SCEAU, borne, contenu, personnes)
            ensemble = ensemble_de(SCEAU, siens)
            lignes.append((borne.numero, contenu, personnes, borne.empreinte, ensemble))
            index += [(code, ensemble) for code in siens]
        yield lignes, index, borne


def _contenu(rang: int, personnes: int) -> bytes:
    groupe = {"categories": ["IDENTITE", "PARCOURS", "RUPTURE"], "personnes": personnes}
    qui = {"client": "ml", "compte": f"agent-{rang % 5000}", "profil": "MISSION_LOCALE", "organisation": "59010"}
    quand = DEBUT + timedelta(seconds=3 * rang)
    return acte("LECTURE", quand, **qui, finalite="ACCOMPAGNEMENT", coordonnees=COORDONNEES, groupes=[groupe])


def _remplir(chemin: Path, entrees: int, par_entree: int) -> None:
    """The index is filled at the end, in its order: ten million appends are not what is measured here."""
    with sqlite3.connect(chemin) as base:
        base.executescript("PRAGMA synchronous=OFF; CREATE TABLE vrac (personne INTEGER, ensemble INTEGER)")
        fin = GENESE
        for lignes, index, fin in _lots(entrees, par_entree):  # noqa: B007 - the last one is the end of the chain
            base.executemany("INSERT INTO journal_entrees VALUES (?, ?, ?, ?, ?)", lignes)
            base.executemany("INSERT INTO vrac VALUES (?, ?)", index)
        base.execute("INSERT INTO journal_personnes SELECT DISTINCT * FROM vrac ORDER BY personne, ensemble")
        base.execute("DROP TABLE vrac")
        signee = (fin.numero, fin.empreinte, sceau_de_borne(SCEAU, FIN, fin))
        base.execute("UPDATE journal_bornes SET numero = ?, empreinte = ?, sceau = ? WHERE nom = 'fin'", signee)


async def _ecrire(journal: Journal, ensemble: int, fois: int) -> float:
    """Milliseconds an entry, `ensemble` answers leaving together: accounts that read their first hundred persons."""
    hasard, depart = random.Random(ensemble), time.perf_counter()
    for _ in range(fois):
        await asyncio.gather(*(journal.inscrire(_premiere(hasard)) for _ in range(ensemble)))
    return (time.perf_counter() - depart) * 1000 / (fois * ensemble)


def _premiere(hasard: random.Random) -> Inscription:
    """One of fifty organisations of four thousand persons each; an account of it that nobody saw yet."""
    rang = hasard.randrange(50)
    siens = plafonds(PAR_DEFAUT, Profil.MISSION_LOCALE, f"agent {hasard.random()}", f"ML/{rang}", DEBUT.date())
    cles = tuple(str(rang * 4000 + numero) for numero in hasard.sample(range(4000), 100))
    return Inscription(_contenu(0, 100), cles, Comptage(siens, f"ML/{rang}", 4000))


async def _relire(journal: Journal, fois: int) -> float:
    """Milliseconds an entry of a page that its account read already."""
    page = _premiere(random.Random(3))
    await journal.inscrire(page)
    depart = time.perf_counter()
    for _ in range(fois):
        await journal.inscrire(page)
    return (time.perf_counter() - depart) * 1000 / fois


async def _mesurer(chemin: Path, entrees: int, par_entree: int) -> None:
    journal = Journal(f"sqlite+aiosqlite:///{chemin}", SCEAU)
    await journal.ouvrir()
    depart = time.perf_counter()
    await asyncio.to_thread(_remplir, chemin, entrees, par_entree)
    print(f"{entrees:,} entries of {par_entree} persons, made in {time.perf_counter() - depart:.0f} s")
    for rang in (17, 170_000):
        depart = time.perf_counter()
        lues = await lectures_de(journal, str(rang))
        print(f"who read this person: {len(lues)} readings in {time.perf_counter() - depart:.2f} s")
    for ensemble, fois in ((1, 200), (16, 50)):
        duree = await _ecrire(journal, ensemble, fois)
        print(f"an entry of 100 persons not read yet, {ensemble} at a time: {duree:.1f} ms")
    print(f"an entry of the same 100 persons again: {await _relire(journal, 200):.1f} ms")
    depart = time.perf_counter()
    constat = await verifier(journal)
    print(f"verified to {constat.fin.numero:,} ({constat.defaut or 'whole'}) in {time.perf_counter() - depart:.0f} s")
    await journal.fermer()
    print(f"{sum(fichier.stat().st_size for fichier in chemin.parent.iterdir()) / 1e9:.1f} GB")


def main() -> None:
    """Run it with the numbers of the command line."""
    entrees = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    par_entree = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    with tempfile.TemporaryDirectory(dir=sys.argv[3] if len(sys.argv) > 3 else None) as dossier:
        asyncio.run(_mesurer(Path(dossier) / "journal.sqlite", entrees, par_entree))


if __name__ == "__main__":
    main()

"""The reading journal in its store, on SQLite and on PostgreSQL: one chain, nothing of it changed unseen."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from gateway.auth.journal import acte, ecrite_le
from gateway.config import Configuration, Fichier
from gateway.domain.chaine import Borne
from gateway.domain.sceau import Sceau
from gateway.errors import ErreurConfiguration, JournalIndisponible
from gateway.stores.chaine import FIN, JournalAltere, prendre_borne
from gateway.stores.journal import Journal
from gateway.stores.journal_lecture import lectures_de, purger, tete, verifier
from gateway.stores.lot import Inscription, Verdict
from gateway.tenue import tenir

pytestmark = pytest.mark.anyio

SCEAU = Sceau(bytes(range(32)))
JETONS = {"emetteur": "e", "audience": "a", "jwks_url": "http://127.0.0.1/"}
DEBUT = datetime(2026, 1, 1, tzinfo=UTC)


def inscription(rang: int, *personnes: str) -> Inscription:
    return Inscription(acte("LECTURE", DEBUT + timedelta(days=rang), rang=rang), personnes)


@pytest.fixture
async def journal(url: str) -> AsyncIterator[Journal]:
    """Twenty entries: entry n, from 1, shows Zoé and the person n."""
    ouvert = Journal(url, SCEAU)
    await ouvert.ouvrir()
    await asyncio.gather(*(ouvert.inscrire(inscription(n, "zoe", f"personne {n + 1}")) for n in range(20)))
    yield ouvert
    await ouvert.fermer()


async def defaut(journal: Journal, ancre: Borne | None = None) -> str | None:
    return (await verifier(journal, ancre)).defaut


async def alterer(journal: Journal, *ordres: str) -> None:
    async with journal.moteur.begin() as connexion:
        for ordre in ordres:
            await connexion.execute(text(ordre))


async def test_a_whole_chain_verifies_and_tells_its_end(journal: Journal) -> None:
    constat = await verifier(journal)
    assert (constat.debut, constat.fin.numero, constat.defaut) == (1, 20, None)
    assert constat.fin == await tete(journal)
    assert Borne.lire(str(constat.fin)) == constat.fin


async def test_l08_who_read_a_person_in_order_and_with_her_rank(journal: Journal) -> None:
    await journal.inscrire(inscription(20, "autre", "personne 7"))
    lues = [(json.loads(contenu)["rang"], rang) for contenu, rang in await lectures_de(journal, "personne 7")]
    assert lues == [(6, 1), (20, 1)]
    assert len(await lectures_de(journal, "zoe")) == 20
    assert await lectures_de(journal, "inconnue") == []


def _repris(colonne: str) -> str:
    """Give the entry 7 what the entry 2 holds."""
    autre = f"(SELECT {colonne} FROM journal_entrees WHERE numero = 2)"
    return f"UPDATE journal_entrees SET {colonne} = {autre} WHERE numero = 7"


def _de_l_ensemble(numeros: str) -> str:
    return f"ensemble IN (SELECT ensemble FROM journal_entrees WHERE numero {numeros})"


TABLES = ("journal_entrees", "journal_personnes", "journal_bornes")
ALTERATIONS = {
    "entrée 7 : altérée, déplacée ou refaite": [
        [_repris("contenu")],
        [_repris("personnes")],
        [_repris("empreinte")],
        [
            "UPDATE journal_entrees SET numero = 99 WHERE numero = 7",
            "UPDATE journal_entrees SET numero = 7 WHERE numero = 8",
            "UPDATE journal_entrees SET numero = 8 WHERE numero = 99",
        ],
    ],
    "entrée 7 : manquante": [["DELETE FROM journal_entrees WHERE numero = 7"]],
    "entrée 1 : manquante": [["DELETE FROM journal_entrees WHERE numero = 1"]],
    "entrée 18 : manquante, la chaîne va jusqu'à 20": [["DELETE FROM journal_entrees WHERE numero > 17"]],
    "entrée 1 : manquante, la chaîne va jusqu'à 20": [["DELETE FROM journal_entrees"]],
    "l'index des personnes ne correspond pas aux entrées": [
        [f"DELETE FROM journal_personnes WHERE {_de_l_ensemble('= 7')}"],
        [
            "INSERT INTO journal_personnes (personne, ensemble) SELECT 12, ensemble FROM journal_entrees WHERE numero = 7"
        ],
        [f"UPDATE journal_personnes SET personne = personne + 1 WHERE {_de_l_ensemble('= 20')}"],
        [_repris("ensemble")],
    ],
    "une borne du journal manque ou n'est pas signée par cette clé": [
        [
            f"DELETE FROM journal_personnes WHERE {_de_l_ensemble('> 17')}",
            "DELETE FROM journal_entrees WHERE numero > 17",
            "UPDATE journal_bornes SET numero = 17,"
            " empreinte = (SELECT empreinte FROM journal_entrees WHERE numero = 17) WHERE nom = 'fin'",
        ],
        [
            f"DELETE FROM journal_personnes WHERE {_de_l_ensemble('<= 3')}",
            "DELETE FROM journal_entrees WHERE numero <= 3",
            "UPDATE journal_bornes SET numero = 3 WHERE nom = 'debut'",
        ],
        ["DELETE FROM journal_bornes WHERE nom = 'debut'"],
    ],
}


async def test_l04_every_kind_of_tampering_is_found_and_named(journal: Journal) -> None:
    await alterer(journal, *(f"CREATE TABLE copie_{nom} AS SELECT * FROM {nom}" for nom in TABLES))
    for dit, alterations in ALTERATIONS.items():
        for ordres in alterations:
            await alterer(journal, *ordres)
            assert await defaut(journal) == dit, ordres
            await alterer(journal, *(f"DELETE FROM {nom}" for nom in TABLES))
            await alterer(journal, *(f"INSERT INTO {nom} SELECT * FROM copie_{nom}" for nom in TABLES))
    assert await defaut(journal) is None


async def test_l04_who_has_no_key_cannot_make_the_chain_again(journal: Journal) -> None:
    faux = Journal(journal.moteur.url.render_as_string(hide_password=False), Sceau(bytes(32)))
    with pytest.raises(ErreurConfiguration, match="GATEWAY_CLE"):
        await faux.ouvrir()
    await faux.fermer()


async def test_l04_a_journal_put_back_to_an_earlier_state_is_told_by_the_anchor_and_by_the_process(
    journal: Journal,
) -> None:
    ancre = await tete(journal)
    async with journal.moteur.connect() as connexion:
        fin = (await connexion.execute(text("SELECT * FROM journal_bornes WHERE nom = 'fin'"))).one()
    await journal.inscrire(inscription(20, "zoe"))
    plus_loin = await tete(journal)
    siennes = f"DELETE FROM journal_personnes WHERE {_de_l_ensemble('= 21')}"
    await alterer(journal, siennes, "DELETE FROM journal_entrees WHERE numero = 21")
    async with journal.moteur.begin() as connexion:
        ordre = "UPDATE journal_bornes SET numero = :n, empreinte = :e, sceau = :s WHERE nom = 'fin'"
        await connexion.execute(text(ordre), {"n": fin.numero, "e": fin.empreinte, "s": fin.sceau})
    assert await defaut(journal) is None  # nothing in the store can tell
    assert await defaut(journal, ancre) is None
    assert await defaut(journal, plus_loin) == "entrée 21 : manquante, l'ancre est à 21"
    with pytest.raises(JournalIndisponible):
        await journal.inscrire(inscription(21, "zoe"))


async def test_l04_a_chain_that_is_not_the_one_of_the_anchor(journal: Journal) -> None:
    assert await defaut(journal, Borne(7, bytes(32))) == "entrée 7 : ce n'est pas celle de l'ancre"


async def test_l03_several_processes_make_one_chain(journal: Journal) -> None:
    autres = [Journal(str(journal.moteur.url.render_as_string(hide_password=False)), SCEAU) for _ in range(3)]
    for autre in autres:
        await autre.ouvrir()
    await asyncio.gather(*(j.inscrire(inscription(30 + n, f"p{n}")) for n in range(15) for j in (journal, *autres)))
    for autre in autres:
        await autre.fermer()
    constat = await verifier(journal)
    assert (constat.fin.numero, constat.defaut) == (80, None)
    assert len(await lectures_de(journal, "p3")) == 4


async def test_l03_a_process_that_opens_waits_for_no_writing_and_stops_none(journal: Journal, url: str) -> None:
    """It took the table of entries from whoever held the end of the chain, and waited for that end: a deadlock, which
    refused every nominative answer of the other, or the start of this one."""
    autre = Journal(url, SCEAU)
    async with asyncio.timeout(30), journal.moteur.begin() as ecriture:
        await ecriture.run_sync(prendre_borne, SCEAU, FIN)
        await autre.ouvrir()
    await autre.inscrire(inscription(20, "zoe"))
    await autre.fermer()
    assert await defaut(journal) is None


async def test_l03_a_hundred_answers_share_their_writes(journal: Journal) -> None:
    ecrits: list[int] = []
    un_par_un = journal._ecrire

    async def compter(inscriptions: list[Inscription]) -> list[Verdict]:
        ecrits.append(len(inscriptions))
        return await un_par_un(inscriptions)

    journal._ecrire = compter  # type: ignore[assignment, method-assign]
    await asyncio.gather(*(journal.inscrire(inscription(n, "zoe")) for n in range(100)))
    assert ecrits == [64, 36]
    assert await defaut(journal) is None


async def test_l03_store_down_then_up(journal: Journal, caplog: pytest.LogCaptureFixture) -> None:
    dits: list[bool] = []
    journal._signaler = dits.append
    await alterer(journal, "ALTER TABLE journal_entrees RENAME TO ailleurs")
    refusees = [journal.inscrire(inscription(n, "zoe")) for n in range(200)]  # three batches: one is tried
    assert {type(refus) for refus in await asyncio.gather(*refusees, return_exceptions=True)} == {JournalIndisponible}
    with pytest.raises(JournalIndisponible):
        await journal.inscrire(inscription(20, "zoe"))
    await alterer(journal, "ALTER TABLE ailleurs RENAME TO journal_entrees")
    await journal.inscrire(inscription(20, "zoe"))
    assert dits == [False, True]
    assert len(caplog.records) == 2
    assert (await verifier(journal)).fin.numero == 21


async def test_l03_a_probe_does_not_say_available_what_refuses_to_be_written(
    journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    """A balancer that probed each second had the alert withdrawn while every nominative answer was refused."""
    await alterer(journal, "ALTER TABLE journal_entrees RENAME TO ailleurs")
    with pytest.raises(JournalIndisponible):
        await journal.inscrire(inscription(20, "zoe"))
    assert [await journal.sonder() for _ in range(2)] == [False, False]
    assert len(caplog.records) == 1
    await alterer(journal, "ALTER TABLE ailleurs RENAME TO journal_entrees")
    assert [await journal.sonder() for _ in range(2)] == [True, True]
    await journal.inscrire(inscription(20, "zoe"))
    constat = await verifier(journal)
    assert (constat.fin.numero, constat.defaut) == (21, None)  # a probe leaves nothing


async def test_l03_a_caller_that_leaves_does_not_stop_the_others(journal: Journal) -> None:
    parti = asyncio.create_task(journal.inscrire(inscription(20, "zoe")))
    reste = asyncio.create_task(journal.inscrire(inscription(21, "zoe")))
    await asyncio.sleep(0)
    parti.cancel()
    await reste
    assert (await verifier(journal)).fin.numero == 22


async def test_l07_old_entries_are_forgotten_and_the_chain_still_verifies(journal: Journal) -> None:
    limite = DEBUT + timedelta(days=12)

    async def oublier() -> int:
        return await purger(
            journal, lambda contenu: ecrite_le(contenu) < limite, lambda n: acte("PURGE", limite, entrees=n)
        )

    assert sorted(await asyncio.gather(oublier(), oublier())) == [0, 12]
    constat = await verifier(journal)
    assert (constat.debut, constat.fin.numero, constat.defaut) == (13, 21, None)
    assert await lectures_de(journal, "personne 12") == []
    assert len(await lectures_de(journal, "zoe")) == 8
    await alterer(journal, "DELETE FROM journal_entrees WHERE numero = 13")
    assert await defaut(journal) == "entrée 13 : manquante"


async def test_l07_a_proof_of_tampering_is_not_forgotten(journal: Journal) -> None:
    await alterer(journal, "DELETE FROM journal_entrees WHERE numero = 5")
    with pytest.raises(JournalAltere, match="entrée 5"):
        await purger(journal, lambda _: True, lambda n: acte("PURGE", DEBUT, entrees=n))


async def test_l07_the_service_forgets_by_itself_and_tells_its_anchor(
    journal: Journal, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    fichier = Fichier.model_validate({"jetons": JETONS, "donnees": {"dossier": "d"}})
    configuration = Configuration(
        racine=tmp_path,
        fichier=fichier,
        sceau=SCEAU,
        fige=None,
        candidate=None,
        hote="",
        port=0,
        cache="memory://",
        processus=1,
        sceaux_cache=(SCEAU,),
    )
    heures = iter([DEBUT + timedelta(days=100), DEBUT + timedelta(days=100), *[DEBUT + timedelta(days=395)] * 6])
    tours = iter([None, None])

    async def dormir(_: float) -> None:
        if next(tours, "fini") == "fini":
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await tenir(journal, configuration, lambda: next(heures), dormir)
    constat = await verifier(journal)
    assert (constat.debut, constat.fin.numero, constat.defaut) == (21, 21, None)
    ancres = [ligne for ligne in caplog.messages if "ancre" in ligne]
    assert [ligne.partition("ancre ")[2].partition(":")[0] for ligne in ancres] == ["20", "21"]


async def test_l08_a_page_read_again_brings_no_row_and_is_found_after_a_purge(journal: Journal) -> None:
    """By another process too; whatever the order of the persons."""
    autre = Journal(journal.moteur.url.render_as_string(hide_password=False), SCEAU)
    await journal.inscrire(inscription(30, "anne", "zoe"))
    lignes = await _lignes_de_l_index(journal)
    await journal.inscrire(inscription(31, "zoe", "anne"))
    await autre.inscrire(inscription(40, "anne", "zoe"))
    assert await _lignes_de_l_index(journal) == lignes
    assert [rang for _, rang in await lectures_de(journal, "anne")] == [0, 1, 0]
    limite = DEBUT + timedelta(days=35)
    await purger(autre, lambda contenu: ecrite_le(contenu) < limite, lambda n: acte("PURGE", limite, entrees=n))
    assert [json.loads(contenu)["rang"] for contenu, _ in await lectures_de(journal, "anne")] == [40]
    assert await _lignes_de_l_index(journal) == 2
    assert await defaut(journal) is None
    await autre.fermer()


async def _lignes_de_l_index(journal: Journal) -> int:
    async with journal.moteur.connect() as connexion:
        return int(await connexion.scalar(text("SELECT count(*) FROM journal_personnes")) or 0)

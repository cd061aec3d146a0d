"""The sealed store of the registry: what goes in comes out, whole and once, and cannot be read on the disk."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from gateway.domain.identity import cle_identite
from gateway.domain.sceau import Sceau
from gateway.errors import ErreurConfiguration, RegistreIndisponible
from gateway.stores.grange import FenetreRefusee, Grange
from gateway.stores.lignes import LigneRegistre
from gateway.stores.registre import ContratStocke, Fenetre, Registre
from tests.bases import au_repos
from tests.unit.registre_outils import COURRIEL, SCEAU, TELEPHONE, charge, importer

pytestmark = pytest.mark.anyio

JANVIER = Fenetre(date(2026, 1, 1), date(2026, 1, 31))
FEVRIER = Fenetre(date(2026, 2, 1), date(2026, 2, 28))
INSTANT = datetime(2026, 2, 1, 20, 30, tzinfo=UTC)


def ligne(no_contrat: str = "059202509000001", vue: str = "TBA", **dits: Any) -> LigneRegistre:
    objet = charge(no_contrat, **dits)
    qui = objet["alternant"]
    return LigneRegistre(
        no_contrat=no_contrat,
        vue=vue,
        jour=JANVIER.fin,
        nom=qui["nom"],
        prenom=qui["prenom"],
        date_naissance=date.fromisoformat(qui["dateNaissance"]),
        code_postal=qui["adresse"]["codePostal"] or None,
        uai=dits.get("uai", "0590001F"),
        siret_formation=dits.get("siret"),
        fin=date.fromisoformat(dits.get("fin", "2027-08-31")),
        charge=objet,
    )


@pytest.fixture
async def registre(url: str) -> AsyncIterator[Registre]:
    ouvert = Registre(url, SCEAU)
    await ouvert.ouvrir()
    yield ouvert
    await ouvert.fermer()


def numeros(registre: Registre, stockes: Iterable[ContratStocke]) -> list[str]:
    return sorted({objet["detailsContrat"]["noContrat"] for stocke in stockes for objet in registre.charges(stocke)})


def ruptures(registre: Registre, stocke: ContratStocke) -> list[str]:
    return [objet["rupture"]["dateEffetRupture"] for objet in registre.charges(stocke)]


async def test_all_contracts_of_whoever_has_one_there(registre: Registre) -> None:
    ailleurs: dict[str, Any] = {"code_postal": "33000", "uai": "0330002Y"}
    autre: dict[str, Any] = {"nom": "AUTRE", "code_postal": "33000", "uai": None, "siret": "13002526500013"}
    await importer(registre, JANVIER, [ligne("A"), ligne("B", **ailleurs), ligne("C", **autre)], INSTANT)
    canari = cle_identite("Canari", "ZOE", date(2007, 5, 17))
    assert numeros(registre, await registre.contrats(["59000"], [], [])) == ["A", "B"]
    assert numeros(registre, await registre.contrats([], ["0330002Y"], [])) == ["A", "B"]
    assert numeros(registre, await registre.contrats([], ["13002526500013"], [])) == ["C"]
    assert numeros(registre, await registre.contrats([], [], [canari])) == ["A", "B"]
    assert numeros(registre, await registre.contrats(["33000"], [], [])) == ["A", "B", "C"]
    assert await registre.contrats(["75001"], ["0750001U"], ["5:INCON"]) == []
    assert await registre.contrats([], [], []) == []


async def test_rows_of_a_contract_come_in_order_of_day_whatever_the_order_of_import(registre: Registre) -> None:
    await importer(registre, FEVRIER, [ligne("a", rupture="2026-02-10"), ligne("A", rupture="2026-02-11")], INSTANT)
    await importer(registre, JANVIER, [ligne("A")], INSTANT)
    (stocke,) = await registre.contrats(["59000"], [], [])
    assert ruptures(registre, stocke) == ["", "2026-02-10", "2026-02-11"]


async def test_same_number_and_other_birth_date_is_another_contract(registre: Registre) -> None:
    await importer(registre, JANVIER, [ligne("A"), ligne("A", naissance="2006-01-02")], INSTANT)
    assert [len(stocke.lignes) for stocke in await registre.contrats(["59000"], [], [])] == [1, 1]


async def test_a_corrected_name_keeps_the_contract_whole(registre: Registre) -> None:
    await importer(registre, JANVIER, [ligne("A", nom="CANARD")], INSTANT)
    await importer(registre, FEVRIER, [ligne("A", rupture="2026-02-10")], INSTANT)
    naissance = date(2007, 5, 17)
    for nom in ("CANARD", "CANARI"):
        (stocke,) = await registre.contrats([], [], [cle_identite(nom, "Zoé", naissance)])
        assert ruptures(registre, stocke) == ["", "2026-02-10"]


async def test_a_contract_that_left_a_person_is_not_theirs(registre: Registre) -> None:
    await importer(registre, JANVIER, [ligne("A", nom="CANARD"), ligne("B", nom="CANARD", uai="0330002Y")], INSTANT)
    await importer(registre, FEVRIER, [ligne("A")], INSTANT)
    assert numeros(registre, await registre.contrats([], ["0330002Y"], [])) == ["B"]


@pytest.mark.parametrize("fenetre", [JANVIER, Fenetre(date(2026, 1, 31), date(2026, 2, 3))])
async def test_a_window_that_overlaps_another_is_refused_and_changes_nothing(
    registre: Registre, fenetre: Fenetre
) -> None:
    await importer(registre, JANVIER, [ligne("A")], INSTANT)
    avant = await registre.avancee()
    with pytest.raises(FenetreRefusee):
        await importer(registre, fenetre, [ligne("B")], INSTANT)
    assert numeros(registre, await registre.contrats(["59000"], [], [])) == ["A"]
    assert await registre.avancee() == avant
    assert await Grange(registre).fenetres() == [JANVIER]


async def test_a_window_is_written_whole_with_its_mark_or_not_at_all(registre: Registre) -> None:
    bonnes = [ligne(f"N{rang}") for rang in range(600)]
    illisible = LigneRegistre(
        "X", "TBA", JANVIER.fin, "N", "P", date(2007, 1, 1), None, None, None, None, {"o": object()}
    )
    with pytest.raises(TypeError):
        await importer(registre, JANVIER, [*bonnes, illisible], INSTANT)
    assert await registre.contrats(["59000"], [], []) == []
    assert await Grange(registre).fenetres() == []
    assert (await registre.avancee()).as_of is None


async def test_more_keys_than_a_statement_takes(registre: Registre) -> None:
    await importer(registre, JANVIER, [ligne(f"N{r}", nom="N" + "A" * r) for r in range(1201)], INSTANT)
    cles = [cle_identite("N" + "A" * rang, "Zoé", date(2007, 5, 17)) for rang in range(1201)]
    assert len(await registre.contrats([], [], cles)) == 1201
    assert len(await registre.contrats(["59000"], [], [])) == 1201


async def test_freshness_is_the_harvest_but_never_more_than_what_was_harvested(registre: Registre) -> None:
    vide = await registre.avancee()
    assert (vide.dernier_jour, vide.as_of, vide.lignes) == (None, None, 0)
    await importer(registre, JANVIER, [], INSTANT)
    assert (await registre.avancee()).as_of == INSTANT
    await importer(registre, FEVRIER, [], datetime(2026, 10, 15, 20, 0, tzinfo=UTC))
    retard = await registre.avancee()
    assert retard.as_of == datetime(2026, 3, 1, 23, 0, tzinfo=UTC)
    assert retard.dernier_jour == date(2026, 2, 28)


async def test_nothing_of_a_person_can_be_read_on_the_disk(registre: Registre, url: str) -> None:
    await importer(registre, JANVIER, [ligne(siret="13002526500013")], INSTANT)
    ouverts = await au_repos(url)
    await registre.fermer()
    fermes = await au_repos(url)
    canaris = ("CANARI", "Canari", "Zoé", "ZOE", "2007-05-17", TELEPHONE, COURRIEL, "059202509000001", "rue du")
    for octets in (ouverts, fermes):
        assert b"59000" in octets
        assert [canari for canari in canaris if canari.encode().lower() in octets.lower()] == []


async def test_a_row_moved_under_another_key_does_not_open(
    registre: Registre, caplog: pytest.LogCaptureFixture
) -> None:
    await importer(registre, JANVIER, [ligne("A"), ligne("A", rupture="2026-01-20")], INSTANT)
    async with registre.moteur.begin() as connexion:
        autre = "(SELECT scelle FROM registre_lignes WHERE rang = 0)"
        await connexion.execute(text(f"UPDATE registre_lignes SET scelle = {autre} WHERE rang = 1"))
    (stocke,) = await registre.contrats(["59000"], [], [])
    assert ruptures(registre, stocke) == [""]
    assert caplog.messages == ["registre : 1 ligne(s) altérée(s), mise(s) de côté"]


async def test_another_key_is_refused_at_the_start(registre: Registre, url: str) -> None:
    await importer(registre, JANVIER, [ligne()], INSTANT)
    autre = Registre(url, Sceau(bytes(32)))
    with pytest.raises(ErreurConfiguration, match="GATEWAY_CLE"):
        await autre.ouvrir()
    await autre.fermer()


async def test_two_processes_may_create_the_store_at_once(url: str) -> None:
    deux = [Registre(url, SCEAU) for _ in range(2)]
    await asyncio.gather(*(un.ouvrir() for un in deux))
    await importer(deux[0], JANVIER, [ligne()], INSTANT)
    assert (await deux[1].avancee()).lignes == 1
    for un in deux:
        await un.fermer()


async def test_a_store_that_cannot_be_used_is_one_line_without_its_password() -> None:
    absent = Registre("postgresql+asyncpg://personne:secret@127.0.0.1:1/registre", SCEAU)
    with pytest.raises(ErreurConfiguration, match=r"^registre : base inutilisable \(\w+\)$"):
        await absent.ouvrir()
    await absent.fermer()


async def test_a_store_that_went_away_says_so(registre: Registre, url: str) -> None:
    await importer(registre, JANVIER, [ligne()], INSTANT)
    async with registre.moteur.begin() as connexion:
        await connexion.execute(text("DROP TABLE registre_fenetres"))
        await connexion.execute(text("DROP TABLE registre_lignes"))
    for lecture in (registre.avancee(), registre.contrats(["59000"], [], [])):
        with pytest.raises(RegistreIndisponible):
            await lecture


async def test_what_was_imported_is_there_after_a_restart(registre: Registre, url: str) -> None:
    await importer(registre, JANVIER, [ligne()], INSTANT)
    await registre.fermer()
    relance = Registre(url, SCEAU)
    await relance.ouvrir()
    assert numeros(relance, await relance.contrats(["59000"], [], [])) == ["059202509000001"]
    await relance.fermer()


async def test_a_closed_store_leaves_no_thread(tmp_path: Path) -> None:
    avant = set(threading.enumerate())
    ouvert = Registre(f"sqlite+aiosqlite:///{tmp_path / 'registre.sqlite'}", SCEAU)
    await ouvert.ouvrir()
    await importer(ouvert, JANVIER, [ligne()], INSTANT)
    pendant = {fil for fil in set(threading.enumerate()) - avant if not fil.name.startswith("asyncio")}
    await ouvert.fermer()
    assert pendant
    for fil in pendant:
        fil.join(timeout=30)
    assert {fil for fil in pendant if fil.is_alive()} == set()


async def test_what_tells_the_rows_of_a_contract_changes_with_them_only(registre: Registre) -> None:
    await importer(registre, JANVIER, [ligne("A"), ligne("B")], INSTANT)
    avant = {stocke.contrat: stocke.empreinte for stocke in await registre.contrats(["59000"], [], [])}
    await importer(registre, FEVRIER, [ligne("A", rupture="2026-02-10")], INSTANT)
    apres = {stocke.contrat: stocke.empreinte for stocke in await registre.contrats(["59000"], [], [])}
    assert sorted(avant[contrat] == apres[contrat] for contrat in avant) == [False, True]


async def test_keys_of_a_read_are_told_apart_and_tell_nothing(registre: Registre) -> None:
    empreinte = registre.empreinte(["59000", "59800"], [], ["CANARI"])
    assert empreinte == registre.empreinte({"59800", "59000"}, (), {"CANARI"})
    assert empreinte != registre.empreinte(["59000", "59800"], ["CANARI"], [])
    assert "CANARI" not in empreinte

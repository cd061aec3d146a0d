"""Who harvests, and what is written: one process at a time, page by page, never read by halves, forgotten in its time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from gateway.errors import SourceInvalide
from gateway.sources.moisson import Avancement, moissonner
from gateway.stores.grange import BAIL, Chantier, Grange, MoissonEnCours
from gateway.stores.registre import Fenetre, Registre
from tests.unit.registre_outils import SCEAU, Partenaire, champ, charge, charge_lba

pytestmark = pytest.mark.anyio

DEPUIS = date(2026, 1, 1)
SOIR = datetime(2026, 3, 11, 20, 30, tzinfo=UTC)  # two windows: 59 days, then ten
FENETRES = [Fenetre(DEPUIS, date(2026, 2, 28)), Fenetre(date(2026, 3, 1), date(2026, 3, 10))]
LIEUX: tuple[list[str], list[str], list[str]] = (["59000"], ["0590001F"], [])


class Interrompu(BaseException):
    """The process dies here."""


@pytest.fixture
async def registre(url: str) -> AsyncIterator[Registre]:
    ouvert = Registre(url, SCEAU)
    await ouvert.ouvrir()
    yield ouvert
    await ouvert.fermer()


def partenaire() -> Partenaire:
    """Two windows of two views, a row a page: 3, 2, 1 and 2 pages."""
    source = Partenaire(par_page=1)
    for rang in range(3):
        source.dire(DEPUIS + timedelta(days=20 * rang), charge(f"A{rang}"))
    for rang in range(2):
        source.dire(DEPUIS + timedelta(days=20 * rang), charge_lba(f"A{rang}"), "LBA")
        source.dire(date(2026, 3, 3), charge_lba(f"A{rang}"), "LBA")
    source.dire(date(2026, 3, 2), charge("A0", rupture="2026-02-20"))
    return source


async def moissonner_tout(registre: Registre, source: Partenaire, suivre: Any = lambda _: None) -> int:
    return await moissonner(champ(source, DEPUIS), Grange(registre), lambda: SOIR, suivre)


async def lignes(registre: Registre) -> list[tuple[str, ...]]:
    """What is read of each contract: the views and ruptures of its rows, in order."""
    stockes = await registre.contrats(*LIEUX)
    return sorted(
        tuple(f"{objet['detailsContrat']['noContrat']} {objet['rupture']['dateEffetRupture']}" for objet in lues)
        for lues in map(registre.charges, stockes)
    )


ATTENDUES = [("A0 ", "A0 ", "A0 ", "A0 2026-02-20"), ("A1 ", "A1 ", "A1 "), ("A2 ",)]
PAGES = [
    ("tba", "2026-01-01", 1),
    ("tba", "2026-01-01", 2),
    ("tba", "2026-01-01", 3),
    ("lba", "2026-01-01", 1),
    ("lba", "2026-01-01", 2),
    ("tba", "2026-03-01", 1),
    ("lba", "2026-03-01", 1),
    ("lba", "2026-03-01", 2),
]


async def test_each_page_is_asked_once_and_told_to_who_watches(registre: Registre) -> None:
    source, vus = partenaire(), list[Avancement]()
    assert await moissonner_tout(registre, source, vus.append) == 2
    assert source.appels == PAGES
    etapes = [(vu.rang, vu.total, vu.etape.page, vu.etape.pages, vu.etape.achevee, vu.etape.lignes) for vu in vus]
    assert etapes == [
        (1, 2, 1, 3, False, 1),
        (1, 2, 2, 3, False, 2),
        (1, 2, 3, 3, False, 3),
        (1, 2, 1, 2, False, 4),
        (1, 2, 2, 2, True, 5),
        (2, 2, 1, 1, False, 1),
        (2, 2, 1, 2, False, 2),
        (2, 2, 2, 2, True, 3),
    ]
    assert await lignes(registre) == ATTENDUES
    assert (await registre.avancee()).lignes == 8


async def test_stopped_at_any_page_goes_on_from_that_page(registre: Registre) -> None:
    """The eighth stop is after the last page: each page is asked once, whatever stopped us before it."""
    source = partenaire()
    for arret in range(len(PAGES)):
        with pytest.raises(Interrompu):
            await moissonner_tout(registre, source, _mourir)
        assert source.appels == PAGES[: arret + 1]
    assert await moissonner_tout(registre, source) == 0
    assert await lignes(registre) == ATTENDUES


def _mourir(_: Avancement) -> None:
    raise Interrompu


async def test_a_window_half_written_is_not_read_and_those_before_it_are(registre: Registre) -> None:
    source, lues = partenaire(), []

    async def lire() -> None:
        lues.append((await lignes(registre), (await registre.avancee()).lignes, (await registre.avancee()).version))

    for _ in PAGES:
        with pytest.raises(Interrompu):
            await moissonner_tout(registre, source, _mourir)
        await lire()
    premiere = [("A0 ", "A0 "), ("A1 ", "A1 "), ("A2 ",)]
    assert lues == [([], 0, "0")] * 4 + [(premiere, 5, "1")] * 3 + [(ATTENDUES, 8, "2")]


@pytest.mark.parametrize("change", ["more pages", "the same page"])
async def test_pages_that_move_under_our_feet_begin_the_window_again(registre: Registre, change: str) -> None:
    source = partenaire()
    vrai, attendu = source.lire, charge("A3")

    async def lire(requete: Any, rang: int, lecture: Any) -> Any:
        if rang == 2 and len(source.appels) == 1:
            if change == "the same page":
                return await vrai(requete, 1, lecture)
            source.dire(date(2026, 1, 2), attendu)
        return await vrai(requete, rang, lecture)

    quoi = champ(source, DEPUIS)
    object.__setattr__(quoi, "lire", lire)
    with pytest.raises(SourceInvalide):
        await moissonner(quoi, Grange(registre), lambda: SOIR, lambda _: None)
    assert await Grange(registre).chantier() is None
    await moissonner(quoi, Grange(registre), lambda: SOIR, lambda _: None)
    nouvelles = [("A3 ",)] if change == "more pages" else []
    assert await lignes(registre) == ATTENDUES + nouvelles


class Horloge:
    def __init__(self) -> None:
        self.instant = 1000.0

    def __call__(self) -> float:
        return self.instant


@pytest.fixture
def deux(registre: Registre) -> tuple[Grange, Grange, Horloge]:
    """Two processes over one database, and the clock they share."""
    horloge = Horloge()
    return Grange(registre, horloge), Grange(registre, horloge), horloge


Deux = tuple[Grange, Grange, Horloge]


async def test_one_harvests_at_a_time_and_leaves_its_place(deux: Deux) -> None:
    un, autre, _ = deux
    assert [await un.elire(), await autre.elire(), await un.elire()] == [True, False, True]
    await autre.liberer()
    assert await autre.elire() is False
    await un.liberer()
    assert await autre.elire() is True


async def test_the_place_of_the_dead_is_taken_after_its_lease_and_not_before(deux: Deux) -> None:
    un, autre, horloge = deux
    assert await un.elire()
    horloge.instant += BAIL - 1
    await un.prolonger()
    horloge.instant += BAIL
    assert await autre.elire() is False
    horloge.instant += 1
    assert await autre.elire() is True


async def test_who_was_taken_for_dead_writes_nothing_more(registre: Registre, deux: Deux) -> None:
    un, autre, horloge = deux
    chantier = Chantier(FENETRES[0])
    assert await un.elire()
    horloge.instant += BAIL + 1
    assert await autre.elire()
    await un.prolonger()
    for ecrire in (
        lambda: un.engranger(chantier, [], chantier.apres(1, 0), SOIR),
        lambda: un.abandonner(chantier),
        lambda: un.oublier(DEPUIS),
    ):
        with pytest.raises(MoissonEnCours):
            await ecrire()
    assert (await autre.fenetres(), await autre.chantier()) == ([], None)


async def test_a_page_out_of_turn_is_refused(registre: Registre, deux: Deux) -> None:
    un, _, _ = deux
    chantier = Chantier(FENETRES[0])
    suite = chantier.apres(3, 0)
    assert await un.elire()
    await un.engranger(chantier, [], suite, None)
    await un.engranger(suite, [], suite.apres(3, 0), None)
    with pytest.raises(MoissonEnCours):
        await un.engranger(suite, [], suite.apres(3, 0), None)


async def test_two_processes_ask_each_page_once(registre: Registre, url: str) -> None:
    source, voisin = partenaire(), Registre(url, SCEAU)
    issues = await asyncio.gather(
        moissonner_tout(registre, source), moissonner_tout(voisin, source), return_exceptions=True
    )
    assert sorted(str(issue) for issue in issues) in (["", "2"], ["0", "2"])
    assert source.appels == PAGES
    assert await lignes(voisin) == ATTENDUES
    await voisin.fermer()


async def test_readers_go_on_while_a_page_is_written(registre: Registre, url: str) -> None:
    """The writing stops in the middle of its transaction: a reader of another process does not wait for it."""
    await moissonner_tout(registre, partenaire())
    voisin = Registre(url, SCEAU)
    async with registre.moteur.begin() as connexion:
        await connexion.exec_driver_sql("UPDATE registre_etat SET imports = imports + 1")
        async with asyncio.timeout(10):
            assert await lignes(voisin) == ATTENDUES
    await voisin.fermer()


def _contrat(numero: str, fin: str, **dits: Any) -> dict[str, Any]:
    return charge(numero, nom=f"CANARI {numero}", debut="2020-09-01", fin=fin, **dits)


async def test_a_contract_is_forgotten_two_years_after_the_month_of_its_end(registre: Registre) -> None:
    source = Partenaire()
    for numero, fin in (("A", "2024-02-29"), ("B", "2024-03-01"), ("C", ""), ("D", "2022-08-31"), ("E", "2022-08-31")):
        source.dire(DEPUIS, _contrat(numero, fin))
    source.dire(DEPUIS + timedelta(days=1), _contrat("D", "2024-03-31", avenant="1"))
    source.dire(DEPUIS + timedelta(days=1), _contrat("E", "2022-09-30", avenant="1", rupture="2022-01-01"))
    await moissonner_tout(registre, source)
    avant = await registre.avancee()
    assert await _numeros(registre) == ["A", "B", "C", "D", "E"]
    lendemain: Callable[[], datetime] = lambda: SOIR + timedelta(days=1)  # noqa: E731
    await moissonner(champ(source, DEPUIS), Grange(registre), lendemain, lambda _: None)
    assert await _numeros(registre) == ["B", "C", "D"]
    assert [len(stocke.lignes) for stocke in await registre.contrats(*LIEUX)].count(2) == 1
    assert (await registre.avancee()).version != avant.version


async def _numeros(registre: Registre) -> list[str]:
    lues = [registre.charges(stocke) for stocke in await registre.contrats(*LIEUX)]
    return sorted({objet["detailsContrat"]["noContrat"] for objets in lues for objet in objets})


async def test_more_is_forgotten_than_a_transaction_takes(registre: Registre) -> None:
    source = Partenaire()
    for rang in range(1100):
        source.dire(DEPUIS, _contrat(f"N{rang}", "2022-08-31" if rang else "2026-08-31"))
    await moissonner_tout(registre, source)
    grange = Grange(registre)
    assert await grange.elire()
    assert await grange.oublier(date(2024, 3, 1)) == 1099
    assert await _numeros(registre) == ["N0"]
    assert await grange.oublier(date(2024, 3, 1)) == 0


async def test_a_contract_whose_rows_tell_no_end_is_kept_for_the_longest_one(registre: Registre) -> None:
    source = Partenaire()
    source.dire(DEPUIS, _contrat("A", ""))
    await moissonner_tout(registre, source)
    grange = Grange(registre)
    assert await grange.elire()
    assert [await grange.oublier(jour) for jour in (date(2030, 2, 1), date(2030, 2, 2))] == [0, 1]

"""The harvest: every day once, in order, whatever stops it and wherever."""

import logging
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.connectors.registre import moisson
from gateway.errors import SourceFermee, SourceIndisponible
from gateway.sources.moisson import Avancement, Champ, fenetres_dues, moissonner, veiller
from gateway.stores.registre import ContratStocke, Fenetre, Registre
from tests.unit.registre_outils import SCEAU, Partenaire, charge, charge_lba

DEPUIS, HIER = date(2026, 1, 1), date(2026, 6, 30)
SOIR = datetime(2026, 7, 1, 20, 30, tzinfo=UTC)
FENETRES = [
    ("2026-01-01", "2026-02-28"),
    ("2026-03-01", "2026-04-28"),
    ("2026-04-29", "2026-06-26"),
    ("2026-06-27", "2026-06-30"),
]


class Interrompu(BaseException):
    """The process dies here."""


def partenaire() -> Partenaire:
    """Three contracts: one broken later, one with an amendment, one that is in one view only."""
    rempli = Partenaire()
    for jour in (date(2026, 1, 3), date(2026, 2, 28), date(2026, 6, 30)):
        rempli.dire(jour, charge("A", rupture="2026-06-20" if jour.month == 6 else ""))
        rempli.dire(jour, charge_lba("A"), "LBA")
    rempli.dire(date(2026, 3, 1), charge("B", uai="0330002Y"))
    rempli.dire(date(2026, 6, 27), charge("B", uai="0330002Y", avenant="1"))
    rempli.dire(date(2026, 6, 28), charge_lba("C", nom="AUTRE", code_postal="", uai="0330002Y"), "LBA")
    return rempli


def champ(source: Partenaire, **dits: Any) -> Champ:
    return Champ(source.lire, moisson, DEPUIS, 59, **dits)


@pytest.fixture
async def ouvrir(tmp_path: Path) -> AsyncIterator[Callable[[str], Any]]:
    ouverts: list[Registre] = []

    async def ouvrir(nom: str) -> Registre:
        ouverts.append(Registre(f"sqlite+aiosqlite:///{tmp_path / nom}", SCEAU))
        await ouverts[-1].ouvrir()
        return ouverts[-1]

    yield ouvrir
    for ouvert in ouverts:
        await ouvert.fermer()


async def contenu(registre: Registre) -> tuple[list[ContratStocke], list[Fenetre], int]:
    """All that a store holds: a contract equals another when its rows do (`empreinte`)."""
    stockes = await registre.contrats(["59000"], ["0590001F", "0330002Y"], [])
    return stockes, await registre.fenetres(), (await registre.avancee()).lignes


async def charges(registre: Registre) -> list[tuple[dict[str, Any], ...]]:
    return [registre.charges(stocke) for stocke in (await contenu(registre))[0]]


def ignorer(_: Avancement) -> None:
    """Nobody watches."""


@pytest.mark.anyio
async def test_backfill_then_day_by_day(ouvrir: Callable[[str], Any]) -> None:
    source, registre, vus = partenaire(), await ouvrir("r"), list[Avancement]()
    assert await moissonner(champ(source), registre, lambda: SOIR, vus.append) == 4
    assert source.fenetres == FENETRES
    assert [(vu.rang, vu.total, vu.lignes) for vu in vus] == [(1, 4, 4), (2, 4, 1), (3, 4, 0), (4, 4, 4)]
    assert await moissonner(champ(source), registre, lambda: SOIR, ignorer) == 0
    source.dire(date(2026, 7, 1), charge("D"))
    assert await moissonner(champ(source), registre, lambda: SOIR + timedelta(days=2), ignorer) == 2
    assert source.fenetres[4:] == [("2026-07-01", "2026-07-01"), ("2026-07-02", "2026-07-02")]
    assert (await registre.avancee()).lignes == 10


@pytest.mark.anyio
async def test_stopped_at_any_window_then_resumed_gives_the_same_store(ouvrir: Callable[[str], Any]) -> None:
    temoin = await ouvrir("temoin")
    await moissonner(champ(partenaire()), temoin, lambda: SOIR, ignorer)
    attendu = await contenu(temoin)
    assert sorted(len(stocke.lignes) for stocke in attendu[0]) == [1, 2, 6]
    for panne in range(len(FENETRES)):
        source, registre = partenaire(), await ouvrir(f"panne-{panne}")
        source.incident = _mourir_a(panne)
        with pytest.raises(Interrompu):
            await moissonner(champ(source), registre, lambda: SOIR, ignorer)
        source.incident = lambda _: None
        await moissonner(champ(source), registre, lambda: SOIR, ignorer)
        assert await contenu(registre) == attendu
        assert source.fenetres == FENETRES


@pytest.mark.anyio
async def test_stopped_while_writing_any_window_loses_and_repeats_nothing(
    ouvrir: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    temoin = await ouvrir("temoin")
    await moissonner(champ(partenaire()), temoin, lambda: SOIR, ignorer)
    for panne in range(9):
        source, registre = partenaire(), await ouvrir(f"panne-{panne}")
        with monkeypatch.context() as piege:
            piege.setattr(registre, "_sceller", _sceller_jusqu_a(panne, registre))
            with pytest.raises(Interrompu):
                await moissonner(champ(source), registre, lambda: SOIR, ignorer)
        await moissonner(champ(source), registre, lambda: SOIR, ignorer)
        assert await contenu(registre) == await contenu(temoin)


def _mourir_a(panne: int) -> Callable[[int], None]:
    def incident(rang: int) -> None:
        if rang == panne:
            raise Interrompu

    return incident


def _sceller_jusqu_a(panne: int, registre: Registre) -> Callable[..., Any]:
    vrai, scellees = registre._sceller, iter(range(100))

    def sceller(*args: Any) -> dict[str, Any]:
        if next(scellees) == panne:
            raise Interrompu
        return vrai(*args)

    return sceller


@pytest.mark.anyio
async def test_an_earlier_start_fills_the_gap_first_and_in_order(ouvrir: Callable[[str], Any]) -> None:
    source, registre, temoin = partenaire(), await ouvrir("r"), await ouvrir("temoin")
    await registre.importer(Fenetre(date(2026, 4, 1), date(2026, 4, 30)), [], SOIR)
    await moissonner(champ(source), registre, lambda: SOIR, ignorer)
    assert source.fenetres == [
        ("2026-01-01", "2026-02-28"),
        ("2026-03-01", "2026-03-31"),
        ("2026-05-01", "2026-06-28"),
        ("2026-06-29", "2026-06-29"),
        ("2026-06-30", "2026-06-30"),
    ]
    await moissonner(champ(partenaire()), temoin, lambda: SOIR, ignorer)
    assert await charges(registre) == await charges(temoin)


@pytest.mark.anyio
async def test_yesterday_is_the_eve_in_paris(ouvrir: Callable[[str], Any]) -> None:
    source = Partenaire()
    minuit_passe = datetime(2026, 1, 1, 23, 30, tzinfo=UTC)
    await moissonner(champ(source), await ouvrir("r"), lambda: minuit_passe, ignorer)
    assert source.fenetres == [("2026-01-01", "2026-01-01")]


@pytest.mark.anyio
async def test_by_hand_a_closed_partner_stops_the_harvest_and_says_when(ouvrir: Callable[[str], Any]) -> None:
    source, registre = partenaire(), await ouvrir("r")
    source.incident = _fermer_a(2, 3600.0)
    with pytest.raises(SourceFermee) as arret:
        await moissonner(champ(source), registre, lambda: SOIR, ignorer)
    assert arret.value.reessayer_dans == 3600.0
    assert (await registre.avancee()).dernier_jour == date(2026, 4, 28)


def _fermer_a(rang_ferme: int, reessayer_dans: float | None) -> Callable[[int], None]:
    def incident(rang: int) -> None:
        if rang == rang_ferme:
            raise SourceFermee("registre", "fermé", reessayer_dans)

    return incident


class Fin(BaseException):
    """The test has seen enough sleeps."""


class Sommeil:
    """Virtual sleep: notes what is asked, moves the clock, ends the watch after `nombre` of them."""

    def __init__(self, depart: datetime, nombre: int) -> None:
        self.instant, self._nombre = depart, nombre
        self.attentes: list[float] = []

    async def dormir(self, secondes: float) -> None:
        self.attentes.append(secondes)
        self.instant += timedelta(seconds=secondes)
        if len(self.attentes) == self._nombre:
            raise Fin

    async def veiller(self, quoi: Champ, registre: Any) -> None:
        with pytest.raises(Fin):
            await veiller(quoi, registre, lambda: self.instant, self.dormir)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("annonce", "attendue"), [(5400.0, 5400.0), (0.0, 900.0), (None, 900.0), (1.0, 60.0), (10.0**9, 21600.0)]
)
async def test_the_service_comes_back_when_a_closed_partner_said(
    ouvrir: Callable[[str], Any], annonce: float | None, attendue: float
) -> None:
    source, registre, sommeil = partenaire(), await ouvrir("r"), Sommeil(SOIR - timedelta(hours=8), 2)
    fermetures = iter([_fermer_a(1, annonce)])

    def incident(rang: int) -> None:
        if rang == 1:
            next(fermetures, lambda _: None)(rang)

    source.incident = incident
    await sommeil.veiller(champ(source), registre)
    assert sommeil.attentes == [attendue, 900.0]
    assert source.fenetres == FENETRES


@pytest.mark.anyio
async def test_the_service_follows_the_opening_hours(ouvrir: Callable[[str], Any]) -> None:
    source, registre = partenaire(), await ouvrir("r")
    quoi = champ(source, ouverture=(time(19, 0), time(7, 0)))
    midi = Sommeil(datetime(2026, 7, 1, 10, 0, tzinfo=UTC), 28)  # noon in Paris
    await midi.veiller(quoi, registre)
    assert (source.fenetres, midi.attentes) == ([], [900.0] * 28)
    await Sommeil(midi.instant, 1).veiller(quoi, registre)  # 19:00 in Paris
    assert source.fenetres == FENETRES


@pytest.mark.anyio
async def test_the_service_outlives_what_fails_and_says_no_value(
    ouvrir: Callable[[str], Any], caplog: pytest.LogCaptureFixture
) -> None:
    source, registre, sommeil = partenaire(), await ouvrir("r"), Sommeil(SOIR - timedelta(hours=8), 3)
    pannes: list[Exception] = [OSError("canari 0639980017"), SourceIndisponible("registre", "canari")]

    def incident(_: int) -> None:
        if pannes:
            raise pannes.pop()

    source.incident = incident
    with caplog.at_level(logging.WARNING):
        await sommeil.veiller(champ(source), registre)
    assert sommeil.attentes == [900.0] * 3
    assert caplog.messages == [
        "moisson interrompue : registre SOURCE_INDISPONIBLE",
        "moisson interrompue : OSError",
    ]
    assert source.fenetres == FENETRES


JOURS = st.integers(0, 400).map(lambda rang: DEPUIS + timedelta(days=rang))


@settings(deadline=None)
@given(
    coupes=st.lists(JOURS, max_size=12, unique=True).map(sorted),
    gardes=st.lists(st.booleans(), min_size=13, max_size=13),
    hier=JOURS,
    longueur=st.integers(1, 59),
)
def test_what_was_done_and_what_is_due_tell_each_day_once(
    coupes: list[date], gardes: list[bool], hier: date, longueur: int
) -> None:
    bornes = [DEPUIS - timedelta(days=1), *coupes]
    morceaux = [Fenetre(a + timedelta(days=1), b) for a, b in zip(bornes, coupes, strict=False)]
    faites = [morceau for morceau, garde in zip(morceaux, gardes, strict=False) if garde]
    dues = fenetres_dues(faites, DEPUIS, hier, longueur)
    jours = sorted(jour for fenetre in [*faites, *dues] for jour in _jours(fenetre))
    assert [jour for jour in jours if jour <= hier] == _jours(Fenetre(DEPUIS, hier))
    assert len(jours) == len(set(jours))
    assert dues == sorted(dues, key=lambda fenetre: fenetre.debut)
    assert all(fenetre.fin <= hier and len(_jours(fenetre)) <= longueur for fenetre in dues)


def _jours(fenetre: Fenetre) -> list[date]:
    return [fenetre.debut + timedelta(days=rang) for rang in range((fenetre.fin - fenetre.debut).days + 1)]

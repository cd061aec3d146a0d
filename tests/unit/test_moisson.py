"""The harvest: every day once, in order, whatever stops it and wherever."""

import logging
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from gateway.errors import SourceFermee, SourceIndisponible, SourceInvalide
from gateway.sources.moisson import ILLISIBLES, Avancement, Champ, fenetres_dues, moissonner, veiller
from gateway.sources.suivi import SuiviMoisson
from gateway.stores.grange import Grange
from gateway.stores.registre import ContratStocke, Fenetre, Registre
from tests.unit import registre_outils as outils
from tests.unit.registre_outils import SCEAU, Partenaire, charge, charge_lba, importer

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
    return outils.champ(source, DEPUIS, **dits)


@pytest.fixture
async def ouvrir(tmp_path: Path) -> AsyncIterator[Callable[[str], Any]]:
    ouverts: list[Registre] = []

    async def ouvrir(nom: str) -> Grange:
        ouverts.append(Registre(f"sqlite+aiosqlite:///{tmp_path / nom}", SCEAU))
        await ouverts[-1].ouvrir()
        return Grange(ouverts[-1])

    yield ouvrir
    for ouvert in ouverts:
        await ouvert.fermer()


async def contenu(grange: Grange) -> tuple[list[ContratStocke], list[Fenetre], int]:
    """All that a store holds: a contract equals another when its rows do (`empreinte`)."""
    stockes = await grange.registre.contrats(["59000"], ["0590001F", "0330002Y"], [])
    return stockes, await grange.fenetres(), (await grange.registre.avancee()).lignes


async def charges(grange: Grange) -> list[tuple[dict[str, Any], ...]]:
    return [grange.registre.charges(stocke) for stocke in (await contenu(grange))[0]]


def ignorer(_: Avancement) -> None:
    """Nobody watches."""


@pytest.mark.anyio
async def test_backfill_then_day_by_day(ouvrir: Callable[[str], Any]) -> None:
    source, grange, vus = partenaire(), await ouvrir("r"), list[Avancement]()
    assert await moissonner(champ(source), grange, lambda: SOIR, vus.append) == 4
    assert source.fenetres == FENETRES
    finies = [(vu.rang, vu.total, vu.etape.lignes) for vu in vus if vu.etape.achevee]
    assert finies == [(1, 4, 4), (2, 4, 1), (3, 4, 0), (4, 4, 4)]
    assert await moissonner(champ(source), grange, lambda: SOIR, ignorer) == 0
    source.dire(date(2026, 7, 1), charge("D"))
    assert await moissonner(champ(source), grange, lambda: SOIR + timedelta(days=2), ignorer) == 2
    assert source.fenetres[4:] == [("2026-07-01", "2026-07-01"), ("2026-07-02", "2026-07-02")]
    assert (await grange.registre.avancee()).lignes == 10


@pytest.mark.anyio
async def test_stopped_at_any_window_then_resumed_gives_the_same_store(ouvrir: Callable[[str], Any]) -> None:
    temoin = await ouvrir("temoin")
    await moissonner(champ(partenaire()), temoin, lambda: SOIR, ignorer)
    attendu = await contenu(temoin)
    assert sorted(len(stocke.lignes) for stocke in attendu[0]) == [1, 2, 6]
    for panne in range(len(FENETRES)):
        source, grange = partenaire(), await ouvrir(f"panne-{panne}")
        source.incident = _mourir_a(panne)
        with pytest.raises(Interrompu):
            await moissonner(champ(source), grange, lambda: SOIR, ignorer)
        source.incident = lambda _: None
        await moissonner(champ(source), grange, lambda: SOIR, ignorer)
        assert await contenu(grange) == attendu
        assert source.fenetres == FENETRES


def _mourir_a(panne: int) -> Callable[[int], None]:
    def incident(rang: int) -> None:
        if rang == panne:
            raise Interrompu

    return incident


@pytest.mark.anyio
async def test_an_earlier_start_fills_the_gap_first_and_in_order(ouvrir: Callable[[str], Any]) -> None:
    source, grange, temoin = partenaire(), await ouvrir("r"), await ouvrir("temoin")
    await importer(grange.registre, Fenetre(date(2026, 4, 1), date(2026, 4, 30)), [], SOIR)
    await moissonner(champ(source), grange, lambda: SOIR, ignorer)
    assert source.fenetres == [
        ("2026-01-01", "2026-02-28"),
        ("2026-03-01", "2026-03-31"),
        ("2026-05-01", "2026-06-28"),
        ("2026-06-29", "2026-06-29"),
        ("2026-06-30", "2026-06-30"),
    ]
    await moissonner(champ(partenaire()), temoin, lambda: SOIR, ignorer)
    assert await charges(grange) == await charges(temoin)


@pytest.mark.anyio
async def test_yesterday_is_the_eve_in_paris(ouvrir: Callable[[str], Any]) -> None:
    source = Partenaire()
    minuit_passe = datetime(2026, 1, 1, 23, 30, tzinfo=UTC)
    await moissonner(champ(source), await ouvrir("r"), lambda: minuit_passe, ignorer)
    assert source.fenetres == [("2026-01-01", "2026-01-01")]


@pytest.mark.anyio
async def test_by_hand_a_closed_partner_stops_the_harvest_and_says_when(ouvrir: Callable[[str], Any]) -> None:
    source, grange = partenaire(), await ouvrir("r")
    source.incident = _fermer_a(2, 3600.0)
    with pytest.raises(SourceFermee) as arret:
        await moissonner(champ(source), grange, lambda: SOIR, ignorer)
    assert arret.value.reessayer_dans == 3600.0
    assert (await grange.registre.avancee()).dernier_jour == date(2026, 4, 28)


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

    async def veiller(self, quoi: Champ, grange: Grange) -> None:
        suivi = SuiviMoisson(CollectorRegistry(), lambda: self.instant)
        with pytest.raises(Fin):
            await veiller(quoi, grange, lambda: self.instant, self.dormir, suivi)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("annonce", "attendue"), [(5400.0, 5400.0), (0.0, 900.0), (None, 900.0), (1.0, 60.0), (10.0**9, 21600.0)]
)
async def test_the_service_comes_back_when_a_closed_partner_said(
    ouvrir: Callable[[str], Any], annonce: float | None, attendue: float
) -> None:
    source, grange, sommeil = partenaire(), await ouvrir("r"), Sommeil(SOIR - timedelta(hours=8), 2)
    fermetures = iter([_fermer_a(1, annonce)])

    def incident(rang: int) -> None:
        if rang == 1:
            next(fermetures, lambda _: None)(rang)

    source.incident = incident
    await sommeil.veiller(champ(source), grange)
    assert sommeil.attentes == [attendue, 900.0]
    assert source.fenetres == FENETRES


@pytest.mark.anyio
async def test_the_service_follows_the_opening_hours(ouvrir: Callable[[str], Any]) -> None:
    source, grange = partenaire(), await ouvrir("r")
    quoi = champ(source, ouverture=(time(19, 0), time(7, 0)))
    midi = Sommeil(datetime(2026, 7, 1, 10, 0, tzinfo=UTC), 28)  # noon in Paris
    await midi.veiller(quoi, grange)
    assert (source.fenetres, midi.attentes) == ([], [900.0] * 28)
    await Sommeil(midi.instant, 1).veiller(quoi, grange)  # 19:00 in Paris
    assert source.fenetres == FENETRES


@pytest.mark.anyio
async def test_the_service_outlives_what_fails_and_says_no_value(
    ouvrir: Callable[[str], Any], caplog: pytest.LogCaptureFixture
) -> None:
    source, grange, sommeil = partenaire(), await ouvrir("r"), Sommeil(SOIR - timedelta(hours=8), 3)
    pannes: list[Exception] = [OSError("canari 0639980017"), SourceIndisponible("registre", "canari")]

    def incident(_: int) -> None:
        if pannes:
            raise pannes.pop()

    source.incident = incident
    with caplog.at_level(logging.WARNING):
        await sommeil.veiller(champ(source), grange)
    assert sommeil.attentes == [900.0] * 3
    assert caplog.messages == [
        "moisson interrompue : registre SOURCE_INDISPONIBLE",
        "moisson interrompue : OSError",
    ]
    assert source.fenetres == FENETRES


@pytest.mark.anyio
async def test_a_registry_whose_format_changed_is_not_harvested_as_if_it_told_of_nobody(
    ouvrir: Callable[[str], Any],
) -> None:
    """Its windows were closed, empty, and never asked again. A few rows that cannot be read do not stop the others."""
    source, grange = Partenaire(), await ouvrir("r")
    for _ in range(ILLISIBLES):
        source.dire(date(2026, 3, 1), {"ALTERNANT": {}})
    with pytest.raises(SourceInvalide, match="aucune ligne de la page n'est lisible"):
        await moissonner(champ(source), grange, lambda: SOIR, lambda _: None)
    assert [fenetre.fin for fenetre in await grange.fenetres()] == [date(2026, 2, 28)]
    source.jours[date(2026, 3, 1)][0] = ("TBA", charge("A"))
    await moissonner(champ(source), grange, lambda: SOIR, lambda _: None)
    assert (await grange.registre.avancee()).dernier_jour == HIER


@pytest.mark.anyio
async def test_the_service_leaves_the_harvest_to_another_process_and_looks_again_soon(
    ouvrir: Callable[[str], Any],
) -> None:
    source, grange = partenaire(), await ouvrir("r")
    autre = Grange(grange.registre)
    assert await autre.elire()
    sommeil = Sommeil(SOIR, 1)
    await sommeil.veiller(champ(source), grange)
    assert (source.appels, sommeil.attentes) == ([], [60.0])
    await autre.liberer()
    await Sommeil(SOIR, 1).veiller(champ(source), grange)
    assert source.fenetres == FENETRES


@pytest.mark.anyio
async def test_an_operator_sees_each_window_what_is_left_and_how_old_the_copy_is(
    ouvrir: Callable[[str], Any], caplog: pytest.LogCaptureFixture
) -> None:
    source, grange, mesures = partenaire(), await ouvrir("r"), CollectorRegistry()
    source.dire(date(2026, 3, 1), {"alternant": {}})
    source.incident = _fermer_a(3, 3600.0)
    suivi = SuiviMoisson(mesures, lambda: SOIR)
    suivi.situer(await grange.registre.avancee(), 4)
    assert mesures.get_sample_value("passerelle_registre_retard_secondes") == float("inf")
    sommeil = Sommeil(SOIR, 1)
    with pytest.raises(Fin), caplog.at_level(logging.INFO):
        await veiller(champ(source), grange, lambda: SOIR, sommeil.dormir, suivi)
    dits = [message.rpartition(" (")[0] for message in caplog.messages]
    assert dits == [
        "moisson [1/4] 2026-01-01 → 2026-02-28 : extractTBA page 1/1, 2 lignes",
        "moisson [1/4] 2026-01-01 → 2026-02-28 : 4 lignes",
        "moisson [2/4] 2026-03-01 → 2026-04-28 : extractTBA page 1/1, 1 lignes, 1 rejetées",
        "moisson [2/4] 2026-03-01 → 2026-04-28 : 1 lignes",
        "moisson [3/4] 2026-04-29 → 2026-06-26 : extractTBA page 1/1, 0 lignes",
        "moisson [3/4] 2026-04-29 → 2026-06-26 : 0 lignes",
    ]
    lus = {
        nom: mesures.get_sample_value(nom)
        for nom in ("passerelle_moisson_fenetres_total", "passerelle_moisson_fenetres_dues")
    }
    assert lus == {"passerelle_moisson_fenetres_total": 3.0, "passerelle_moisson_fenetres_dues": 1.0}
    sortes = [
        mesures.get_sample_value("passerelle_moisson_lignes_total", {"sort": sort}) for sort in ("gardee", "rejetee")
    ]
    assert sortes == [5.0, 1.0]
    retard = SOIR - datetime(2026, 6, 27, 22, tzinfo=UTC)
    assert mesures.get_sample_value("passerelle_registre_retard_secondes") == retard.total_seconds()


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

"""The referential: read at start, kept on disk, served from there when its partner is down; and who belongs where."""

import asyncio
import json
import logging
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from gateway.connectors.base import QualityCounts, ReadingSteps
from gateway.domain.referentiel import CommuneLine, MissionLocaleRow, OrganismeRow, Referentiel
from gateway.errors import ConfigurationError, SourceUnavailable
from gateway.sources.harvest.referentiel import PERIOD, RETRY_AFTER, ReferentielKeeper

LILLE = CommuneLine("59350", "Lille", ("59000", "59800"), "59", "32", "09", "59010")
LENS = CommuneLine("62498", "Lens", ("62300",), "62", "32", "09", "62020")
PARIS = CommuneLine("75056", "Paris", ("75001",), "75", "11", "01", None)
HEAD = OrganismeRow("0590001F", "13002526500013", "Tête", "59350", "59", "32", "09", ("CMA",), None, (), ("0620002R",))
LIEU = OrganismeRow("0620002R", "", "Lieu", "62498", "62", "32", "09", ("CMA", "MFR"), "formateur", ("0590001F",))
VILLE = OrganismeRow("0750003W", "", "Ville", "75056", "75", "11", "01")
COMPLETE = Referentiel(
    communes={place.code: place for place in (LILLE, LENS, PARIS)},
    missions_locales={"59010": MissionLocaleRow(590, "59010", "Mission de Lille", "59350", "0353010001", None)},
    organismes={organisme.uai: organisme for organisme in (HEAD, LIEU, VILLE)},
    noms={("REGION", "32"): "Hauts-de-France", ("ACADEMIE", "09"): "Lille"},
)


class Partner:
    """Answers what it is told to, or fails so."""

    def __init__(self, *responses: Referentiel | Exception) -> None:
        self._responses = list(responses)

    async def read(self, reading: ReadingSteps[tuple[Referentiel, QualityCounts]]) -> tuple[Referentiel, QualityCounts]:
        assert next(reading) == []
        response = self._responses.pop(0)
        if isinstance(response, Exception):
            raise response
        return response, QualityCounts()


def reading() -> Generator[list[Any], Any, tuple[Referentiel, QualityCounts]]:
    yield []
    return Referentiel(), QualityCounts()


def keeper(record: Path, *responses: Referentiel | Exception) -> ReferentielKeeper:
    return ReferentielKeeper(record / "donnees" / "referentiel.json", Partner(*responses).read, reading)


FAILING = SourceUnavailable("referentiel", "en panne")


@pytest.mark.anyio
async def test_the_copy_on_disk_serves_when_the_partner_is_down(tmp_path: Path) -> None:
    await keeper(tmp_path, COMPLETE).open()
    restarted = keeper(tmp_path, FAILING)
    await restarted.open()
    assert restarted.current == COMPLETE
    assert restarted.current.geographie.by_code_postal["59800"] == (LILLE,)


@pytest.mark.anyio
async def test_a_partner_that_hangs_does_not_delay_a_start_that_has_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It made the gateway wait for two minutes, with the copy at hand."""
    await keeper(tmp_path, COMPLETE).open()
    monkeypatch.setattr("gateway.sources.harvest.referentiel.PATIENCE", 0.01)

    async def hang(_: object) -> tuple[Referentiel, QualityCounts]:
        await asyncio.sleep(3600)
        raise AssertionError

    kept_up = ReferentielKeeper(tmp_path / "donnees" / "referentiel.json", hang, reading)
    await kept_up.open()
    assert kept_up.current == COMPLETE


@pytest.mark.anyio
async def test_neither_partner_nor_copy_stops_the_start_with_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="aucune copie"):
        await keeper(tmp_path, FAILING).open()


@pytest.mark.anyio
@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"version": 0}', '{"version": 1}', '{"version": 1, "communes": [{}]}']
)
async def test_an_unreadable_copy_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "donnees" / "referentiel.json"
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=r"referentiel\.json : copie du référentiel illisible"):
        await keeper(tmp_path, FAILING).open()


@pytest.mark.anyio
@pytest.mark.parametrize("missing", ["communes", "missions_locales", "organismes"])
async def test_an_answer_cut_short_does_not_replace_a_good_one(tmp_path: Path, missing: str) -> None:
    tables = {name: getattr(COMPLETE, name) for name in ("communes", "missions_locales", "organismes", "noms")}
    kept_up = keeper(tmp_path, COMPLETE, Referentiel(**{**tables, missing: {}}))
    await kept_up.open()
    assert await kept_up.harvest() is False
    assert kept_up.current is COMPLETE


@pytest.mark.anyio
async def test_a_referential_that_lost_a_share_of_its_places_does_not_replace_the_one_on_disk(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Read short at a start, it emptied perimeters in silence. Who deletes the copy says that it is believed."""
    await keeper(tmp_path, COMPLETE).open()
    short = Referentiel({"59350": LILLE}, COMPLETE.missions_locales, COMPLETE.organismes)
    restarted = keeper(tmp_path, short)
    await restarted.open()
    assert restarted.current == COMPLETE
    assert (
        "référentiel vide ou tronqué : le précédent est gardé, jusqu'à ce que sa copie soit supprimée"
        in caplog.messages
    )
    (tmp_path / "donnees" / "referentiel.json").unlink()
    told = keeper(tmp_path, short)
    await told.open()
    assert told.current is short


@pytest.mark.anyio
async def test_the_copy_is_replaced_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await keeper(tmp_path, COMPLETE).open()
    grown = Referentiel({**COMPLETE.communes, "59000": LILLE}, COMPLETE.missions_locales, COMPLETE.organismes)

    def fault(*_: object) -> None:
        raise OSError(28, "disque plein")

    with monkeypatch.context() as trap:
        trap.setattr("os.replace", fault)
        under_way = keeper(tmp_path, grown)
        await under_way.open()
    assert under_way.current is grown
    restarted = keeper(tmp_path, FAILING)
    await restarted.open()
    assert restarted.current == COMPLETE


class Stop(BaseException):
    """The test has seen enough sleeps."""


@pytest.mark.anyio
async def test_it_is_harvested_daily_and_sooner_after_a_failure(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        await asyncio.sleep(0)
        if len(waits) == 5:
            raise Stop

    new = Referentiel(COMPLETE.communes, COMPLETE.missions_locales, COMPLETE.organismes)
    kept_up = keeper(tmp_path, COMPLETE, COMPLETE, FAILING, RuntimeError("canari"), new)
    await kept_up.open()
    with caplog.at_level(logging.WARNING), pytest.raises(Stop):
        await kept_up.watch(sleep)
    assert waits == [PERIOD, PERIOD, RETRY_AFTER, RETRY_AFTER, PERIOD]
    assert kept_up.current is new
    assert caplog.messages == [
        "référentiel non moissonné : referentiel SOURCE_INDISPONIBLE",
        "référentiel non moissonné : RuntimeError",
    ]


@pytest.mark.anyio
async def test_started_from_the_disk_it_asks_again_soon(tmp_path: Path) -> None:
    await keeper(tmp_path, COMPLETE).open()
    restarted = keeper(tmp_path, FAILING)
    await restarted.open()

    async def sleep(seconds: float) -> None:
        assert seconds == RETRY_AFTER
        raise Stop

    with pytest.raises(Stop):
        await restarted.watch(sleep)


@pytest.mark.anyio
async def test_the_copy_says_its_version(tmp_path: Path) -> None:
    await keeper(tmp_path, COMPLETE).open()
    (file,) = (tmp_path / "donnees").iterdir()
    content = json.loads(file.read_text())
    assert (file.name, content["version"], len(content["communes"])) == ("referentiel.json", 1, 3)


def test_who_belongs_where() -> None:
    assert COMPLETE.cfas_of_region("32") == {"0590001F", "0620002R"}
    assert COMPLETE.cfas_of_departement("62") == {"0620002R"}
    assert COMPLETE.cfas_of_academie("01") == {"0750003W"}
    assert COMPLETE.uais_of_reseau("CMA") == {"0590001F", "0620002R"}
    assert COMPLETE.uais_of_reseau("MFR") == {"0620002R"}
    assert COMPLETE.formateurs("0590001F") == {"0620002R"}
    assert COMPLETE.formateurs("0999999F") == frozenset()
    assert COMPLETE.communes_de_mission_locale("59010") == {"59350"}
    assert COMPLETE.communes_de_region("32") == {"59350", "62498"}
    assert COMPLETE.codes_postaux_of(["59350", "62498"]) == {"59000", "59800", "62300"}
    assert COMPLETE.cfas_of_region("inconnue") == frozenset()


def test_a_body_is_found_by_uai_else_by_siret() -> None:
    assert COMPLETE.organisme("0620002R") is LIEU
    assert COMPLETE.organisme("0999999F", "13002526500013") is HEAD
    assert COMPLETE.organisme(None, "13002526500013") is HEAD
    assert COMPLETE.organisme("0999999F") is None

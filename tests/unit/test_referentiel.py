"""The referential: read at start, kept on disk, served from there when its partner is down; and who belongs where."""

import asyncio
import json
import logging
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from gateway.connectors.base import Compte, Lecture
from gateway.domain.referentiel import LigneCommune, LigneMissionLocale, LigneOrganisme, Referentiel
from gateway.errors import ErreurConfiguration, SourceIndisponible
from gateway.sources.referentiel import PERIODE, REPRISE, GardienReferentiel

LILLE = LigneCommune("59350", "Lille", ("59000", "59800"), "59", "32", "09", "59010")
LENS = LigneCommune("62498", "Lens", ("62300",), "62", "32", "09", "62020")
PARIS = LigneCommune("75056", "Paris", ("75001",), "75", "11", "01", None)
TETE = LigneOrganisme(
    "0590001F", "13002526500013", "Tête", "59350", "59", "32", "09", ("CMA",), None, (), ("0620002R",)
)
LIEU = LigneOrganisme("0620002R", "", "Lieu", "62498", "62", "32", "09", ("CMA", "MFR"), "formateur", ("0590001F",))
VILLE = LigneOrganisme("0750003W", "", "Ville", "75056", "75", "11", "01")
COMPLET = Referentiel(
    communes={lieu.code: lieu for lieu in (LILLE, LENS, PARIS)},
    missions_locales={"59010": LigneMissionLocale(590, "59010", "Mission de Lille", "59350", "0353010001", None)},
    organismes={organisme.uai: organisme for organisme in (TETE, LIEU, VILLE)},
    noms={("REGION", "32"): "Hauts-de-France", ("ACADEMIE", "09"): "Lille"},
)


class Partenaire:
    """Answers what it is told to, or fails so."""

    def __init__(self, *reponses: Referentiel | Exception) -> None:
        self._reponses = list(reponses)

    async def lire(self, lecture: Lecture[tuple[Referentiel, Compte]]) -> tuple[Referentiel, Compte]:
        assert next(lecture) == []
        reponse = self._reponses.pop(0)
        if isinstance(reponse, Exception):
            raise reponse
        return reponse, Compte()


def lecture() -> Generator[list[Any], Any, tuple[Referentiel, Compte]]:
    yield []
    return Referentiel(), Compte()


def gardien(dossier: Path, *reponses: Referentiel | Exception) -> GardienReferentiel:
    return GardienReferentiel(dossier / "donnees" / "referentiel.json", Partenaire(*reponses).lire, lecture)


EN_PANNE = SourceIndisponible("referentiel", "en panne")


@pytest.mark.anyio
async def test_the_copy_on_disk_serves_when_the_partner_is_down(tmp_path: Path) -> None:
    await gardien(tmp_path, COMPLET).ouvrir()
    relance = gardien(tmp_path, EN_PANNE)
    await relance.ouvrir()
    assert relance.courant == COMPLET
    assert relance.courant.geographie.par_code_postal["59800"] == (LILLE,)


@pytest.mark.anyio
async def test_a_partner_that_hangs_does_not_delay_a_start_that_has_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It made the gateway wait for two minutes, with the copy at hand."""
    await gardien(tmp_path, COMPLET).ouvrir()
    monkeypatch.setattr("gateway.sources.referentiel.PATIENCE", 0.01)

    async def pendre(_: object) -> tuple[Referentiel, Compte]:
        await asyncio.sleep(3600)
        raise AssertionError

    tenu = GardienReferentiel(tmp_path / "donnees" / "referentiel.json", pendre, lecture)
    await tenu.ouvrir()
    assert tenu.courant == COMPLET


@pytest.mark.anyio
async def test_neither_partner_nor_copy_stops_the_start_with_one_line(tmp_path: Path) -> None:
    with pytest.raises(ErreurConfiguration, match="aucune copie"):
        await gardien(tmp_path, EN_PANNE).ouvrir()


@pytest.mark.anyio
@pytest.mark.parametrize(
    "texte", ["", "{", "[]", '{"version": 0}', '{"version": 1}', '{"version": 1, "communes": [{}]}']
)
async def test_an_unreadable_copy_is_named(tmp_path: Path, texte: str) -> None:
    chemin = tmp_path / "donnees" / "referentiel.json"
    chemin.parent.mkdir()
    chemin.write_text(texte)
    with pytest.raises(ErreurConfiguration, match=r"referentiel\.json : copie du référentiel illisible"):
        await gardien(tmp_path, EN_PANNE).ouvrir()


@pytest.mark.anyio
@pytest.mark.parametrize("manque", ["communes", "missions_locales", "organismes"])
async def test_an_answer_cut_short_does_not_replace_a_good_one(tmp_path: Path, manque: str) -> None:
    tables = {nom: getattr(COMPLET, nom) for nom in ("communes", "missions_locales", "organismes", "noms")}
    tenu = gardien(tmp_path, COMPLET, Referentiel(**{**tables, manque: {}}))
    await tenu.ouvrir()
    assert await tenu.moissonner() is False
    assert tenu.courant is COMPLET


@pytest.mark.anyio
async def test_the_copy_is_replaced_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await gardien(tmp_path, COMPLET).ouvrir()
    tronque = Referentiel({"59350": LILLE}, COMPLET.missions_locales, COMPLET.organismes)

    def panne(*_: object) -> None:
        raise OSError(28, "disque plein")

    with monkeypatch.context() as piege:
        piege.setattr("os.replace", panne)
        en_cours = gardien(tmp_path, tronque)
        await en_cours.ouvrir()
    assert en_cours.courant is tronque
    relance = gardien(tmp_path, EN_PANNE)
    await relance.ouvrir()
    assert relance.courant == COMPLET


class Fin(BaseException):
    """The test has seen enough sleeps."""


@pytest.mark.anyio
async def test_it_is_harvested_daily_and_sooner_after_a_failure(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    attentes: list[float] = []

    async def dormir(secondes: float) -> None:
        attentes.append(secondes)
        await asyncio.sleep(0)
        if len(attentes) == 5:
            raise Fin

    nouveau = Referentiel({"59350": LILLE}, COMPLET.missions_locales, COMPLET.organismes)
    tenu = gardien(tmp_path, COMPLET, COMPLET, EN_PANNE, RuntimeError("canari"), nouveau)
    await tenu.ouvrir()
    with caplog.at_level(logging.WARNING), pytest.raises(Fin):
        await tenu.veiller(dormir)
    assert attentes == [PERIODE, PERIODE, REPRISE, REPRISE, PERIODE]
    assert tenu.courant is nouveau
    assert caplog.messages == [
        "référentiel non moissonné : referentiel SOURCE_INDISPONIBLE",
        "référentiel non moissonné : RuntimeError",
    ]


@pytest.mark.anyio
async def test_started_from_the_disk_it_asks_again_soon(tmp_path: Path) -> None:
    await gardien(tmp_path, COMPLET).ouvrir()
    relance = gardien(tmp_path, EN_PANNE)
    await relance.ouvrir()

    async def dormir(secondes: float) -> None:
        assert secondes == REPRISE
        raise Fin

    with pytest.raises(Fin):
        await relance.veiller(dormir)


@pytest.mark.anyio
async def test_the_copy_says_its_version(tmp_path: Path) -> None:
    await gardien(tmp_path, COMPLET).ouvrir()
    (fichier,) = (tmp_path / "donnees").iterdir()
    contenu = json.loads(fichier.read_text())
    assert (fichier.name, contenu["version"], len(contenu["communes"])) == ("referentiel.json", 1, 3)


def test_who_belongs_where() -> None:
    assert COMPLET.cfas_de_region("32") == {"0590001F", "0620002R"}
    assert COMPLET.cfas_de_departement("62") == {"0620002R"}
    assert COMPLET.cfas_d_academie("01") == {"0750003W"}
    assert COMPLET.uais_du_reseau("CMA") == {"0590001F", "0620002R"}
    assert COMPLET.uais_du_reseau("MFR") == {"0620002R"}
    assert COMPLET.formateurs("0590001F") == {"0620002R"}
    assert COMPLET.formateurs("0999999F") == frozenset()
    assert COMPLET.communes_de_mission_locale("59010") == {"59350"}
    assert COMPLET.communes_de_region("32") == {"59350", "62498"}
    assert COMPLET.codes_postaux_de(["59350", "62498"]) == {"59000", "59800", "62300"}
    assert COMPLET.cfas_de_region("inconnue") == frozenset()


def test_a_body_is_found_by_uai_else_by_siret() -> None:
    assert COMPLET.organisme("0620002R") is LIEU
    assert COMPLET.organisme("0999999F", "13002526500013") is TETE
    assert COMPLET.organisme(None, "13002526500013") is TETE
    assert COMPLET.organisme("0999999F") is None

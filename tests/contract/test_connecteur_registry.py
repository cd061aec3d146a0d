"""A new partner is a new file: connectors are found by their modules, and none claims the kind of another."""

from pathlib import Path

import pytest

import gateway.connectors
from gateway.connectors.base import Connecteur
from gateway.connectors.registry import connecteurs
from gateway.errors import ErreurConfiguration
from gateway.schema.lieux import ModeSource, TypeSource

NOUVEAU = """from gateway.connectors.base import Connecteur
from gateway.schema.lieux import ModeSource, TypeSource
CONNECTEUR = Connecteur("{genre}", TypeSource.ERP_CFA, ModeSource.RECEPTION)
"""


def ajouter(dossier: Path, monkeypatch: pytest.MonkeyPatch, module: str, genre: str) -> None:
    (dossier / f"{module}.py").write_text(NOUVEAU.format(genre=genre), encoding="utf-8")
    monkeypatch.setattr(gateway.connectors, "__path__", [*gateway.connectors.__path__, str(dossier)])


def test_the_connectors_there_are() -> None:
    trouves = connecteurs.__wrapped__()
    assert {genre: (un.type, un.mode) for genre, un in trouves.items()} == {
        "ypareo": (TypeSource.ERP_CFA, ModeSource.INTERROGATION),
        "gestibase": (TypeSource.ERP_CFA, ModeSource.INTERROGATION),
        "aimaira": (TypeSource.ERP_CFA, ModeSource.INTERROGATION),
        "registre": (TypeSource.REGISTRE_CONTRATS, ModeSource.MOISSON),
        "imilo": (TypeSource.MISSION_LOCALE, ModeSource.INTERROGATION),
        "referentiel": (TypeSource.REFERENTIEL, ModeSource.MOISSON),
    }
    assert trouves["imilo"].capacites == {"dossiers_structure"}


def test_a_new_file_is_a_new_connector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ajouter(tmp_path, monkeypatch, "sixieme", "sixieme")
    assert connecteurs.__wrapped__()["sixieme"] == Connecteur("sixieme", TypeSource.ERP_CFA, ModeSource.RECEPTION)


def test_two_connectors_of_one_kind_stop_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ajouter(tmp_path, monkeypatch, "doublon", "ypareo")
    with pytest.raises(ErreurConfiguration, match=r"genre « ypareo » déjà pris"):
        connecteurs.__wrapped__()

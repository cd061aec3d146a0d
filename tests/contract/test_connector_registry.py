"""A new partner is a new file: connectors are found by their modules, and none claims the kind of another."""

from pathlib import Path

import pytest

import gateway.connectors
from gateway.connectors.base import Connector
from gateway.connectors.discovery import connectors
from gateway.errors import ConfigurationError
from gateway.schema.organisations import ModeSource, TypeSource

NEW = """from gateway.connectors.base import Connector
from gateway.schema.organisations import ModeSource, TypeSource
CONNECTOR = Connector("{genre}", TypeSource.ERP_CFA, ModeSource.RECEPTION)
"""


def add(record: Path, monkeypatch: pytest.MonkeyPatch, module: str, genre: str) -> None:
    (record / f"{module}.py").write_text(NEW.format(genre=genre), encoding="utf-8")
    monkeypatch.setattr(gateway.connectors, "__path__", [*gateway.connectors.__path__, str(record)])


def test_the_connectors_there_are() -> None:
    found = connectors.__wrapped__()
    assert {kind: (one.type, one.mode) for kind, one in found.items()} == {
        "ypareo": (TypeSource.ERP_CFA, ModeSource.INTERROGATION),
        "gestibase": (TypeSource.ERP_CFA, ModeSource.INTERROGATION),
        "aimaira": (TypeSource.ERP_CFA, ModeSource.INTERROGATION),
        "registre": (TypeSource.REGISTRE_CONTRATS, ModeSource.MOISSON),
        "imilo": (TypeSource.MISSION_LOCALE, ModeSource.INTERROGATION),
        "referentiel": (TypeSource.REFERENTIEL, ModeSource.MOISSON),
    }
    assert found["imilo"].capabilities == {"dossiers_structure"}


def test_a_new_file_is_a_new_connector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(tmp_path, monkeypatch, "sixieme", "sixieme")
    assert connectors.__wrapped__()["sixieme"] == Connector("sixieme", TypeSource.ERP_CFA, ModeSource.RECEPTION)


def test_two_connectors_of_one_kind_stop_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(tmp_path, monkeypatch, "doublon", "ypareo")
    with pytest.raises(ConfigurationError, match=r"genre « ypareo » déjà pris"):
        connectors.__wrapped__()

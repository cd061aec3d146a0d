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


def test_the_connectors_of_the_house_are_there() -> None:
    found = connectors.__wrapped__()
    told = {kind: (one.type, one.mode) for kind, one in found.items()}
    house = {
        "ypareo": (TypeSource.ERP_CFA, ModeSource.INTERROGATION),
        "gestibase": (TypeSource.ERP_CFA, ModeSource.INTERROGATION),
        "aimaira": (TypeSource.ERP_CFA, ModeSource.INTERROGATION),
        "registre": (TypeSource.REGISTRE_CONTRATS, ModeSource.MOISSON),
        "imilo": (TypeSource.MISSION_LOCALE, ModeSource.INTERROGATION),
        "referentiel": (TypeSource.REFERENTIEL, ModeSource.MOISSON),
    }
    assert told | house == told
    assert found["imilo"].capabilities == {"dossiers_structure"}


def test_a_new_file_is_a_new_connector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(tmp_path, monkeypatch, "sixieme", "sixieme")
    assert connectors.__wrapped__()["sixieme"] == Connector("sixieme", TypeSource.ERP_CFA, ModeSource.RECEPTION)


def test_two_connectors_of_one_kind_stop_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(tmp_path, monkeypatch, "doublon", "ypareo")
    with pytest.raises(ConfigurationError, match=r"genre « ypareo » déjà pris"):
        connectors.__wrapped__()


def test_connectors_are_independent_of_each_other() -> None:
    """Each module that exports a CONNECTOR, whichever there are: none imports another."""
    folder = Path(gateway.connectors.__file__ or "").parent
    sources = {path.stem: path.read_text(encoding="utf-8") for path in folder.glob("*.py")}
    own = {name for name, text in sources.items() if "\nCONNECTOR = " in text}
    assert len(own) >= 6
    imported = {
        (name, other) for name in own for other in own - {name} if f"gateway.connectors.{other}" in sources[name]
    }
    assert imported == set()

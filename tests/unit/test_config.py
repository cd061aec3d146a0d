"""A wrong configuration stops the start with one line that names the file and the key, and shows no secret."""

import base64
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.config import load
from gateway.errors import ConfigurationError

KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()
GOOD = """[jetons]
emetteur = "http://127.0.0.1:8010"
audience = "passerelle"
jwks_url = "http://127.0.0.1:8010/jwks"
[donnees]
dossier = "donnees"
"""


def read(record: Path, text: str = GOOD, **environ: str) -> None:
    (record / "gateway.toml").write_text(text, encoding="utf-8")
    load({"GATEWAY_CONFIG": str(record), "GATEWAY_CLE": KEY, **environ})


def test_a_good_configuration_and_its_defaults(tmp_path: Path) -> None:
    (tmp_path / "gateway.toml").write_text(GOOD, encoding="utf-8")
    result = load({"GATEWAY_CONFIG": str(tmp_path), "GATEWAY_CLE": KEY, "GATEWAY_NOW": "2026-10-15"})
    assert (result.host, result.port, result.file.reponse.delai_secondes) == ("127.0.0.1", 8000, 3.0)
    assert result.fixed_now == datetime(2026, 10, 15, 12, tzinfo=UTC)
    assert result.donnees == tmp_path / "donnees"
    assert KEY not in repr(result)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-10-15T08:00:00", datetime(2026, 10, 15, 8, tzinfo=UTC)),
        ("2026-10-15T08:00:00+02:00", datetime(2026, 10, 15, 6, tzinfo=UTC)),
    ],
)
def test_a_fixed_now_is_told_at_every_moment(tmp_path: Path, text: str, instant: datetime) -> None:
    (tmp_path / "gateway.toml").write_text(GOOD, encoding="utf-8")
    result = load({"GATEWAY_CONFIG": str(tmp_path), "GATEWAY_CLE": KEY, "GATEWAY_NOW": text})
    assert result.now() == result.now() == instant


def test_without_a_fixed_now_the_system_tells_it(tmp_path: Path) -> None:
    (tmp_path / "gateway.toml").write_text(GOOD, encoding="utf-8")
    now = load({"GATEWAY_CONFIG": str(tmp_path), "GATEWAY_CLE": KEY}).now
    assert now() <= datetime.now(UTC) <= now()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (GOOD + "inconnue = 1\n", "donnees.inconnue : clé inconnue"),
        (GOOD + "[autre]\n", "autre : clé inconnue"),
        (GOOD.replace('audience = "passerelle"\n', ""), "jetons.audience : clé absente"),
        (GOOD + "[reponse]\ndelai_secondes = 'vite'\n", "reponse.delai_secondes : valeur invalide ("),
        ("[jetons", "TOML invalide"),
    ],
)
def test_a_wrong_file_is_one_line_naming_file_and_key(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        read(tmp_path, text)
    assert "gateway.toml" in str(error.value)
    assert told in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("nom", "valeur"),
    [
        ("GATEWAY_CONFIG", ""),
        ("GATEWAY_CLE", ""),
        ("GATEWAY_CLE", "trop-court"),
        ("GATEWAY_CLE", "é" * 43),
        ("GATEWAY_NOW", "demain"),
        ("GATEWAY_PROCESSUS", "-3"),
        ("GATEWAY_CACHE_CLES", "courte"),
        ("PORT", "http"),
        ("PORT", "70000"),
        ("PORT", "²"),
    ],
)
def test_a_wrong_variable_is_named_and_its_value_is_not_shown(tmp_path: Path, nom: str, valeur: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        read(tmp_path, **{nom: valeur})
    assert nom in str(error.value)
    assert not valeur or valeur not in str(error.value)

"""A value of the environment may stand in a file: as an orchestrator mounts a secret."""

from pathlib import Path

import pytest

from gateway.environment import Environment
from gateway.errors import ConfigurationError


def test_a_value_is_the_variable_itself_or_the_content_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "clé").write_text("de deux\nlignes\r\n\n", encoding="utf-8")
    environment = Environment({"A": "ici", "CLE_FILE": str(tmp_path / "clé")})
    assert (environment["A"], environment["CLE"]) == ("ici", "de deux\nlignes")
    assert environment.get("ABSENTE") is None
    with pytest.raises(KeyError):
        environment["ABSENTE"]


def test_it_is_read_each_time_it_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "clé"
    environment = Environment({"CLE_FILE": str(file)})
    for value in ("première", "seconde"):
        file.write_text(value, encoding="utf-8")
        assert environment["CLE"] == value


@pytest.mark.parametrize(
    ("content", "given", "told"),
    [
        (b"x", {"CLE": ""}, "variables d'environnement CLE et CLE_FILE : une seule des deux"),
        (None, {}, "illisible (n'existe pas)"),
        (b"\xff", {}, "illisible (UTF-8 attendu)"),
        (b"x" * 65_537, {}, "plus de 65536 octets"),
    ],
)
def test_what_cannot_be_one_value_stops_the_start(
    content: bytes | None, given: dict[str, str], told: str, tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigurationError) as refused:
        Environment({**given, "CLE_FILE": str(file)})["CLE"]
    assert told in str(refused.value)


def test_a_variable_that_others_call_a_file_is_left_to_them() -> None:
    assert dict(Environment({"SSL_CERT_FILE": "/etc/absent.pem"})) == {"SSL_CERT_FILE": "/etc/absent.pem"}

"""Who is listened to: what the files say, and the one line that refuses a partner that could not be heard."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from gateway.connectors.base import Connector
from gateway.connectors.discovery import connectors
from gateway.errors import ConfigurationError
from gateway.sources.events.event_partners import subscriptions
from gateway.sources.partners.load import load_partners

ENV = {"CLE": "secret-un", "APPELS": "secret-des-appels"}
TOML = """
nom = "un"
genre = "{genre}"
base_url = "https://un.test"
[acces.defaut]
type = "entete"
nom = "X-Cle"
secret = "CLE"
"""


def listen(record: Path, genre: str, table: str, env: Mapping[str, str] = ENV) -> list[tuple[str, float, bool]]:
    known: Mapping[str, Connector] = connectors()
    (record / "un.toml").write_text(TOML.format(genre=genre) + table, encoding="utf-8")
    partners = load_partners(record, env, known)
    return [(p.nom, e.periode, e.secret is not None) for p, _, e in subscriptions(partners, known)]


def test_a_queue_a_caller_and_one_that_says_nothing(tmp_path: Path) -> None:
    assert listen(tmp_path, "imilo", "[evenements]\nperiode_secondes = 2.5\n") == [("un", 2.5, False)]
    assert listen(tmp_path, "aimaira", '[evenements]\nsecret = "APPELS"\n') == [("un", 1.0, True)]
    assert listen(tmp_path, "imilo", "") == []


@pytest.mark.parametrize(
    ("genre", "table", "line"),
    [
        ("imilo", '[evenements]\nsecret = "APPELS"\n', "evenements : « imilo » n'appelle pas"),
        ("aimaira", "[evenements]\n", "« aimaira » n'a pas de file ; pour être appelé, un secret est requis"),
        ("ypareo", "[evenements]\n", "« ypareo » n'a pas de file"),
        ("aimaira", '[evenements]\nsecret = "ABSENT"\n', "evenements.secret : variable d'environnement ABSENT absente"),
        ("imilo", "[evenements]\nperiode_secondes = 0\n", "evenements.periode_secondes : valeur invalide"),
        ("imilo", "[evenements]\nfile = true\n", "evenements.file : clé inconnue"),
    ],
)
def test_who_cannot_be_heard_stops_the_startup(tmp_path: Path, genre: str, table: str, line: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        listen(tmp_path, genre, table)
    assert "un.toml : " in str(refusal.value)
    assert line in str(refusal.value)


def test_the_secret_of_the_calls_does_not_show(tmp_path: Path) -> None:
    listen(tmp_path, "aimaira", '[evenements]\nsecret = "APPELS"\n')
    partner = load_partners(tmp_path, ENV, connectors())["un"]
    assert "secret-des-appels" not in repr(partner)

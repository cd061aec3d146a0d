"""`abonnements.toml`: what is registered, and what a start refuses; the commands over it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.servers import HOST, Servers, reserve
from fixtures.webhook_receiver import MESSAGES, MessageReceiver, secret_text
from gateway.__main__ import main
from gateway.auth.policy.rules import Finalite
from gateway.errors import ConfigurationError
from gateway.schema.events import TypeEvenement
from gateway.stores.webhook_store import EndpointPlace, WebhookStore
from gateway.webhooks.endpoints import check_endpoints, read_endpoints
from tests.support.unit.told_endpoint import START, registered
from tests.unit.test_first_configuration import LINE, SECRETS

SECRET = secret_text(bytes(range(32)))
GOOD = '[abonnements.un]\nclient = "si"\nadresse = "https://logiciel.invalid/webhooks"\nsecret = "S"\n'


def read(folder: Path, text: str, **environ: str) -> Any:
    (folder / "abonnements.toml").write_text(text, encoding="utf-8")
    return read_endpoints(folder, {"S": SECRET, **environ})


def test_without_the_file_nobody_is_told(tmp_path: Path) -> None:
    assert read_endpoints(tmp_path, {}) == ()


def test_an_endpoint_is_read_with_its_secrets_which_show_nowhere(tmp_path: Path) -> None:
    text = GOOD + 'types = ["RUPTURE_NOUVELLE"]\nfinalite = "ACCOMPAGNEMENT"\n'
    (endpoint,) = read(tmp_path, text, S=f"{secret_text(bytes(24))},{SECRET}")
    assert (endpoint.nom, endpoint.client, endpoint.adresse) == ("un", "si", "https://logiciel.invalid/webhooks")
    assert endpoint.secrets == (bytes(24), bytes(range(32)))
    assert (endpoint.types, endpoint.finalite) == ((TypeEvenement.RUPTURE_NOUVELLE,), Finalite.ACCOMPAGNEMENT)
    assert endpoint.network is None
    assert "AAAA" not in repr(endpoint)
    assert "x00" not in repr(endpoint)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (("https://", "http://"), "https exigé hors de la boucle locale"),
        (("https://", "ftp://"), "URL http(s) absolue attendue"),
        (("https://", "https://compte:x@"), "URL sans compte, ni requête, ni fragment attendue"),
        (("/webhooks", "/webhooks?cle=x"), "URL sans compte, ni requête, ni fragment attendue"),
        (("/webhooks", "/{code}"), "adresse : rien n'y est remplacé"),
        (('secret = "S"', 'secret = "ABSENTE"'), "variable d'environnement ABSENTE absente"),
        (('secret = "S"', 'secret = "F"'), "« whsec_ » suivi de 24 à 64 octets en base64 attendu"),
        (('secret = "S"', 'secret = "S"\ntypes = ["NAISSANCE"]'), "valeur inconnue « NAISSANCE »"),
        (('secret = "S"', 'secret = "S"\ntypes = []'), "éléments : 1 au moins"),
        (('secret = "S"', 'secret = "S"\nsuivre = true'), "suivre : clé inconnue"),
        (('secret = "S"', 'secret = "S"\ncle_certificat = "c.pem"'), "cle_certificat demande « certificat »"),
        (('secret = "S"', 'secret = "S"\nautorites = "absentes.pem"'), "autorites : fichier PEM attendu"),
        (("abonnements.un", "abonnements.UN"), "minuscules, chiffres et tirets attendus"),
    ],
)
def test_what_is_wrong_in_the_file_is_one_line(tmp_path: Path, changed: tuple[str, str], told: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        read(tmp_path, GOOD.replace(*changed), F="whsec_court")
    (line,) = str(refusal.value).splitlines()
    assert "abonnements" in line
    assert told in line
    assert "court" not in line


@pytest.mark.parametrize(
    ("clients", "more", "told"),
    [
        ({}, "", "client : « si » n'est pas dans clients.toml"),
        ({"si": registered(mfa=True)}, "", "un webhook ne dit rien d'un second facteur ni de qui agit"),
        ({"si": registered(agent_exige=True)}, "", "un webhook ne dit rien d'un second facteur ni de qui agit"),
        (
            {"si": registered(finalites=(Finalite.ACCOMPAGNEMENT, Finalite.PILOTAGE))},
            "",
            "finalite : obligatoire, ce client en a plusieurs",
        ),
        ({"si": registered()}, 'finalite = "PILOTAGE"\n', "finalite : PILOTAGE n'est pas accordée à ce client"),
        ({"si": registered()}, "", None),
    ],
)
def test_what_the_register_does_not_allow_stops_the_start(
    tmp_path: Path, clients: Any, more: str, told: str | None
) -> None:
    endpoints = read(tmp_path, GOOD + more)
    if told is None:
        check_endpoints(endpoints, clients)
        return
    with pytest.raises(ConfigurationError) as refusal:
        check_endpoints(endpoints, clients)
    assert str(refusal.value).startswith("abonnements.toml : abonnements.un.")
    assert told in str(refusal.value)


@pytest.fixture
def receiver() -> Iterator[MessageReceiver]:
    taken = reserve(0)
    told = MessageReceiver([bytes(range(32))], url=f"http://{HOST}:{taken.getsockname()[1]}")
    with Servers([(taken, told.application())]):
        yield told


@pytest.fixture
def folder(
    tmp_path: Path, receiver: MessageReceiver, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Path:
    """A first configuration with one endpoint, whose receiver listens."""
    configured = tmp_path / "passerelle"
    assert main(["init", str(configured)]) == 0
    capsys.readouterr()
    environ = dict(LINE.findall((configured / ".env").read_text(encoding="utf-8")))
    for name, value in {
        **environ,
        "GATEWAY_CONFIG": str(configured),
        **dict.fromkeys(SECRETS, "compte:secret"),
    }.items():
        monkeypatch.setenv(name, value)
    (configured / "donnees").mkdir(exist_ok=True)
    text = GOOD.replace("https://logiciel.invalid/webhooks", receiver.url + MESSAGES)
    (configured / "abonnements.toml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("S", SECRET)
    return configured


def test_a_message_to_try_it_is_signed_and_speaks_of_nobody(
    folder: Path, receiver: MessageReceiver, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["abonnements", "essayer", "un"]) == 0
    assert capsys.readouterr().out == "un : message reçu\n"
    (message,) = receiver.received
    assert (message["type"], message["data"]) == ("essai", {"id": None, "evenement": None})
    receiver.secrets = [bytes(32)]
    assert main(["abonnements", "essayer", "un"]) == 1
    assert capsys.readouterr().out == "un : HTTP 401\n"


def test_an_operator_sees_where_an_endpoint_is_and_has_it_replayed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["abonnements", "etat"]) == 0
    assert capsys.readouterr().out == "un : pas encore servi\n"
    assert main(["abonnements", "rejouer", "un"]) == 2
    assert capsys.readouterr().err == "erreur : un : rien ne lui a encore été envoyé\n"
    asyncio.run(_disabled(folder))
    main(["abonnements", "etat"])
    assert capsys.readouterr().out == "un : désactivé, HTTP 410 ; dernière remise le 21/09/2026 à 16:13\n"
    assert main(["abonnements", "rejouer", "un", "inconnu"]) == 2
    assert capsys.readouterr().err == "erreur : inconnu : pas un événement de cet abonné\n"
    assert main(["abonnements", "rejouer", "un"]) == 0
    main(["abonnements", "etat"])
    assert capsys.readouterr().out.splitlines()[1] == "un : actif ; dernière remise le 21/09/2026 à 16:13"
    assert main(["abonnements", "rejouer", "deux"]) == 2
    assert capsys.readouterr().err == "erreur : abonnements.toml : abonné « deux » inconnu\n"


async def _disabled(folder: Path) -> None:
    store = WebhookStore(f"sqlite+aiosqlite:///{folder / 'donnees' / 'abonnements.sqlite'}")
    await store.open()
    await store.begin("un", "p" * 32, 0)
    lease = store.lease("un")
    assert await lease.elect()
    await store.delivered(lease, EndpointPlace("un", 0), 1, START)
    await store.disable(lease, "un", "HTTP 410")
    await store.close()

"""graphql-transport-ws, check by check, against a real gateway: what its PROTOCOL.md asks of a server, written from it.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md: twenty-three checks, `test_w01` to `test_w23`.
"""

import json
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.http11 import Response

from fixtures.gateway_process import LaunchedGateway
from fixtures.world import World
from tests.support.e2e.socket_client import PROTOCOL, SocketClient, socket_client

QUERY = "{ moi { profil } }"
WRITE = """mutation { noterSuivi(saisie: { cle: "une-cle-de-socket", jeune: "J", situation: RDV_PRIS }) {
 ecriture { etat } } }"""


@pytest.fixture(scope="module")
def token(world: World) -> str:
    return world.token("ml", agent="protocole")


def codes(message: dict[str, object]) -> list[str]:
    errors = message["payload"]
    assert isinstance(errors, list)
    return [error["extensions"]["code"] for error in errors]


def test_w01_the_subprotocol_is_taken_up_in_the_handshake(gateway: LaunchedGateway) -> None:
    with socket_client(gateway.url) as client:
        assert client.connection.subprotocol == PROTOCOL


def test_w02_an_unknown_subprotocol_is_closed_with_4406(gateway: LaunchedGateway) -> None:
    with socket_client(gateway.url, "graphql-ws") as client:
        assert client.connection.subprotocol is None
        assert client.hear_end()[0] == 4406


def test_w03_no_subprotocol_at_all_is_closed_with_4406(gateway: LaunchedGateway) -> None:
    with socket_client(gateway.url, "") as client:
        assert client.hear_end()[0] == 4406


def test_w04_connection_init_is_acknowledged(gateway: LaunchedGateway, token: str) -> None:
    with socket_client(gateway.url) as client:
        client.init(token)
        assert client.is_alive()


def test_w05_who_does_not_initialise_in_time_is_closed_with_4408(gateway: LaunchedGateway) -> None:
    with socket_client(gateway.url) as client:
        assert client.hear_end() == (4408, "Connection initialisation timeout")


def test_w06_pings_do_not_put_off_the_deadline_of_initialisation(gateway: LaunchedGateway) -> None:
    with socket_client(gateway.url) as client:
        for _ in range(5):
            assert client.is_alive()
        assert client.hear_end()[0] == 4408


def test_w07_a_second_connection_init_is_closed_with_4429(gateway: LaunchedGateway, token: str) -> None:
    with socket_client(gateway.url) as client:
        client.init(token)
        client.say({"type": "connection_init"})
        assert client.hear_end() == (4429, "Too many initialisation requests")


def test_w08_an_access_that_is_refused_is_closed_with_4403(gateway: LaunchedGateway, token: str) -> None:
    with socket_client(gateway.url) as client:
        client.say({"type": "connection_init", "payload": {"authorization": f"Bearer {token[:-8]}AAAAAAAA"}})
        assert client.hear_end() == (4403, "Jeton d'accès absent, invalide ou expiré.")


def test_w09_a_subscription_before_the_acknowledgement_is_closed_with_4401(gateway: LaunchedGateway) -> None:
    with socket_client(gateway.url) as client:
        client.subscribe()
        assert client.hear_end() == (4401, "Unauthorized")


def test_w10_a_ping_is_answered_by_a_pong_with_its_payload_before_initialisation_too(gateway: LaunchedGateway) -> None:
    with socket_client(gateway.url) as client:
        client.say({"type": "ping"})
        assert client.hear() == {"type": "pong"}
        assert client.is_alive()


def test_w11_a_pong_that_nobody_asked_for_is_let_pass(gateway: LaunchedGateway, token: str) -> None:
    with socket_client(gateway.url) as client:
        client.say({"type": "pong", "payload": {"a": 1}})
        client.init(token)
        client.say({"type": "pong"})
        assert client.is_alive()


@pytest.mark.parametrize("text", ["", "{", "non", '{"type":"ping","type":"pong"}', "[1"])
def test_w12_what_is_no_json_is_closed_with_4400(gateway: LaunchedGateway, token: str, text: str) -> None:
    with socket_client(gateway.url) as client:
        client.init(token)
        client.say(text)
        assert client.hear_end()[0] == 4400


@pytest.mark.parametrize("message", [[], 7, "ping", None, {}, {"type": 1}, {"type": "inconnu"}, {"id": "1"}])
def test_w13_an_unknown_message_is_closed_with_4400(gateway: LaunchedGateway, token: str, message: object) -> None:
    with socket_client(gateway.url) as client:
        client.init(token)
        client.say(json.dumps(message))
        assert client.hear_end()[0] == 4400


@pytest.mark.parametrize("kind", ["connection_ack", "next", "error"])
def test_w14_a_message_that_only_a_server_sends_is_closed_with_4400(
    gateway: LaunchedGateway, token: str, kind: str
) -> None:
    with socket_client(gateway.url) as client:
        client.init(token)
        client.say({"type": kind, "id": "1", "payload": {}})
        assert client.hear_end()[0] == 4400


def test_w15_a_binary_message_is_closed_with_4400(gateway: LaunchedGateway) -> None:
    with socket_client(gateway.url) as client:
        client.say(b'{"type":"ping"}')
        assert client.hear_end()[0] == 4400


@pytest.mark.parametrize(
    "message",
    [
        {"payload": {"query": QUERY}},
        {"id": "", "payload": {"query": QUERY}},
        {"id": 1, "payload": {"query": QUERY}},
        {"id": "1"},
        {"id": "1", "payload": "x"},
        {"id": "1", "payload": {}},
        {"id": "1", "payload": {"query": 1}},
        {"id": "1", "payload": {"query": QUERY, "variables": []}},
        {"id": "1", "payload": {"query": QUERY, "operationName": 1}},
        {"id": "1", "payload": {"query": QUERY, "extensions": "x"}},
    ],
)
def test_w16_a_subscription_of_another_form_is_closed_with_4400(
    gateway: LaunchedGateway, token: str, message: dict[str, object]
) -> None:
    with socket_client(gateway.url) as client:
        client.init(token)
        client.say({"type": "subscribe"} | message)
        assert client.hear_end()[0] == 4400


def test_w17_an_id_that_is_taken_is_closed_with_4409(gateway: LaunchedGateway, token: str) -> None:
    with socket_client(gateway.url) as client:
        client.init(token)
        client.subscribe("un")
        client.subscribe("un")
        assert client.hear_end() == (4409, "Subscriber for un already exists")


def test_w18_an_id_may_be_taken_again_once_it_is_complete(gateway: LaunchedGateway, token: str) -> None:
    with socket_client(gateway.url) as client:
        client.init(token)
        for _ in range(3):
            client.subscribe("un")
            client.say({"type": "complete", "id": "un"})
        client.subscribe("un", "subscription {")
        assert client.hear()["type"] == "error"
        client.subscribe("un")
        assert client.is_alive()


def test_w19_a_syntax_error_does_not_kill_the_socket(gateway: LaunchedGateway, token: str) -> None:
    """It does in the reference server (4400) and in Strawberry's (4500)."""
    with socket_client(gateway.url) as client:
        client.init(token)
        client.subscribe("1", "subscription { evenements { id }")
        message = client.hear()
        assert (message["type"], message["id"], codes(message)) == ("error", "1", ["REQUETE_INVALIDE"])
        assert message["payload"][0]["extensions"]["detail"] == "SYNTAXE"
        assert client.is_alive()


def test_w20_a_field_that_does_not_exist_is_told_by_error_alone(gateway: LaunchedGateway, token: str) -> None:
    with socket_client(gateway.url) as client:
        client.init(token)
        client.subscribe("1", "subscription { nulle }")
        message = client.hear()
        assert (message["type"], codes(message)) == ("error", ["REQUETE_INVALIDE"])
        assert message["payload"][0]["message"].startswith("Champ inconnu : nulle")
        assert client.is_alive()


@pytest.mark.parametrize("query", [QUERY, WRITE])
def test_w21_a_query_or_a_mutation_gets_an_error_and_the_socket_lives(
    gateway: LaunchedGateway, token: str, query: str
) -> None:
    with socket_client(gateway.url) as client:
        client.init(token)
        client.subscribe("1", query)
        message = client.hear()
        assert (message["type"], message["id"], codes(message)) == ("error", "1", ["REQUETE_INVALIDE"])
        assert message["payload"][0]["message"].startswith("Par WebSocket, des souscriptions seulement")
        assert client.is_alive()


def test_w22_several_subscriptions_live_on_one_socket_and_end_apart(gateway: LaunchedGateway, token: str) -> None:
    with socket_client(gateway.url) as client:
        client.init(token)
        for n in range(3):
            client.subscribe(f"n{n}")
        client.say({"type": "complete", "id": "n1"})
        client.say({"type": "complete", "id": "inconnu"})
        client.subscribe("n3", "subscription { nulle }")
        assert client.hear()["id"] == "n3"
        assert client.is_alive()


def test_w23_nothing_is_told_of_a_subscription_that_its_client_completed(gateway: LaunchedGateway, token: str) -> None:
    with socket_client(gateway.url) as client:
        client.init(token)
        client.subscribe("un")
        client.say({"type": "complete", "id": "un"})
        assert client.is_alive()
        with pytest.raises(TimeoutError):
            client.hear(0.5)


def hears(client: SocketClient, payload: object) -> tuple[int, str] | str:
    """What an initialisation with that payload is answered."""
    client.say({"type": "connection_init", "payload": payload})
    try:
        return str(client.hear(5)["type"])
    except Exception:
        return client.hear_end()


def test_a_token_of_the_handshake_does_as_well_and_two_are_refused(gateway: LaunchedGateway, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    with socket_client(gateway.url, additional_headers=headers) as client:
        assert hears(client, None) == "connection_ack"
    with socket_client(gateway.url, additional_headers=headers) as client:
        assert hears(client, {"Authorization": f"Bearer {token}"}) == (
            4403,
            "Jeton d'accès absent, invalide ou expiré.",
        )
    with socket_client(gateway.url, additional_headers=headers) as client:
        assert hears(client, {"cleApi": "une clé"}) == (4403, "Jeton d'accès absent, invalide ou expiré.")


def test_names_of_credentials_are_read_as_headers_are_and_others_are_let_pass(
    gateway: LaunchedGateway, token: str
) -> None:
    for payload, heard in (
        ({"Authorization": f"Bearer {token}", "theme": "sombre"}, "connection_ack"),
        ({"authorization": 1}, (4400, "authorization est un texte")),
        ({"cleApi": "inconnue"}, (4403, "Jeton d'accès absent, invalide ou expiré.")),
        ({}, (4403, "Jeton d'accès absent, invalide ou expiré.")),
        ([], (4400, "payload est un objet")),
    ):
        with socket_client(gateway.url) as client:
            assert hears(client, payload) == heard
    with socket_client(gateway.url) as client:
        told = hears(client, {"authorization": f"Bearer {token}", "finalite": "INCONNUE"})
        assert told[0] == 4400


@pytest.mark.parametrize("origin", ["https://ailleurs.invalid", "null", "http://127.0.0.1:1", ""])
def test_f13_a_page_of_another_origin_opens_no_socket(gateway: LaunchedGateway, origin: str) -> None:
    """A browser asks nobody before it opens one: there is no preflight."""
    answer = refusal(gateway, additional_headers={"Origin": origin})
    assert answer.status_code == 403
    assert json.loads(answer.body or b"")["errors"][0]["message"] == "Cette origine n'est pas admise."
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_f13_what_every_route_refuses_a_socket_is_refused_too(gateway: LaunchedGateway, token: str) -> None:
    assert refusal(gateway, additional_headers={"Host": "ailleurs.invalid"}).status_code == 400
    assert refusal(gateway, additional_headers=[("X-Cle-Api", "a"), ("x-cle-api", "b")]).status_code == 400
    assert refusal(gateway, path=f"/graphql?jeton={token}").status_code == 400


def refusal(gateway: LaunchedGateway, **options: Any) -> Response:
    """The answer in HTTP to a handshake."""
    with pytest.raises(InvalidStatus) as refused, socket_client(gateway.url, **options):
        pass
    return refused.value.response


def test_f13_our_own_page_opens_one(gateway: LaunchedGateway, token: str) -> None:
    with socket_client(gateway.url, additional_headers={"Origin": gateway.url}) as client:
        client.init(token)

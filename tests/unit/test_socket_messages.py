"""The messages of a socket, who asks by them, and the pages that may open one."""

import pytest

from gateway.edge.cross_origin import is_admitted
from gateway.edge.socket_messages import SocketEnds, SocketMessage, credentials_of, read_message
from gateway.errors import TokenFault, Unauthenticated

HOST = "passerelle.example:8443"


def test_a_message_is_read_with_what_its_kind_has() -> None:
    assert read_message('{"type":"ping","id":"x"}') == SocketMessage("ping")
    assert read_message('{"type":"complete","id":"x","autre":1}') == SocketMessage("complete", "x")
    asked = read_message('{"type":"subscribe","id":"x","payload":{"query":"","variables":null}}')
    assert asked == SocketMessage("subscribe", "x", {"query": "", "variables": None})
    known = read_message('{"type":"subscribe","id":"x","payload":{"documentId":"sha256:0"}}')
    assert known.payload == {"documentId": "sha256:0"}


@pytest.mark.parametrize(
    "text",
    [
        None,
        "\ud800",
        '"\\ud800"',
        "[" * 60_000,
        '{"type":"complete","id":"%s"}' % ("x" * 129),
        '{"type":"subscribe","id":"x","payload":{"query":null}}',
        '{"type":"connection_init","payload":[]}',
        '{"type":NaN}',
    ],
)
def test_what_the_protocol_does_not_have_closes_with_4400(text: str | None) -> None:
    with pytest.raises(SocketEnds) as ended:
        read_message(text)
    assert ended.value.code == 4400


def test_a_message_prints_nothing_of_what_it_holds() -> None:
    message = read_message('{"type":"connection_init","payload":{"authorization":"Bearer secret"}}')
    assert "secret" not in repr(message)


def test_who_asks_is_told_by_the_handshake_or_by_the_first_message_never_by_both() -> None:
    headers = {"authorization": "Bearer a", "x-finalite": "ACCOMPAGNEMENT", "cookie": "c"}
    assert credentials_of(headers, None) == {"authorization": "Bearer a", "x-finalite": "ACCOMPAGNEMENT"}
    assert credentials_of({}, {"cleApi": "k", "finalite": "F", "locale": 3}) == {"x-cle-api": "k", "x-finalite": "F"}
    assert credentials_of({}, {"X-Cle-Api": "k"}) == {"x-cle-api": "k"}
    with pytest.raises(Unauthenticated) as refused:
        credentials_of(headers, {"Authorization": "Bearer b"})
    assert refused.value.fault is TokenFault.TWICE
    with pytest.raises(Unauthenticated):
        credentials_of({}, {"cleApi": "k", "x-cle-api": "l"})
    with pytest.raises(SocketEnds):
        credentials_of({}, {"cleApi": ["k"]})


@pytest.mark.parametrize(
    ("origins", "admitted"),
    [
        ([], True),
        (["https://passerelle.example:8443"], True),
        (["https://PASSERELLE.example:8443"], False),  # a browser writes it small
        (["https://front.example"], True),
        (["https://front.example", "https://ailleurs.invalid"], False),
        (["https://front.example.ailleurs.invalid"], False),
        (["https://passerelle.example"], False),
        (["null"], False),
        ([""], False),
        (["passerelle.example:8443"], False),
        (["https://passerelle.example:8443@ailleurs.invalid"], False),
    ],
)
def test_f13_pages_that_may_open_a_socket_are_ours_and_those_named(origins: list[str], admitted: bool) -> None:
    assert is_admitted(origins, HOST, ("https://front.example",)) is admitted


def test_f13_a_default_port_may_be_written_or_not() -> None:
    assert is_admitted(["https://passerelle.example"], "passerelle.example", ())
    assert is_admitted(["https://passerelle.example"], "Passerelle.example:443", ())
    assert not is_admitted(["http://passerelle.example"], "passerelle.example:443", ())

"""Who makes room when there are too many connections, and who is taken to be behind one."""

from ipaddress import ip_network

import pytest

from gateway.edge.connection_table import PROXY, ClientAddresses, ConnectionTable

PROXIES = (ip_network("10.0.0.0/8"), ip_network("2001:db8:1::/48"))


class Peer:
    """A connection that notes that it was closed."""

    closed = False

    def close_now(self) -> None:
        self.closed = True


def opened(table: ConnectionTable, address: str, number: int) -> list[Peer]:
    peers = [Peer() for _ in range(number)]
    for peer in peers:
        table.opened(peer, address)
    return peers


def test_the_busiest_address_gives_up_its_oldest_silent_connection() -> None:
    count: list[None] = []
    table = ConnectionTable(5, lambda: count.append(None))
    few, many = opened(table, "a", 2), opened(table, "b", 3)
    (last,) = opened(table, "c", 1)
    assert [peer.closed for peer in (*few, *many, last)] == [False, False, True, False, False, False]
    assert (len(table), len(count)) == (5, 1)


def test_who_waits_in_silence_does_not_take_the_places_of_streams() -> None:
    table = ConnectionTable(10, lambda: None, silent_max=2)
    streams = opened(table, "a", 2)
    for stream in streams:
        table.active(stream)
    silent = opened(table, "b", 3)
    assert [peer.closed for peer in (*streams, *silent)] == [False, False, True, False, False]
    for peer in silent[1:]:
        table.active(peer)
    assert not any(peer.closed for peer in opened(table, "b", 2))


def test_who_works_is_never_closed_whatever_the_number() -> None:
    table = ConnectionTable(3, lambda: None)
    working = opened(table, "a", 3)
    for peer in working:
        table.active(peer)
    (newcomer,) = opened(table, "a", 1)
    assert not any(peer.closed for peer in (*working, newcomer))
    opened(table, "b", 1)
    assert newcomer.closed
    table.silent(working[1], "a")
    opened(table, "b", 1)
    assert [peer.closed for peer in working] == [False, True, False]


def test_a_drop_now_and_then_does_not_make_a_connection_young() -> None:
    table = ConnectionTable(2, lambda: None)
    first, second = opened(table, "a", 2)
    table.silent(first, "a")
    opened(table, "b", 1)
    assert (first.closed, second.closed) == (True, False)


def test_a_connection_that_answered_is_young_again() -> None:
    table = ConnectionTable(2, lambda: None)
    first, second = opened(table, "a", 2)
    table.active(first)
    table.silent(first, "a")
    opened(table, "b", 1)
    assert (first.closed, second.closed) == (False, True)


def test_a_proxy_comes_last_and_one_that_ended_is_forgotten() -> None:
    table = ConnectionTable(3, lambda: None)
    first, second = opened(table, PROXY, 2)
    (client,) = opened(table, "a", 1)
    opened(table, PROXY, 1)
    assert (first.closed, second.closed, client.closed) == (False, False, True)
    opened(table, PROXY, 1)
    assert (first.closed, second.closed) == (True, False)
    table.closed(second)
    table.closed(second)
    table.silent(second, "a")
    assert len(table) == 2


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:2:3:4:5:6:7", "2001:db8:2:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("10.1.2.3", PROXY),
        ("::ffff:10.1.2.3", PROXY),
        ("2001:db8:1:ffff::1", PROXY),
        ("", PROXY),
    ],
)
def test_a_peer_counts_for_itself_or_its_network_unless_it_is_a_proxy(peer: str, address: str) -> None:
    assert ClientAddresses(PROXIES).of_peer(peer) == address


@pytest.mark.parametrize(
    ("values", "address"),
    [
        ([b"192.0.2.7"], "192.0.2.7"),
        ([b"198.51.100.1, 192.0.2.7"], "192.0.2.7"),  # the client wrote the first one
        ([b"198.51.100.1", b"192.0.2.7, 10.9.9.9"], "192.0.2.7"),  # two proxies of ours
        ([b"192.0.2.7:4711"], "192.0.2.7"),
        ([b"[2001:db8:2:3::1]:4711"], "2001:db8:2:3::/64"),
        ([b"10.1.1.1"], PROXY),
        ([b"inconnu"], "inconnu"),
        ([b"x" * 300], "x" * 40),
        ([b"\xff"], "\xff"),
        ([], PROXY),
    ],
)
def test_the_last_hop_that_is_no_proxy_of_ours_is_the_client(values: list[bytes], address: str) -> None:
    assert ClientAddresses(PROXIES).forwarded(values) == address

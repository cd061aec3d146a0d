"""The seal: what is sealed opens only where it was meant to, and tells nothing of its key."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.seal import Anchor, OpaqueIds, Sealer, number_of

KEY = bytes(range(32))
SEALER = Sealer(KEY)
IDS = OpaqueIds(SEALER)


@given(st.binary(max_size=200), st.binary(max_size=20))
def test_what_is_sealed_opens_again(plain: bytes, bound_to: bytes) -> None:
    assert SEALER.open("essai", SEALER.seal("essai", plain, bound_to), bound_to) == plain


def test_the_same_bytes_give_the_same_seal_in_every_process() -> None:
    assert SEALER.seal("essai", b"clair", b"nom") == Sealer(KEY).seal("essai", b"clair", b"nom")


def test_a_seal_is_bound_to_its_usage_its_name_and_its_key() -> None:
    sealed = SEALER.seal("essai", b"clair", b"nom")
    assert SEALER.open("autre", sealed, b"nom") is None
    assert SEALER.open("essai", sealed, b"autre") is None
    assert SEALER.open("essai", sealed) is None
    assert Sealer(bytes(32)).open("essai", sealed, b"nom") is None


@given(st.integers(min_value=0, max_value=20), st.integers(min_value=1, max_value=255))
def test_one_changed_byte_is_refused(rank: int, masque: int) -> None:
    sealed = bytearray(SEALER.seal("essai", b"clair", b"nom"))
    sealed[rank] ^= masque
    assert SEALER.open("essai", bytes(sealed), b"nom") is None


@pytest.mark.parametrize("sealed", [b"", b"court", bytes(16), bytes(200)])
def test_what_was_never_sealed_is_refused(sealed: bytes) -> None:
    assert SEALER.open("essai", sealed) is None


def test_a_seal_does_not_show_what_it_holds() -> None:
    assert b"clair" not in SEALER.seal("essai", b"clair")


def test_a_pseudonym_is_stable_short_and_bound_to_usage_and_key() -> None:
    pseudonym = SEALER.pseudonym("essai", "texte")
    assert pseudonym == Sealer(KEY).pseudonym("essai", "texte")
    assert len(pseudonym) == len(bytes.fromhex(pseudonym)) * 2 == 32
    others = {SEALER.pseudonym("autre", "texte"), SEALER.pseudonym("essai", "Texte")}
    others.add(Sealer(bytes(32)).pseudonym("essai", "texte"))
    assert len(others | {pseudonym}) == 4


def test_a_key_is_read_from_text_padded_or_not() -> None:
    key = b"\xfb\xff" * 16  # both characters in which the URL alphabet differs
    text = base64.urlsafe_b64encode(key).decode()
    expected = Sealer(key).pseudonym("essai", "texte")
    assert Sealer.from_text(text).pseudonym("essai", "texte") == expected
    assert Sealer.from_text(text.rstrip("=")).pseudonym("essai", "texte") == expected


@pytest.mark.parametrize("text", ["", "AAAA", "secret!" * 7, "é" * 43])
def test_another_text_is_refused_without_being_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"^a sealing key is 32 bytes") as refusal:
        Sealer.from_text(text)
    assert not text or text not in str(refusal.value)


def test_the_key_is_not_in_its_representation() -> None:
    assert repr(SEALER) == "Sceau()"


@pytest.mark.parametrize("stray", ["!", " ", "\n", "=", "*"])
def test_a_key_or_an_id_with_a_stray_character_is_none(stray: str) -> None:
    """A lenient reader would drop it: one key would have many writings, and one id too."""
    text = base64.urlsafe_b64encode(KEY).decode().rstrip("=")
    with pytest.raises(ValueError, match=r"^a sealing key is 32 bytes"):
        Sealer.from_text(f"{text[:9]}{stray * 4}{text[9:]}")
    sealed = IDS.seal("Jeune", "0123")
    assert IDS.open(sealed) == ("Jeune", "0123")
    assert IDS.open(f"{sealed[:9]}{stray * 4}{sealed[9:]}") is None


def test_the_key_behind_an_id_is_told_for_ours_only() -> None:
    assert IDS.key(IDS.seal("Jeune", "a:b")) == "a:b"
    with pytest.raises(KeyError):
        IDS.key("Jeune:a:b")


@pytest.mark.parametrize(("letters", "blocks"), [(0, 1), (110, 1), (124, 1), (125, 2), (252, 2), (253, 3)])
def test_a_cursor_is_as_long_as_its_blocks_whatever_it_holds(letters: int, blocks: int) -> None:
    """Blocks of 128 bytes and sixteen of authentication (RFC 5297): a cursor tells no length of a name."""
    cursor = IDS.seal_cursor(["x" * letters], "liste")
    assert len(base64.urlsafe_b64decode(cursor + "==")) == 128 * blocks + 16
    assert IDS.open_cursor(cursor, "liste") == ["x" * letters]
    assert IDS.open_cursor(cursor, "autre") is None


def test_an_id_or_a_cursor_longer_than_any_of_ours_is_not_even_deciphered(monkeypatch: pytest.MonkeyPatch) -> None:
    deciphered: list[int] = []
    monkeypatch.setattr(SEALER, "open", lambda _usage, sealed, _bound_to: deciphered.append(len(sealed)))
    for length in (2044, 2048, 2052):
        IDS.open("A" * length)
    assert deciphered == [2044 * 3 // 4, 2048 * 3 // 4]


@pytest.mark.parametrize(
    ("first_64_bits", "number"),
    [("0" * 16, 0), ("7" + "f" * 15, 2**63 - 1), ("8" + "0" * 15, -(2**63)), ("f" * 16, -1), ("0" * 15 + "1", 1)],
)
@pytest.mark.parametrize("rest", ["", "0" * 16, "f" * 16])
def test_an_account_is_counted_under_its_first_64_bits_signed(first_64_bits: str, number: int, rest: str) -> None:
    assert number_of(first_64_bits + rest) == number


def test_a_place_of_the_chain_is_read_as_it_is_written() -> None:
    place = Anchor(12, bytes(range(32)))
    assert Anchor.read(str(place)) == place

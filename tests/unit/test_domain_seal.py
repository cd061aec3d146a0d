"""The seal: what is sealed opens only where it was meant to, and tells nothing of its key."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.seal import Sealer

KEY = bytes(range(32))
SEALER = Sealer(KEY)


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

"""The seal: what is sealed opens only where it was meant to, and tells nothing of its key."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.sceau import Sceau

CLE = bytes(range(32))
SCEAU = Sceau(CLE)


@given(st.binary(max_size=200), st.binary(max_size=20))
def test_what_is_sealed_opens_again(clair: bytes, lie_a: bytes) -> None:
    assert SCEAU.ouvrir("essai", SCEAU.sceller("essai", clair, lie_a), lie_a) == clair


def test_the_same_bytes_give_the_same_seal_in_every_process() -> None:
    assert SCEAU.sceller("essai", b"clair", b"nom") == Sceau(CLE).sceller("essai", b"clair", b"nom")


def test_a_seal_is_bound_to_its_usage_its_name_and_its_key() -> None:
    scelle = SCEAU.sceller("essai", b"clair", b"nom")
    assert SCEAU.ouvrir("autre", scelle, b"nom") is None
    assert SCEAU.ouvrir("essai", scelle, b"autre") is None
    assert SCEAU.ouvrir("essai", scelle) is None
    assert Sceau(bytes(32)).ouvrir("essai", scelle, b"nom") is None


@given(st.integers(min_value=0, max_value=20), st.integers(min_value=1, max_value=255))
def test_one_changed_byte_is_refused(rang: int, masque: int) -> None:
    scelle = bytearray(SCEAU.sceller("essai", b"clair", b"nom"))
    scelle[rang] ^= masque
    assert SCEAU.ouvrir("essai", bytes(scelle), b"nom") is None


@pytest.mark.parametrize("scelle", [b"", b"court", bytes(16), bytes(200)])
def test_what_was_never_sealed_is_refused(scelle: bytes) -> None:
    assert SCEAU.ouvrir("essai", scelle) is None


def test_a_seal_does_not_show_what_it_holds() -> None:
    assert b"clair" not in SCEAU.sceller("essai", b"clair")


def test_a_pseudonym_is_stable_short_and_bound_to_usage_and_key() -> None:
    pseudonyme = SCEAU.pseudonyme("essai", "texte")
    assert pseudonyme == Sceau(CLE).pseudonyme("essai", "texte")
    assert len(pseudonyme) == len(bytes.fromhex(pseudonyme)) * 2 == 32
    autres = {SCEAU.pseudonyme("autre", "texte"), SCEAU.pseudonyme("essai", "Texte")}
    autres.add(Sceau(bytes(32)).pseudonyme("essai", "texte"))
    assert len(autres | {pseudonyme}) == 4


def test_a_key_is_read_from_text_padded_or_not() -> None:
    cle = b"\xfb\xff" * 16  # both characters in which the URL alphabet differs
    texte = base64.urlsafe_b64encode(cle).decode()
    attendu = Sceau(cle).pseudonyme("essai", "texte")
    assert Sceau.depuis_texte(texte).pseudonyme("essai", "texte") == attendu
    assert Sceau.depuis_texte(texte.rstrip("=")).pseudonyme("essai", "texte") == attendu


@pytest.mark.parametrize("texte", ["", "AAAA", "secret!" * 7, "é" * 43])
def test_another_text_is_refused_without_being_told(texte: str) -> None:
    with pytest.raises(ValueError, match=r"^a sealing key is 32 bytes") as refus:
        Sceau.depuis_texte(texte)
    assert not texte or texte not in str(refus.value)


def test_the_key_is_not_in_its_representation() -> None:
    assert repr(SCEAU) == "Sceau()"

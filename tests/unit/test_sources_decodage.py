"""Strict decoding: what is read, what is refused, and that nothing of the body is told (SECURITY U04, U05)."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sources.decodage import DocumentInvalide, ErreurAnnoncee, decoder_csv, decoder_json


def test_le_json_est_lu() -> None:
    assert decoder_json(b'\xef\xbb\xbf{"a": [1, 2.5, "\\u00e9\\ud83d\\ude00", null]}') == {"a": [1, 2.5, "é😀", None]}


JSON_REFUSES = {
    "U04 null": b"null",
    "U04 nombre": b"3",
    "U04 moitié": b'{"a": [1, 2',
    "U04 HTML": b"<html></html>",
    "U05 latin-1": '{"nom": "Zoé"}'.encode("latin-1"),
    "U05 NaN": b'{"a": NaN}',
    "U05 Infinity": b'{"a": -Infinity}',
    "U05 infini par l'exposant": b'{"a": 1e999}',
    "U05 clé en double": b'{"a": 1, "a": 2}',
    "U05 5000 chiffres": b'{"a": ' + b"9" * 5000 + b"}",
    "U05 profondeur": b"[" * 200_000 + b"]" * 200_000,
    "U05 substitut isolé": b'{"a": "\\ud800"}',
    "U05 substitut en clé": b'{"\\udc00": 1}',
    "U05 NUL": b'{"a": "\\u0000"}',
    "U05 NUL brut": b'{"a": 1}\0',
}


@pytest.mark.parametrize("corps", JSON_REFUSES.values(), ids=JSON_REFUSES.keys())
def test_un_json_douteux_est_refuse(corps: bytes) -> None:
    with pytest.raises(DocumentInvalide):
        decoder_json(corps)


def test_une_barre_oblique_inverse_devant_u0000_n_est_pas_un_nul() -> None:
    assert decoder_json(b'{"a": "\\\\u0000"}') == {"a": "\\u0000"}


@given(st.binary(max_size=200))
def test_des_octets_quelconques_sont_lus_ou_refuses(corps: bytes) -> None:
    for lire in (decoder_json, decoder_csv):
        with suppress(DocumentInvalide, ErreurAnnoncee):
            assert isinstance(lire(corps), dict | list)


def test_le_csv_est_lu_par_ses_entetes() -> None:
    corps = 'Nom;"Élève prénom"\r\nDUPONT;"Zoé ; Anne"\r\n\r\nTOTAL;1;\r\n'.encode("iso-8859-15")
    assert decoder_csv(corps, "iso-8859-15") == [
        {"Nom": "DUPONT", "Élève prénom": "Zoé ; Anne"},
        {"Nom": "TOTAL", "Élève prénom": "1"},
    ]


@pytest.mark.parametrize("encodage", ["utf-8", "iso-8859-15"])
def test_u05_une_marque_utf8_est_toleree_devant_tout_encodage(encodage: str) -> None:
    assert decoder_csv(b"\xef\xbb\xbf" + "Né;€\nZoé;1".encode(encodage), "iso-8859-15") == [{"Né": "Zoé", "€": "1"}]


@pytest.mark.parametrize(
    "corps",
    [b"<!DOCTYPE html><html>", b"a;a\n1;2", b"\n\n", b"a;b\n1;\0", b"a\n" + b"x" * 200_000, "é".encode("latin-1")],
    ids=["U04 HTML", "colonnes en double", "sans en-tête", "U05 NUL", "champ sans fin", "encodage"],
)
def test_un_csv_douteux_est_refuse(corps: bytes) -> None:
    with pytest.raises(DocumentInvalide):
        decoder_csv(corps)


def test_une_erreur_json_a_la_place_du_csv_est_une_annonce() -> None:
    with pytest.raises(ErreurAnnoncee):
        decoder_csv(b'{"erreur":"quota"}')

"""Strict decoding: what is read, what is refused, and that nothing of the body is told (docs/security.md U04, U05)."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sources.http.decode import AnnouncedError, InvalidDocument, decode_csv, decode_json


def test_json_is_read() -> None:
    assert decode_json(b'\xef\xbb\xbf{"a": [1, 2.5, "\\u00e9\\ud83d\\ude00", null]}') == {"a": [1, 2.5, "é😀", None]}


JSON_REFUSES = {
    "U04 null": b"null",
    "U04 nombre": b"3",
    "U04 moitié": b'{"a": [1, 2',
    "U04 HTML": b"<html></html>",
    "U05 NaN": b'{"a": NaN}',
    "U05 Infinity": b'{"a": -Infinity}',
    "U05 infini par l'exposant": b'{"a": 1e999}',
    "U05 clé en double": b'{"a": 1, "a": 2}',
    "U05 5000 chiffres": b'{"a": ' + b"9" * 5000 + b"}",
    "U05 profondeur": b"[" * 200_000 + b"]" * 200_000,
    "U05 NUL brut": b'{"a": 1}\0',
}


@pytest.mark.parametrize("body", JSON_REFUSES.values(), ids=JSON_REFUSES.keys())
def test_a_doubtful_json_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidDocument):
        decode_json(body)


def test_a_backslash_before_u0000_is_not_a_nul() -> None:
    assert decode_json(b'{"a": "\\\\u0000"}') == {"a": "\\u0000"}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"a": "\\ud83d b"}', {"a": "\ufffd b"}),  # half of a character, in whatever place
        (b'{"a": [{"b": "x\\udfffy"}]}', {"a": [{"b": "x\ufffdy"}]}),
        (b'{"\\udc00": 1}', {"\ufffd": 1}),
        (b'{"a": "\\ud83d\\ude00"}', {"a": "\U0001f600"}),
        (b'{"a": "N\\u0000A", "b": "\\\\\\u0000"}', {"a": "N\ufffdA", "b": "\\\ufffd"}),
        (b'{"a": "N\0A"}', {"a": "N\ufffdA"}),
        ('{"nom": "Ga\u00eblle"}'.encode("latin-1"), {"nom": "Gaëlle"}),
        ('{"a": "François", "b": "'.encode() + b'c\x9cur"}', {"a": "François", "b": "cœur"}),
        (b'{"a": "x\x81y"}', {"a": "x\ufffdy"}),
        ('{"a": "Élie"}'.encode("utf-16"), {"a": "Élie"}),
    ],
)
def test_u05_one_bad_letter_loses_that_letter_and_not_the_answer(body: bytes, expected: object) -> None:
    assert decode_json(body) == expected


@pytest.mark.parametrize("name", ["BŒUF", "Gaëlle", "Ÿves", "L’Écuyer", "SAŸ – œuf", "Maÿlis", "Noël"])
@pytest.mark.parametrize("declared", ["iso-8859-1", "iso-8859-15", "cp1252"])
@pytest.mark.parametrize("real", ["utf-8", "utf-8-sig", "cp1252"])
def test_the_bytes_of_a_file_are_believed_before_what_is_declared_of_them(name: str, declared: str, real: str) -> None:
    decoded = decode_csv(f"Nom;Rang\n{name};1".encode(real), declared)
    # Without a letter of Windows' own, nothing in the bytes of ÿ or Ÿ contradicts the two latin alphabets.
    assert decoded in ([{"Nom": name, "Rang": "1"}], [{"Nom": name.encode("cp1252").decode(declared), "Rang": "1"}])
    if real != "cp1252" or any(byte in range(0x80, 0xA0) for byte in name.encode("cp1252")):
        assert decoded == [{"Nom": name, "Rang": "1"}]


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    for read in (decode_json, decode_csv):
        with suppress(InvalidDocument, AnnouncedError):
            assert isinstance(read(body), dict | list)


def test_csv_is_read_by_its_headers() -> None:
    body = 'Nom;"Élève prénom"\r\nDUPONT;"Zoé ; Anne"\r\n\r\nTOTAL;1;\r\n'.encode("iso-8859-15")
    assert decode_csv(body, "iso-8859-15") == [
        {"Nom": "DUPONT", "Élève prénom": "Zoé ; Anne"},
        {"Nom": "TOTAL", "Élève prénom": "1"},
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-15"])
def test_u05_a_utf8_mark_is_tolerated_before_any_encoding(encoding: str) -> None:
    assert decode_csv(b"\xef\xbb\xbf" + "Né;€\nZoé;1".encode(encoding), "iso-8859-15") == [{"Né": "Zoé", "€": "1"}]


@pytest.mark.parametrize(
    "body",
    [b"<!DOCTYPE html><html>", b"a;a\n1;2", b"\n\n", b"a\n" + b"x" * 200_000],
    ids=["U04 HTML", "colonnes en double", "sans en-tête", "champ sans fin"],
)
def test_a_doubtful_csv_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidDocument):
        decode_csv(body)


def test_a_json_error_in_place_of_the_csv_is_an_announcement() -> None:
    with pytest.raises(AnnouncedError):
        decode_csv(b'{"erreur":"quota"}')

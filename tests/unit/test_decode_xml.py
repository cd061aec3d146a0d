"""XML from outside: what it becomes, and what is refused before it grows (docs/security.md, U04)."""

from typing import Any

import pytest

from gateway.connectors.base import BodyFormat, PartnerRequest
from gateway.sources.http.decode import InvalidDocument, decode

ASKED = PartnerRequest("x", "/x", shape=BodyFormat.XML)


def read(body: str | bytes, encoding: str = "utf-8") -> Any:
    asked = PartnerRequest("x", "/x", shape=BodyFormat.XML, encoding=encoding)
    return decode(body.encode() if isinstance(body, str) else body, asked)


def test_what_elements_become() -> None:
    body = """<?xml version="1.0"?><r:reponse xmlns:r="urn:x" etab="0010856A"><eleves><eleve id="1"><nom> Zoé </nom><tel/></eleve>
    <eleve id="2"><nom>L&amp;a</nom><tel type="MOB">06</tel></eleve></eleves><fin/></r:reponse>"""
    assert read(body) == {
        "reponse": {
            "@etab": "0010856A",
            "eleves": {
                "eleve": [
                    {"@id": "1", "nom": "Zoé", "tel": ""},
                    {"@id": "2", "nom": "L&a", "tel": {"@type": "MOB", "#text": "06"}},
                ]
            },
            "fin": "",
        }
    }


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        ('<?xml version="1.0" encoding="ISO-8859-1"?><a>Zoé</a>'.encode("latin-1"), "utf-8"),
        ("<a>Zoé</a>".encode("cp1252"), "iso-8859-15"),
        ('<?xml version="1.0" encoding="ISO-8859-1"?><a>Zoé</a>'.encode(), "utf-8"),
        ('<?xml version="1.0" encoding="UTF-16"?><a>Zoé</a>'.encode("utf-16"), "utf-8"),
        ("\ufeff<a>Zoé</a>".encode(), "utf-8"),
    ],
    ids=["declared", "agreed", "wrongly declared", "utf-16", "mark"],
)
def test_letters_are_read_by_their_bytes(body: bytes, encoding: str) -> None:
    assert read(body, encoding) == {"a": "Zoé"}


LAUGHS = "<!DOCTYPE a [<!ENTITY x 'ha'><!ENTITY y '&x;&x;&x;'>]><a>&y;</a>"
OUTSIDE = "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (LAUGHS, "DTD refusée"),
        (OUTSIDE, "DTD refusée"),
        ("<!DOCTYPE a SYSTEM 'http://ailleurs.invalid/a.dtd'><a/>", "DTD refusée"),
        ("<a>&inconnue;</a>", "XML illisible"),
        ("<a" + " b='1'><a" * 100, "trop profond"),
        ("<a><b></a>", "XML illisible"),
        ("<a>coupé", "XML illisible"),
        ("<a/><b/>", "XML illisible"),
        ("pas du XML", "XML illisible"),
        ("{}", "XML illisible"),
        ("<!DOCTYPE html><html></html>", "HTML"),
        ("<html><body>Maintenance</body></html>", "HTML"),
        ("<?xml version='1.0' encoding='klingon'?><a/>", "encodage inconnu"),
        (b"<a>\x00</a>", None),
    ],
)
def test_u04_what_is_refused_is_told(body: str | bytes, reason: str | None) -> None:
    if reason is None:
        assert read(body) == {"a": "\ufffd"}
        return
    with pytest.raises(InvalidDocument, match=reason):
        read(body)


def test_many_elements_are_refused_before_they_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.sources.http.decode_xml.ELEMENTS_MAX", 1000)
    assert len(read("<a>" + "<b/>" * 999 + "</a>")["a"]["b"]) == 999
    with pytest.raises(InvalidDocument, match="trop long"):
        read("<a>" + "<b/>" * 1000 + "</a>")


def test_lines_of_json_are_one_list() -> None:
    asked = PartnerRequest("x", "/x", shape=BodyFormat.LINES)
    assert decode(b'{"a": 1}\n\n{"a": 2}\n', asked) == [{"a": 1}, {"a": 2}]
    with pytest.raises(InvalidDocument, match="JSON illisible"):
        decode(b'{"a": 1}\n{"a": ', asked)


def test_a_csv_has_the_separator_that_is_agreed() -> None:
    asked = PartnerRequest("x", "/x", shape=BodyFormat.CSV, separator=",")
    assert decode(b"a,b\n1,2;3\n", asked) == [{"a": "1", "b": "2;3"}]

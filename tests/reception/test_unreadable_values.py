"""A value that nobody can read is lost alone, whatever JSON makes of it: the rest of its dossier and of the body is kept, and it
is told. A whole body was refused for half a character in one address."""

import json
import sys
from typing import Any

import httpx
import pytest

from gateway.domain.days import paris_day
from gateway.reception.body_process import SMALL, BodyProcess
from gateway.reception.items import Family
from gateway.reception.one_by_one import items_of
from gateway.reception.transmission import UNREADABLE as NO_JSON
from gateway.reception.transmission import prepare
from gateway.stores.receptions import ReceptionStore
from tests.reception.test_body_process import COMMAND
from tests.reception.test_store import kept
from tests.support.reception.facts import UAI, item
from tests.support.reception.world import NOW, REFERENTIEL, SEALER

pytestmark = pytest.mark.anyio
ON_ONE = pytest.mark.parametrize("url", ["sqlite"], indirect=True)  # nothing of it is of a database
PATH = "/api/v3/dossiers-apprenants"
UNREADABLE = "Valeur illisible : caractère coupé, octets hors UTF-8, ou nombre hors de toute borne"
HOLE = "à remplacer"
DEEP = b"[" * 20_000 + b"]" * 20_000
# Written as JSON allows it: what is echoed of it.
WRITTEN = {
    "a first half": (rb'"12 rue \ud800 de la Paix"', "12 rue \ud800 de la Paix"),
    "a second half": (rb'"\udfffx"', "\udfffx"),
    "halves in the wrong order": (rb'"\ude00\ud83d"', "\ude00\ud83d"),
    "a half before a letter": (rb'"\ud83d\u0041"', "\ud83dA"),
    "half a character in UTF-8": (b'"\xed\xa0\x80"', "\udced\udca0\udc80"),
    "latin-1": (b'"12 all\xe9e"', "12 all\udce9e"),
    "a number beyond all bounds": (b"1e999", "1e999"),
    "its opposite": (b"-1e999", "-1e999"),
    "an integer of thousands of digits": (b"9" * 5000, "9" * 5000),
}


def written(value: bytes, name: str = "adresse_apprenant", **more: Any) -> bytes:
    """An item that has these bytes as one value."""
    return json.dumps(item(**more, **{name: HOLE})).encode().replace(json.dumps(HOLE).encode(), value)


async def push(erp: httpx.AsyncClient, *items: bytes, charset: str = "utf-8") -> httpx.Response:
    headers = {"content-type": f"application/json; charset={charset}"}
    return await erp.post(PATH, content=b"[" + b" , ".join(items) + b"]\n", headers=headers)


@pytest.mark.parametrize("name", ["adresse_apprenant", "custom_statut_apprenant", "date_exclusion_formation"])
@pytest.mark.parametrize("value", WRITTEN)
@ON_ONE
async def test_an_optional_value_that_nobody_can_read_is_lost_alone(
    erp: httpx.AsyncClient, store: ReceptionStore, value: str, name: str
) -> None:
    content, echoed = WRITTEN[value]
    rupture = {"contrat_date_debut": "2026-09-01", "contrat_date_rupture": "2026-10-01"}
    response = await push(erp, written(content, name, **rupture), json.dumps(item(id_erp_apprenant="E-2")).encode())
    first, second = response.json()["data"]
    assert (response.status_code, first[name], second["has_error"]) == (200, echoed, False)
    assert first["validation_errors"] == [{"message": UNREADABLE, "path": [name]}]
    records = await kept(store)
    assert (set(records), records["E-1"]["contrat_date_rupture"]) == ({"E-1", "E-2"}, "2026-10-01")
    assert name not in records["E-1"]
    (told,) = await store.transmissions(UAI)
    assert (told["acceptes"], told["partiels"], told["rejetes"]) == (1, 1, 0)


@pytest.mark.parametrize("name", ["nom_apprenant", "id_erp_apprenant", "etablissement_formateur_uai", "annee_scolaire"])
@pytest.mark.parametrize("value", WRITTEN)
async def test_a_required_value_that_nobody_can_read_loses_its_dossier_alone(
    erp: httpx.AsyncClient, store: ReceptionStore, value: str, name: str
) -> None:
    await push(erp, written(b'"1 rue d\'avant"'))
    response = await push(erp, json.dumps(item(id_erp_apprenant="E-2")).encode(), written(WRITTEN[value][0], name))
    assert [one["has_error"] for one in response.json()["data"]] == [False, True]
    records = await kept(store)
    assert (set(records), records["E-1"]["adresse_apprenant"]) == ({"E-1", "E-2"}, "1 rue d'avant")
    ((_, line),) = await store.errors(UAI, paris_day(NOW))
    assert (line.champs, line.message) == (name, UNREADABLE)


@pytest.mark.parametrize(
    "content",
    [
        rb'{"\ud800": 1, "adresse_apprenant": "1 rue",',
        b'{"\xe9": 1, "adresse_apprenant": "1 rue",',
        b'{"x": ' + DEEP + b', "adresse_apprenant": "1 rue",',
        b'{"x": 1e999, "adresse_apprenant": "1 rue",',
        b'{"adresse_apprenant": "avant", "adresse_apprenant": "1 rue",',
        b'{"adresse_apprenant": 1e999, "adresse_apprenant": "1 rue",',
    ],
    ids=["half a key", "a key in latin-1", "depth", "number", "a key twice", "a key twice, once unreadable"],
)
@ON_ONE
async def test_what_is_no_field_or_is_said_again_is_no_fault(
    erp: httpx.AsyncClient, store: ReceptionStore, content: bytes
) -> None:
    """As the service that the contract comes from: unknown keys are nothing, and the last of two is what is said."""
    response = await push(erp, content + json.dumps(item()).encode().removeprefix(b"{"))
    (echo,) = response.json()["data"]
    assert (response.status_code, echo["validation_errors"]) == (200, [])
    assert (await kept(store))["E-1"]["adresse_apprenant"] == "1 rue"


@pytest.mark.parametrize("depth", [*range(1, 12), 900, 985, 990, 993, 994, 995, 996, 1000, 20_000])
@ON_ONE
async def test_lists_within_lists_are_one_wrong_value(
    erp: httpx.AsyncClient, store: ReceptionStore, depth: int
) -> None:
    value = b'[{"a":' * (depth // 2) + b"[" * (depth % 2) + b"1" + b"]" * (depth % 2) + b"}]" * (depth // 2)
    response = await push(erp, written(value), json.dumps(item(id_erp_apprenant="E-2")).encode())
    assert [one["validation_errors"] for one in response.json()["data"]] == [
        [{"message": "String attendu", "path": ["adresse_apprenant"]}],
        [],
    ]
    assert set(await kept(store)) == {"E-1", "E-2"}


async def test_a_null_character_is_a_character(erp: httpx.AsyncClient, store: ReceptionStore) -> None:
    """In a name, an address, the key of a dossier, and a line of validation: PostgreSQL has none in a text."""
    (first, second) = (
        await push(
            erp,
            written(rb'"1 rue\u0000 basse"', nom_apprenant="Le\0nôtre", id_erp_apprenant="E\0-1"),
            json.dumps(item(id_erp_apprenant="\0", email_contact="\0")).encode(),
        )
    ).json()["data"]
    assert (first["has_error"], second["validation_errors"]) == (
        False,
        [{"message": "Email non valide", "path": ["email_contact"]}],
    )
    assert {key: record["nom_apprenant"] for key, record in (await kept(store)).items()} == {
        "E\0-1": "LE\0NÔTRE",
        "\0": "LENÔTRE",
    }


@pytest.mark.parametrize("charset", ["utf-16", "utf-16le"])
@ON_ONE
async def test_half_a_character_in_utf_16_is_one_wrong_value(
    erp: httpx.AsyncClient, store: ReceptionStore, charset: str
) -> None:
    text = json.dumps([item(adresse_apprenant="rue \ud800"), item(id_erp_apprenant="E-2")], ensure_ascii=False)
    headers = {"content-type": f"application/json; charset={charset}"}
    response = await erp.post(PATH, content=text.encode(charset, "surrogatepass"), headers=headers)
    assert [len(one["validation_errors"]) for one in response.json()["data"]] == [1, 0]
    assert set(await kept(store)) == {"E-1", "E-2"}


@pytest.mark.parametrize(
    "value",
    [
        b"NaN",
        b"Infinity",
        b"-Infinity",
        b"01",
        b"1.",
        b"-",
        b"'x'",
        b'"\n"',
        b'"\0"',
        b'"\\x41"',
        b'"\\u12"',
        b"[1,]",
        b"{]",
    ],
)
@ON_ONE
async def test_what_json_does_not_allow_refuses_the_body_and_says_so(erp: httpx.AsyncClient, value: bytes) -> None:
    """Beside half a character, too: it is looked at item by item, and not more loosely."""
    for beside in (b'"x"', rb'"\ud800"'):
        response = await push(erp, written(beside), written(value))
        assert response.status_code == 400
        assert response.json() == {"error": "Bad Request", "message": NO_JSON}


@pytest.mark.parametrize(
    "body", [b"[", b"[1", b"[1,", b"[1,]", b"[,1]", b"[1 2]", b"[1]]", b"[]x", b"{}", b"", b'["\\ud800"']
)
def test_what_is_no_list_is_none_read_one_by_one(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"^(another sign|more than a list|Expecting value.*)$"):
        list(items_of(body))


@pytest.mark.parametrize("body", [b"[]", b" [ ] ", b"[1]", b'\n[ 1 , {"a": [ 2 ]} ,\t3 ] '])
def test_a_list_read_one_by_one_is_the_list(body: bytes) -> None:
    assert list(items_of(body)) == json.loads(body)


@ON_ONE
async def test_2001_items_are_too_many_read_one_by_one_too(erp: httpx.AsyncClient) -> None:
    response = await push(erp, *[rb'{"a": "\ud800"}'] * 2001)
    assert (response.status_code, response.json()["details"][0]["type"]) == (400, "array.max")
    assert len((await push(erp, *[rb'{"a": "\ud800"}'] * 2000)).json()["data"]) == 2000


def test_a_long_body_is_read_as_by_the_function_whatever_it_holds() -> None:
    """The process that reads it writes its answer in a form that has no half characters."""
    reading = BodyProcess(SEALER, COMMAND)
    try:
        body = b"[" + written(rb'"\ud800"', "id_erp_apprenant") + b"," + written(b"1e999") + b" " * SMALL + b"]"
        family = Family(REFERENTIEL, UAI)
        read = reading.prepare(body, family, NOW)
        assert read == prepare(body, family, SEALER, NOW)
        assert [error.id_erp for error in read.transmission.errors] == [r"\ud800", "E-1"]
    finally:
        reading.close()


@ON_ONE
async def test_a_text_of_thousands_of_digits_is_no_code(erp: httpx.AsyncClient) -> None:
    """Python refuses to read it as a number: the whole transmission was answered 500."""
    digits = "9" * (sys.get_int_max_str_digits() + 1)
    names = ("statut_apprenant", "derniere_situation", "annee_formation", "duree_theorique_formation", "rqth_apprenant")
    response = await push(erp, *(json.dumps(item(**{name: digits})).encode() for name in names))
    refused = [[line["path"] for line in one["validation_errors"]] for one in response.json()["data"]]
    silent = "duree_theorique_formation"  # absent where it does not read
    assert (response.status_code, refused) == (200, [[] if name == silent else [[name]] for name in names])

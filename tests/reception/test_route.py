"""The route of ERPs, as they call it: its statuses, its texts, its echo, its limits; on both databases."""

import asyncio
import gzip
import json
import logging
import zlib
from typing import Any

import brotli
import httpx
import pytest

from gateway.edge import reception_http
from gateway.reception.reception import Reception, ReceptionSlots, key_digest
from gateway.stores.quota_counters import Allowance
from gateway.stores.receptions import ReceptionStore, ReceptionUnavailable
from tests.reception.conftest import KEY
from tests.support.reception.facts import UAI, item
from tests.support.reception.world import NOW, SEALER, SITE_UAI, STRANGER_SIRET, STRANGER_UAI

pytestmark = pytest.mark.anyio
PATH = "/api/v3/dossiers-apprenants"
JSON = {"content-type": "application/json"}


async def push(erp: httpx.AsyncClient, *items: Any, path: str = PATH) -> httpx.Response:
    return await erp.post(path, json=list(items))


@pytest.mark.parametrize("path", [PATH, f"{PATH}/", f"{PATH}?siret=1&x=canari", f"{PATH}/?a"])
async def test_a7_the_minimal_item_is_queued_and_echoed(erp: httpx.AsyncClient, path: str) -> None:
    told = item(inconnu="x", adresse_apprenant=None, nir_apprenant="107106006000123", libelle_court_formation="BP")
    response = await push(erp, {**told, "email_contact": None}, path=path)
    assert response.status_code == 200
    (echo,) = response.json().pop("data")
    assert {**response.json(), "data": []} == {"status": "OK", "message": "Queued", "data": []}
    identifiers = {name: echo.pop(name) for name in ("_id", "source_organisme_id")}
    assert all(len(value) == 24 and int(value, 16) >= 0 for value in identifiers.values())
    assert echo == {
        **item(libelle_court_formation="BP"),  # as it was sent, not as it is kept
        "has_nir": True,
        "validation_errors": [],
        "created_at": "2026-10-15T09:00:00.250Z",
        "updated_at": "2026-10-15T09:00:00.250Z",
        "source": "ERP",
        "api_version": "v3",
        "has_error": False,
        "computed_day": "2026-10-15",
    }


async def test_an_invalid_item_is_answered_200_with_its_lines_and_the_order_is_kept(erp: httpx.AsyncClient) -> None:
    response = await push(erp, item(email_contact="x"), item(id_erp_apprenant="E-2"), {"nom_apprenant": 3}, 7, None)
    body = response.json()
    assert (response.status_code, body["detail"]) == (200, "Some data are invalid")
    assert [one["has_error"] for one in body["data"]] == [True, False, True, True, True]
    assert body["data"][0]["validation_errors"] == [{"message": "Email non valide", "path": ["email_contact"]}]
    assert body["data"][0]["processed_at"] == "2026-10-15T09:00:00.250Z"
    assert "processed_at" not in body["data"][1]
    assert len(body["data"][3]["validation_errors"]) == 12


async def test_the_id_of_a_dossier_is_the_same_when_it_is_sent_again(erp: httpx.AsyncClient) -> None:
    first, again = [
        (await push(erp, told)).json()["data"][0]["_id"] for told in (item(), item(prenom_apprenant="Autre"))
    ]
    other = (await push(erp, item(id_erp_apprenant="E-2"))).json()["data"][0]["_id"]
    assert first == again != other


async def test_an_empty_list_is_a_transmission(erp: httpx.AsyncClient) -> None:
    assert (await push(erp)).json() == {"status": "OK", "message": "Queued", "data": []}


async def test_the_route_of_trials_says_ok_and_keeps_nothing(erp: httpx.AsyncClient, store: ReceptionStore) -> None:
    for path in (f"{PATH}/test", f"{PATH}/test/"):
        response = await erp.post(path, json=[item()])
        assert (response.status_code, response.json()) == (200, {"msg": "ok"})
    assert (await store.states()).get(UAI) is None


@pytest.mark.parametrize(
    ("authorization", "told"),
    [
        (None, "Clé API manquante"),
        ("", "Clé API manquante"),
        ("Basic abc", "La clé API doit etre au format Bearer"),
        (KEY, "La clé API doit etre au format Bearer"),
        ("Bearer inconnue", "La clé API n'est pas valide"),
        ("Bearer ", "La clé API doit etre au format Bearer"),
    ],
)
@pytest.mark.parametrize("path", [PATH, f"{PATH}/test"])
async def test_who_has_no_key_is_told_why(
    erp: httpx.AsyncClient, store: ReceptionStore, authorization: str | None, told: str, path: str
) -> None:
    del erp.headers["authorization"]
    headers = {} if authorization is None else {"authorization": authorization}
    response = await erp.post(path, json=[item()], headers=headers)
    assert response.status_code == 403
    assert response.json()["error"] == "Forbidden"
    assert response.json()["message"] in (told, "La clé API n'est pas valide" if authorization == "Bearer " else told)
    assert (await store.states()).get(UAI) is None


async def test_a_key_of_a_client_that_is_no_cfa_transmits_nothing(
    erp: httpx.AsyncClient, store: ReceptionStore
) -> None:
    for client in ("ml", "parti"):
        await store.import_key(key_digest(SEALER, f"cle-de-{client}"), client, NOW.date())
        response = await erp.post(PATH, json=[], headers={"authorization": f"Bearer cle-de-{client}"})
        assert response.status_code == 403


async def test_a_key_of_one_cfa_pushes_nothing_for_another(
    erp: httpx.AsyncClient, store: ReceptionStore, caplog: pytest.LogCaptureFixture
) -> None:
    stranger = {"etablissement_formateur_uai": STRANGER_UAI, "etablissement_formateur_siret": STRANGER_SIRET}
    with caplog.at_level(logging.WARNING):
        (echo,) = (await push(erp, item(**stranger))).json()["data"]
    assert [line["message"] for line in echo["validation_errors"]] == ["organisme formateur non rattaché à cette clé"]
    assert await store.dossiers(STRANGER_UAI) == []
    assert (await store.states()).get(STRANGER_UAI) is None
    assert "sécurité : la clé de cfa a transmis 1 dossiers" in caplog.text


@pytest.mark.parametrize(
    ("content", "kind", "context"),
    [
        (b'{"a": 1}', "array.base", {"label": "value"}),
        (b"", "array.base", {"label": "value"}),
        (json.dumps([{}] * 2001).encode(), "array.max", {"limit": 2000, "label": "value"}),
    ],
)
async def test_what_is_no_list_of_2000_at_most_is_refused_as_the_contract_tells(
    erp: httpx.AsyncClient, content: bytes, kind: str, context: dict[str, Any]
) -> None:
    response = await erp.post(PATH, content=content, headers=JSON)
    body = response.json()
    assert (response.status_code, body["error"], body["message"]) == (400, "Bad Request", "Erreur de validation")
    (detail,) = body["details"]
    assert (detail["path"], detail["type"], detail["context"]) == ([], kind, context)
    assert (await erp.post(PATH, content=b"nom=1", headers={"content-type": "text/plain"})).status_code == 400


@pytest.mark.parametrize("content", [b"[", b'"texte"', b"[{]", b"\xff\xfe", b"[" * 5000, b"null", b"3"])
async def test_what_is_no_json_is_refused(erp: httpx.AsyncClient, content: bytes) -> None:
    response = await erp.post(PATH, content=content, headers=JSON)
    assert (response.status_code, response.json()["error"]) == (400, "Bad Request")
    assert "details" not in response.json()


async def test_2000_items_are_taken(erp: httpx.AsyncClient, store: ReceptionStore) -> None:
    response = await push(erp, *(item(id_erp_apprenant=rank) for rank in range(2000)))
    assert len(response.json()["data"]) == len(await store.dossiers(UAI)) == 2000


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("br", brotli.compress),
        ("identity", bytes),
        ("gzip", lambda raw: gzip.compress(raw[:9]) + gzip.compress(raw[9:])),
    ],
)
async def test_a_compressed_body_is_read(erp: httpx.AsyncClient, encoding: str, encode: Any) -> None:
    raw = json.dumps([item()]).encode()
    response = await erp.post(PATH, content=encode(raw), headers={**JSON, "content-encoding": encoding})
    assert (response.status_code, len(response.json()["data"])) == (200, 1)


@pytest.mark.parametrize("charset", ["utf-16", "UTF-8", '"utf-8"', "utf-16le"])
async def test_a_body_in_another_unicode_is_read(erp: httpx.AsyncClient, charset: str) -> None:
    content = json.dumps([item(prenom_apprenant="Zoé")], ensure_ascii=False).encode(charset.strip('"'))
    headers = {"content-type": f"application/json; charset={charset}"}
    (echo,) = (await erp.post(PATH, content=content, headers=headers)).json()["data"]
    assert echo["prenom_apprenant"] == "Zoé"


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        ({"content-type": "application/json; charset=iso-8859-1"}, b"[]", 415),
        ({**JSON, "content-encoding": "zstd"}, b"[]", 415),
        ({**JSON, "content-encoding": "gzip"}, b"[]", 400),
        ({**JSON, "content-encoding": "gzip"}, gzip.compress(b"[]")[:-4], 400),
        (JSON, b"[" + b" " * 10 * 1024 * 1024 + b"]", 413),
        ({**JSON, "content-encoding": "gzip"}, gzip.compress(b"[" + b" " * 200 * 1024 * 1024 + b"]"), 413),
        ({**JSON, "content-encoding": "br"}, b"[]", 400),
        ({**JSON, "content-encoding": "br"}, brotli.compress(b"[]" + b" " * 999)[:-2], 400),
        ({**JSON, "content-encoding": "br"}, b"", 400),
        ({**JSON, "content-encoding": "br"}, brotli.compress(b"[]") + b"more", 400),
        ({**JSON, "content-encoding": "br"}, brotli.compress(b"[" + b" " * 200 * 1024 * 1024 + b"]", quality=1), 413),
    ],
    ids=[
        *("charset", "zstd", "not gzip", "cut", "too long", "bomb"),
        *("not br", "br cut", "br empty", "br and more", "br bomb"),
    ],
)
async def test_a_body_out_of_bounds_is_refused(
    erp: httpx.AsyncClient, headers: dict[str, str], content: bytes, status: int
) -> None:
    response = await erp.post(PATH, content=content, headers=headers)
    assert response.status_code == status
    assert set(response.json()) == {"error", "message"}


async def test_a_store_that_is_down_is_a_503_and_never_a_400(
    erp: httpx.AsyncClient, reception: Reception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A 400 would tell an ERP to give up, and what it transmitted would be lost."""

    async def fail(*_: object) -> Any:
        raise ReceptionUnavailable("disque plein")

    for call in ("record", "client_of_key"):
        with monkeypatch.context() as patch:
            patch.setattr(ReceptionStore, call, fail)
            response = await push(erp, item())
        assert (response.status_code, response.headers["retry-after"]) == (503, "5")
    assert (await push(erp, item())).status_code == 200


async def test_beyond_those_who_work_and_wait_an_erp_is_asked_to_come_back(
    erp: httpx.AsyncClient, reception: Reception, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, whole = asyncio.Event(), ReceptionStore.record

    async def hold(*arguments: Any) -> Any:
        await held.wait()
        return await whole(*arguments)

    monkeypatch.setattr(ReceptionStore, "record", hold)
    object.__setattr__(reception, "places", ReceptionSlots(worked_on=2, waiting=3))
    under_way = [asyncio.create_task(push(erp, item(id_erp_apprenant=rank))) for rank in range(5)]
    while reception.places._free:  # noqa: ASYNC110 - on a busy machine, one that came too early would wait for ever
        await asyncio.sleep(0.01)
    late = await push(erp, item())
    assert (late.status_code, late.headers["retry-after"], late.json()["error"]) == (503, "5", "Service Unavailable")
    held.set()
    assert [(await one).status_code for one in under_way] == [200] * 5
    assert (await push(erp, item())).status_code == 200


async def test_an_organisation_and_who_guesses_keys_have_a_rate(
    erp: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reception_http, "ALLOWED", Allowance("essai", 3))
    answers = [await push(erp) for _ in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert [one.headers["ratelimit-remaining"] for one in answers] == ["2", "1", "0", "0"]
    assert answers[-1].json() == {
        "error": "Too Many Requests",
        "message": "Trop de requêtes, veuillez réessayer plus tard.",
    }
    assert 0 < int(answers[-1].headers["retry-after"]) <= 60
    monkeypatch.setattr(reception_http, "GUESSES", Allowance("essai", 2))
    wrong = {"authorization": "Bearer devinee"}
    assert [(await erp.post(PATH, json=[], headers=wrong)).status_code for _ in range(3)] == [403, 403, 429]


async def test_nothing_of_what_is_sent_is_in_a_log_or_a_refusal(
    erp: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    canary = {"nom_apprenant": "Canarinois", "email_contact": "canari@", "tel_apprenant": "0700000000"}
    with caplog.at_level(logging.DEBUG, "gateway"):
        told = [await push(erp, item(**canary), path=f"{PATH}?nom=Canarinois")]
        told += [await erp.post(PATH, content=b'[{"nom_apprenant": "Canarinois"', headers=JSON)]
        told += [await erp.post(PATH, content=b'{"nom_apprenant": "Canarinois"}', headers=JSON)]
    assert not any(value in caplog.text for value in ("anarinois", "canari@", "0700000000", KEY))
    assert all("anarinois" not in response.text for response in told[1:])
    lines = told[0].json()["data"][0]["validation_errors"]
    assert not any(value in json.dumps(lines) for value in canary.values())


async def test_the_sites_of_a_cfa_are_transmitted_with_its_key(erp: httpx.AsyncClient, store: ReceptionStore) -> None:
    site = {"etablissement_formateur_uai": SITE_UAI, "etablissement_formateur_siret": "32012345600017"}
    assert not (await push(erp, item(**site))).json()["data"][0]["has_error"]
    assert len(await store.dossiers(SITE_UAI)) == 1

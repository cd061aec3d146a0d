"""`complet: true` is earned: what lacks of a list is proven, counted or told (docs/domaine.md, Complétude)."""

import json
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import httpx
import pytest
import respx

from gateway.auth.policy.policy import Perimetre, mends
from gateway.auth.policy.rules import Profil
from gateway.connectors import aimaira, gestibase, imilo, ypareo
from gateway.connectors.base import Connector
from gateway.connectors.table.dialect import Dialect
from gateway.connectors.table.engine import connector
from gateway.errors import SourceDenied, SourceInvalid
from gateway.schema.organisations import NatureDefaut
from gateway.sources.units import CacheStatus, Resource, Unit, UnitFailure, UnitResult
from tests.contract import test_connector_aimaira as of_aimaira
from tests.contract import test_connector_gestibase as of_gestibase
from tests.contract import test_connector_imilo as of_imilo
from tests.contract import test_connector_ypareo as of_ypareo
from tests.support.sources import UAI_A, SourcesHarness, partner, sources_harness, transport, unit

pytestmark = pytest.mark.anyio
STRUCTURE = Unit("erp", Resource.STRUCTURE, "01001")
Answer = Callable[[httpx.Request], httpx.Response]
Lines = Counter[tuple[NatureDefaut, str, str | None]]


async def read_with(
    connector: Connector, router: respx.MockRouter, answer: Answer, requested: Unit | None = None
) -> tuple[UnitResult | UnitFailure, SourcesHarness]:
    router.route().mock(side_effect=answer)
    configure = partner() if requested is None else partner(abonnes=None)
    named = replace(connector, genre="erp")
    async with sources_harness(transport(router), replace(configure, acces={}), named) as harness:
        (result,) = await harness.sources.read([requested or unit()], 5.0)
        return result, harness


def keys(result: UnitResult | UnitFailure) -> list[str]:
    assert isinstance(result, UnitResult), result
    return [record.key for record in result.records]


def message(result: UnitResult | UnitFailure) -> str:
    assert isinstance(result, UnitFailure), result
    assert result.error.source == "erp"
    return str(result.error)


def lines(harness: SourcesHarness) -> Lines:
    (source,) = harness.sources.states()
    (told,) = source.qualite or []
    return Counter({(line.nature, line.genre, line.champ): line.nombre for line in told.defauts})


# a. Pages.


def dossiers(*sizes: int, total: str = "") -> Answer:
    """A Mission locale whose pages have these sizes, whatever size is asked; nothing beyond."""

    def answer(request: httpx.Request) -> httpx.Response:
        rank = int(request.url.params["page"])
        start, size = sum(sizes[: rank - 1]), sizes[rank - 1] if rank <= len(sizes) else 0
        rows = [{**of_imilo.DOSSIER, "idDossier": key} for key in range(start, start + size)]
        return httpx.Response(200, json=rows, headers={"X-Total-Count": total} if total else {})

    return answer


@pytest.mark.parametrize("sizes", [(100, 100, 100, 100), (150, 149, 101), (1, 399), (400,)])
async def test_every_dossier_of_a_mission_locale_is_read_whatever_its_pages(
    router: respx.MockRouter, sizes: tuple[int, ...]
) -> None:
    """Asked for 150, a server gave 100: the others were lost, and nothing was said."""
    result, _ = await read_with(imilo.CONNECTOR, router, dossiers(*sizes), STRUCTURE)
    assert keys(result) == [str(key) for key in range(400)]


async def test_a_list_shorter_than_its_announced_total_is_an_error(router: respx.MockRouter) -> None:
    result, _ = await read_with(imilo.CONNECTOR, router, dossiers(120, total="250"), STRUCTURE)
    assert message(result) == "pages du partenaire invalides : 250 lignes annoncées, 120 reçues"


TABLE = """
chemin = "/apprentis"
lignes = "gens"
pages = { numero = "page", total = "total" }
jeune = { cle = "id", nom = "nom", prenom = "prenom", date_naissance = "ne_le" }
"""


def people(times: int, *pages: range) -> Answer:
    """A partner whose pages tell these people, each so many times, and as many in all as its first page has rows."""

    def answer(request: httpx.Request) -> httpx.Response:
        keys = (
            [key for key in pages[rank - 1] for _ in range(times)] if (rank := page_of(request)) <= len(pages) else []
        )
        rows = [{"id": key, "nom": f"LEBON{key}", "prenom": "Zoé", "ne_le": "2006-03-07"} for key in keys]
        return httpx.Response(200, json={"total": len(pages[0]) * times, "gens": rows})

    return answer


def page_of(request: httpx.Request) -> int:
    return int(request.url.params["page"])


async def test_a_total_reached_by_rows_told_twice_is_no_whole_list(router: respx.MockRouter) -> None:
    """Ten people twice each, of twenty: the second page was not asked, and half a list was everybody."""
    own = connector(Dialect.model_validate(tomllib.loads(TABLE)))
    result, _ = await read_with(own, router, people(2, range(10), range(10, 20)))
    assert message(result) == "pages du partenaire invalides : 20 lignes annoncées, 40 reçues"


async def test_a_row_that_a_whole_list_tells_twice_is_lost_to_nobody(router: respx.MockRouter) -> None:
    """The page asked beyond it is empty."""
    own = connector(Dialect.model_validate(tomllib.loads(TABLE)))
    result, _ = await read_with(own, router, people(2, range(10)))
    assert keys(result) == [str(key) for key in range(10)]


async def test_rows_told_twice_hide_none_behind_an_offset(router: respx.MockRouter) -> None:
    """Ten people twice each, of twenty: those of the tenth to the twentieth were gone beyond, and half a list was everybody."""
    own = connector(Dialect.model_validate(tomllib.loads(TABLE.replace("numero =", "decalage ="))))

    def answer(request: httpx.Request) -> httpx.Response:
        rank = int(request.url.params.get("page", 0)) // 10 + 1
        return people(2, range(10), range(10, 20))(httpx.Request("GET", f"https://x.invalid?page={rank}"))

    result, _ = await read_with(own, router, answer)
    assert message(result) == "pages du partenaire invalides : 20 lignes annoncées, 40 reçues"


async def test_a_page_given_again_under_another_date_is_no_whole_list(router: respx.MockRouter) -> None:
    """A partner that knows no page gives the first one for each: as many rows as announced, of half of the people."""
    own = connector(Dialect.model_validate(tomllib.loads(TABLE)))

    def answer(request: httpx.Request) -> httpx.Response:
        rows = [{"id": key, "nom": f"LEBON{key}", "prenom": "Zoé", "ne_le": "2006-03-07"} for key in range(10)]
        return httpx.Response(200, json={"total": 20, "gens": rows, "demande": page_of(request)})

    result, _ = await read_with(own, router, answer)
    assert message(result) == "pages du partenaire invalides : page répétée ou manquante"


def aimaira_of(people: int, page: Callable[[int, int], Mapping[str, Any]]) -> Answer:
    """A client of so many people; `page` says what a page of them adds, given how many are skipped and served."""

    def answer(request: httpx.Request) -> httpx.Response:
        entity = request.url.path.rpartition("/")[2]
        if entity != "Apprenant":
            return httpx.Response(200, json={"value": of_aimaira.ENTITIES[entity] if entity != "Convention" else []})
        skipped, top = int(request.url.params.get("$skip", 0)), min(200, int(request.url.params["$top"]))
        rows = [{**of_aimaira.APPRENANT, "Id": key} for key in range(1, people + 1)][skipped : skipped + top]
        return httpx.Response(200, json={"value": rows, **page(skipped, len(rows))})

    return answer


def without_sessions(answer: Answer) -> Answer:
    return lambda request: (
        httpx.Response(200, json={"value": []}) if request.url.path.endswith("/Inscription") else answer(request)
    )


async def test_a_count_that_is_not_reached_is_an_error(router: respx.MockRouter) -> None:
    answer = without_sessions(aimaira_of(150, lambda *_: {"@odata.count": 250}))
    result, _ = await read_with(aimaira.CONNECTOR, router, answer)
    assert message(result) == "pages du partenaire invalides : 250 lignes annoncées, 150 reçues"


async def test_a_page_cut_at_the_size_asked_has_others_behind_it(router: respx.MockRouter) -> None:
    """`$top` bounds the answer as well as the page: without link nor count, 200 of 450 were everybody."""
    result, _ = await read_with(aimaira.CONNECTOR, router, without_sessions(aimaira_of(450, lambda *_: {})))
    assert len(keys(result)) == 450


# b. Rows wider than their header.


def csv_of(*rows: Mapping[str, Any], spoil: Callable[[str], str] = str) -> Answer:
    names = list(of_gestibase.ROW)
    total = {**dict.fromkeys(names, ""), "Elève ID": "TOTAL", "Elève nom": str(len(rows))}
    written = [";".join(str(row[name]) for name in names) for row in (*rows, total)]
    body = "\n".join([";".join(names), *map(spoil, written)]).encode("iso-8859-15", "replace")
    return lambda _: httpx.Response(200, content=body)


async def test_a_row_wider_than_its_header_is_set_aside_and_counted(router: respx.MockRouter) -> None:
    """An unquoted separator in a phone moved all that followed: an e-mail for a street, the contract and its rupture gone."""
    other = {**of_gestibase.ROW, "Elève ID": "E2", "Portable 1": "0639980003;0639980004"}
    result, harness = await read_with(gestibase.CONNECTOR, router, csv_of(of_gestibase.ROW, other))
    assert keys(result) == ["E000123"]
    assert lines(harness)[NatureDefaut.DERIVE, "colonnes_en_trop", None] == 1
    assert harness.counter("passerelle_rejets", partenaire="erp", ressource="cfa") == 1


async def test_a_shifted_row_whose_last_cell_is_empty_is_set_aside_too(router: respx.MockRouter) -> None:
    other = {**of_gestibase.ROW, "Elève ID": "E2", "Portable 1": "0639980003;0639980004", "Modifié le": ""}
    result, _ = await read_with(gestibase.CONNECTOR, router, csv_of(of_gestibase.ROW, other))
    assert keys(result) == ["E000123"]


async def test_a_separator_that_ends_every_row_moves_nothing(router: respx.MockRouter) -> None:
    def ended(row: str) -> str:
        return f"{row};"

    result, harness = await read_with(gestibase.CONNECTOR, router, csv_of(of_gestibase.ROW, spoil=ended))
    assert keys(result) == ["E000123"]
    assert harness.counter("passerelle_rejets", partenaire="erp", ressource="cfa") == 0


# d. Children without their parent.


def ypareo_of(apprenants: list[Any], contrats: list[Any]) -> Answer:
    tables = {**of_ypareo.TABLES, "apprenants": apprenants, "contrats": contrats}
    return lambda request: httpx.Response(200, json=tables[request.url.path.rpartition("/")[2]])


@pytest.mark.parametrize(("of_person", "of_contract"), [("0123", 123), (123, "00123"), ("A12", "A12")])
async def test_codes_are_compared_as_the_numbers_that_they_are(
    router: respx.MockRouter, of_person: object, of_contract: object
) -> None:
    """A list that keeps a zero and another that loses it: every contract of the CFA was dropped."""
    answer = ypareo_of(
        [{**of_ypareo.APPRENANT, "codeApprenant": of_person}], [{**of_ypareo.CONTRAT, "codeApprenant": of_contract}]
    )
    result, harness = await read_with(ypareo.CONNECTOR, router, answer)
    assert isinstance(result, UnitResult)
    assert [len(record.jeune.contrats or ()) for record in result.records] == [1]
    assert lines(harness)[NatureDefaut.ORPHELINE, "parent_absent", "codeApprenant"] == 0


async def test_contracts_of_nobody_are_counted(router: respx.MockRouter) -> None:
    answer = ypareo_of(
        [of_ypareo.APPRENANT], [of_ypareo.CONTRAT, {**of_ypareo.CONTRAT, "codeApprenant": 9, "codeContrat": 9}]
    )
    result, harness = await read_with(ypareo.CONNECTOR, router, answer)
    assert len(keys(result)) == 1
    assert lines(harness)[NatureDefaut.ORPHELINE, "parent_absent", "codeApprenant"] == 1
    labels = {"partenaire": "erp", "ressource": "cfa", "nature": "ORPHELINE", "champ": "codeApprenant"}
    assert harness.counter("passerelle_defauts", **labels) == 1


async def test_a_reading_most_of_whose_contracts_are_of_nobody_fails(router: respx.MockRouter) -> None:
    contrats = [{**of_ypareo.CONTRAT, "codeApprenant": 90 + key, "codeContrat": key} for key in range(4)]
    result, _ = await read_with(ypareo.CONNECTOR, router, ypareo_of([of_ypareo.APPRENANT], contrats))
    assert type(result) is UnitFailure
    assert type(result.error) is SourceInvalid


def entities_of(**changed: list[Any]) -> Answer:
    entities = {**of_aimaira.ENTITIES, **changed}
    return lambda request: httpx.Response(200, json={"value": entities[request.url.path.rpartition("/")[2]]})


async def test_an_amendment_finds_its_original_by_number_and_is_counted_without(router: respx.MockRouter) -> None:
    found = {**of_aimaira.AVENANT, "ConventionOrigineId": "005"}
    lost = {**of_aimaira.AVENANT, "Id": 7, "ConventionOrigineId": 99}
    answer = entities_of(Convention=[of_aimaira.CONVENTION, found, lost])
    result, harness = await read_with(aimaira.CONNECTOR, router, answer)
    assert isinstance(result, UnitResult)
    (contrat,) = result.records[0].jeune.contrats or []
    assert contrat.date_fin is not None
    assert contrat.date_fin.isoformat() == "2026-12-31"
    assert lines(harness)[NatureDefaut.ORPHELINE, "parent_absent", "Convention.ConventionOrigineId"] == 1


# e. Keys that come twice.


def named(key: object, name: str) -> dict[str, Any]:
    return {**of_imilo.DOSSIER, "idDossier": key, "nomNaissance": name}


def one_page(rows: list[Any]) -> Answer:
    return lambda request: httpx.Response(200, json=rows if request.url.params["page"] == "1" else [])


def letters(rank: int) -> str:
    return "".join("ABCDEFGHIJ"[int(digit)] for digit in f"{rank:04}") * 2


async def test_dossiers_that_share_one_key_are_a_failed_reading(router: respx.MockRouter) -> None:
    """542 read, 1 kept, and nothing was said."""
    rows = [named(7, letters(rank)) for rank in range(542)]
    result, _ = await read_with(imilo.CONNECTOR, router, one_page(rows), STRUCTURE)
    assert type(result) is UnitFailure
    assert (type(result.error), result.error.source, result.fallback) == (SourceInvalid, "erp", None)


async def test_a_share_of_shared_keys_is_a_failed_reading(router: respx.MockRouter) -> None:
    rows = [named(rank, letters(rank)) for rank in range(40)] + [named(99, letters(90 + rank)) for rank in range(8)]
    result, _ = await read_with(imilo.CONNECTOR, router, one_page(rows), STRUCTURE)
    assert message(result) == "trop de dossiers du partenaire ont la clé d'un autre"


async def test_a_row_told_twice_is_one_and_counted(router: respx.MockRouter) -> None:
    rows = [named(rank, letters(rank)) for rank in range(40)]
    result, harness = await read_with(imilo.CONNECTOR, router, one_page([*rows, *rows]), STRUCTURE)
    assert len(keys(result)) == 40
    assert lines(harness)[NatureDefaut.DOUBLON, "cle", None] == 40


# f. What is secondary.


def refusing(*entities: str, statut: int = 403) -> tuple[Answer, Counter[str]]:
    asked: Counter[str] = Counter()

    def answer(request: httpx.Request) -> httpx.Response:
        entity = request.url.path.rpartition("/")[2]
        asked[entity] += 1
        return httpx.Response(statut) if entity in entities else entities_of()(request)

    return answer, asked


@pytest.mark.parametrize("statut", [401, 403, 404])
async def test_refused_contacts_lack_with_an_error_and_the_rest_is_there(router: respx.MockRouter, statut: int) -> None:
    """One entity refused lost the whole CFA."""
    answer, asked = refusing("Mail", "Mobile", statut=statut)
    router.route().mock(side_effect=answer)
    configure = partner(acces={})
    async with sources_harness(transport(router), configure, replace(aimaira.CONNECTOR, genre="erp")) as harness:
        caches = list[CacheStatus]()
        for _ in range(2):  # asked once: what a partner refuses, it refuses again
            (result,) = await harness.sources.read([unit()], 5.0)
            assert isinstance(result, UnitFailure)
            assert isinstance(result.error, SourceDenied)
            assert str(result.error) == "le partenaire refuse Mail, Mobile ; le reste est là"
            assert result.fallback is not None
            (record,) = result.fallback.records
            caches.append(result.fallback.cache)
            assert (record.jeune.telephone, record.jeune.courriel, len(record.jeune.contrats or ())) == (None, None, 1)
        assert (caches, asked["Apprenant"]) == ([CacheStatus.MISSED, CacheStatus.HIT], 1)


async def test_contacts_that_fail_for_a_moment_are_not_kept_away(router: respx.MockRouter) -> None:
    answer, asked = refusing("Mail", statut=500)
    router.route().mock(side_effect=answer)
    async with sources_harness(
        transport(router), partner(acces={}), replace(aimaira.CONNECTOR, genre="erp")
    ) as harness:
        for _ in range(2):
            (result,) = await harness.sources.read([unit()], 5.0)
            assert isinstance(result, UnitFailure)
            assert result.fallback is not None
            assert [record.key for record in result.fallback.records] == ["12"]
        assert asked["Apprenant"] == 2


@pytest.mark.parametrize("entity", ["Apprenant", "Inscription", "Convention", "Etablissement", "Programme"])
async def test_without_who_and_when_nothing_is_there(router: respx.MockRouter, entity: str) -> None:
    answer, _ = refusing(entity)
    result, _ = await read_with(aimaira.CONNECTOR, router, answer)
    assert isinstance(result, UnitFailure)
    assert result.fallback is None


# What is to be mended is told to who can mend it.


async def test_quality_is_by_field_in_the_partner_s_words_and_holds_no_value(router: respx.MockRouter) -> None:
    row = {**of_gestibase.ROW, "Sexe": "X", "CFA UAI": "", "Elève code postal": "canari", "INE": "canari"}
    result, harness = await read_with(gestibase.CONNECTOR, router, csv_of(row))
    assert keys(result) == ["E000123"]
    told = lines(harness)
    assert told[NatureDefaut.DERIVE, "code_inconnu", "Sexe"] == 1
    assert told[NatureDefaut.ECARTEE, "valeur", "Elève code postal"] == 1
    assert told[NatureDefaut.ECARTEE, "valeur", "INE"] == 1
    (source,) = harness.sources.states()
    (quality,) = source.qualite or []
    assert (quality.etablissement, quality.dossiers) == (UAI_A, 1)
    assert "canari" not in json.dumps([[line.genre, line.champ] for line in quality.defauts])


@pytest.mark.parametrize(
    ("perimetre", "establishments"),
    [
        (Perimetre(Profil.ADMINISTRATEUR, ""), ["0590001F", "0590002G", "59010", None]),
        (Perimetre(Profil.CFA, "0590001F", frozenset({"0590001F"})), ["0590001F"]),
        (Perimetre(Profil.MISSION_LOCALE, "59010"), ["59010"]),
        (Perimetre(Profil.TETE_DE_RESEAU, "CMA", frozenset({"0590001F"})), []),
        (Perimetre(Profil.DREETS, "32"), []),
    ],
)
def test_quality_is_for_who_can_mend_it(perimetre: Perimetre, establishments: list[str | None]) -> None:
    everyone = ["0590001F", "0590002G", "59010", None]
    assert [one for one in everyone if mends(perimetre, one)] == establishments

"""What an ERP's support reads of what it transmitted: counts and lines, never a value; by the graph and by a page."""

from datetime import date, timedelta
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest

from gateway.errors import InvalidCursor, InvalidRequest
from gateway.reception.report import TransmissionReport, report_of
from gateway.stores.receptions import ReceptionStore
from tests.reception.conftest import KEY
from tests.reception.test_store import push
from tests.support.reception.facts import UAI, item
from tests.support.reception.world import NOW, STRANGER_SIRET, STRANGER_UAI

pytestmark = pytest.mark.anyio
DAY = timedelta(days=1)
TODAY = date(2026, 10, 15)
PATH = "/api/v3/dossiers-apprenants"
STRANGER = {"etablissement_formateur_uai": "0990009Z", "etablissement_formateur_siret": "11111111111111"}


async def reported(store: ReceptionStore, today: date = TODAY, organisme: str = UAI) -> TransmissionReport:
    return await report_of(store, organisme, today)


async def test_days_are_told_the_last_first_with_all_their_bodies(store: ReceptionStore) -> None:
    await push(store, item(), at=NOW - DAY)
    for _ in range(3):
        await push(store, item(), item(id_erp_apprenant="E-2", email_contact="x"))
    await push(store, item(id_erp_apprenant="E-3", nom_apprenant=None))
    days = (await reported(store)).days
    assert [(d.jour, d.recus, d.acceptes, d.partiels, d.rejetes, d.rejoues) for d in days] == [
        (TODAY, 3, 1, 1, 1, 2),
        (TODAY - DAY, 1, 1, 0, 0, 0),
    ]
    assert [(line.id_erp, line.annee_scolaire, line.champs, line.message) for line in days[0].lines] == [
        ("E-2", "2026-2027", ["email_contact"], "Email non valide"),
        ("E-3", "2026-2027", ["nom_apprenant"], "String attendu"),
    ]


async def test_what_is_to_be_mended_is_counted_by_dossier(store: ReceptionStore) -> None:
    """The same dossier, sent each night with the same fault, is one to mend."""
    wrong = [item(id_erp_apprenant=f"E-{n}", email_contact="x") for n in range(3)]
    for night in range(4):
        await push(store, *wrong, item(id_erp_apprenant="E-9", **STRANGER), at=NOW - night * DAY)
    messages = (await reported(store)).messages
    assert [(one.message, one.champs, one.dossiers) for one in messages] == [
        ("Email non valide", ["email_contact"], 3),
        (
            "organisme formateur non trouvé",
            ["etablissement_formateur_uai", "etablissement_formateur_siret"],
            1,
        ),
    ]


async def test_lines_are_forgotten_after_fifteen_days_and_counts_are_not(store: ReceptionStore) -> None:
    await push(store, item(email_contact="x"))
    report = await reported(store, TODAY + 16 * DAY)
    assert ([day.recus for day in report.days], list(report.days[0].lines), list(report.messages)) == ([1], [], [])


async def test_another_organisation_reads_nothing_of_it(store: ReceptionStore) -> None:
    await push(store, item(email_contact="x"))
    assert await reported(store, organisme=STRANGER_UAI) == TransmissionReport([], [])


async def test_pages_follow_each_other_and_a_cursor_outlives_its_day(store: ReceptionStore) -> None:
    for night in range(5):
        await push(store, item(), at=NOW - night * DAY)
    report = await reported(store)
    first = report.page(2, None)
    assert ([node.jour.day for node in first.nodes], first.total_count) == ([15, 14], 5)
    assert (first.page_info.has_next_page, first.page_info.has_previous_page) == (True, False)
    second = report.page(2, first.page_info.end_cursor)
    assert [node.jour.day for node in second.nodes] == [13, 12]
    last = report.page(2, second.page_info.end_cursor)
    assert ([node.jour.day for node in last.nodes], last.page_info.has_next_page) == ([11], False)
    without = TransmissionReport([day for day in report.days if day.jour.day != 14], [])
    assert [node.jour.day for node in without.page(2, first.page_info.end_cursor).nodes] == [13, 12]
    assert report.page(0, None).page_info.end_cursor is None
    for wrong in ("x", "Zm9v", ""):
        with pytest.raises(InvalidCursor):
            report.page(2, wrong)
    for size in (-1, 501):
        with pytest.raises(InvalidRequest):
            report.page(size, None)


class Rows(HTMLParser):
    """The rows of the tables of a page, as texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.is_inside = False
        self.forms: list[dict[str, str | None]] = []
        self.inputs: list[dict[str, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in {"td", "th"}:
            self.rows[-1].append("")
            self.is_inside = True
        elif tag == "form":
            self.forms.append(dict(attrs))
        elif tag == "input":
            self.inputs.append(dict(attrs))
        assert tag not in {"script", "img", "iframe"}

    def handle_endtag(self, tag: str) -> None:
        self.is_inside = self.is_inside and tag not in {"td", "th"}

    def handle_data(self, data: str) -> None:
        if self.is_inside:
            self.rows[-1][-1] += data


async def ask(erp: httpx.AsyncClient, key: str, **headers: str) -> httpx.Response:
    return await erp.post("/transmissions", data={"cle": key}, headers=headers)


async def test_the_form_gives_the_key_in_a_body_and_the_page_runs_nothing(erp: httpx.AsyncClient) -> None:
    page = await erp.get("/transmissions")
    assert page.headers["content-security-policy"] == (
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
    (form,) = Rows(page.text).forms
    assert (form["method"], form["action"]) == ("post", "/transmissions")
    (key,) = Rows(page.text).inputs
    assert (key["type"], key["name"], key["autocomplete"]) == ("password", "cle", "off")


async def test_the_page_tells_what_to_mend_and_no_value(erp: httpx.AsyncClient) -> None:
    canary = "canari<b>@"
    await erp.post(PATH, json=[item(), item(id_erp_apprenant="<i>7", email_contact=canary)])
    page = await ask(erp, KEY)
    assert page.status_code == 200
    rows = Rows(page.text).rows
    assert ["Email non valide", "email_contact", "1", "Corriger l'adresse, ou laisser vide."] in rows
    assert ["15/10/2026", "2", "1", "1", "0", "0"] in rows
    assert ["15/10/2026", "<i>7", "2026-2027", "email_contact", "Email non valide"] in rows
    assert "Établissement <strong>0600001A</strong>" in page.text
    for absent in ("canari", KEY, "Gaston", "Lenôtre", "LENÔTRE"):
        assert absent not in page.text


async def test_a_key_that_has_sent_nothing_says_so(erp: httpx.AsyncClient) -> None:
    assert "Rien n'a encore été reçu de ce logiciel." in (await ask(erp, KEY)).text


@pytest.mark.parametrize(
    ("key", "told"),
    [("", "Clé API manquante"), ("autre", "La clé API n'est pas valide"), ("é" * 40, "La clé API n'est pas valide")],
)
async def test_a_wrong_key_is_told_on_the_page_and_reads_nothing(erp: httpx.AsyncClient, key: str, told: str) -> None:
    await erp.post(PATH, json=[item(email_contact="x")])
    page = await ask(erp, key, authorization=f"Bearer {KEY}")  # the key is the form's: no other speaks for it
    assert page.status_code == 403
    assert told.replace("'", "&#x27;") in page.text
    assert Rows(page.text).rows == []


async def test_guesses_are_counted_with_those_of_the_route(erp: httpx.AsyncClient) -> None:
    statuses = [(await ask(erp, f"clé fausse {n}")).status_code for n in range(302)]
    assert statuses == [403] * 300 + [429] * 2
    assert (await erp.post(PATH, json=[])).status_code == 429


async def test_a_form_that_is_too_long_is_refused(erp: httpx.AsyncClient) -> None:
    assert (await ask(erp, "x" * 5000)).status_code == 413


async def test_a_foreign_dossier_is_told_to_whoever_sent_it_alone(erp: httpx.AsyncClient) -> None:
    foreign: dict[str, Any] = {
        "etablissement_formateur_uai": STRANGER_UAI,
        "etablissement_formateur_siret": STRANGER_SIRET,
    }
    await erp.post(PATH, json=[item(**foreign)])
    page = (await ask(erp, KEY)).text
    assert "organisme formateur non rattaché à cette clé" in page
    assert "Employer la clé de cet établissement, ou celle de son responsable." in page.replace("&#x27;", "'")

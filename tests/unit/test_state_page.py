"""The page of state tells everybody how the service is, and nothing that would tell who asks whom; its operator is told more."""

import logging
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from gateway.cli.check import mistakes
from gateway.schema.organisations import EtatSource, ModeSource, Source, TypeSource
from gateway.state_settings import StateSettings
from gateway.web.incidents import REREAD_AFTER, Incidents
from gateway.web.public_state import VALIDITY, PublicSystem, StateBoard, public_systems
from gateway.web.state_page import state_links, state_route_in_detail, state_routes

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 30, 13, 32, tzinfo=UTC)
ERP, ML = TypeSource.ERP_CFA, TypeSource.MISSION_LOCALE
UP, SLOW, DOWN, CLOSED = (
    EtatSource.DISPONIBLE,
    EtatSource.DEGRADEE,
    EtatSource.INDISPONIBLE,
    EtatSource.FERMEE,
)


def source(
    nom: str,
    type_: TypeSource,
    etat: EtatSource = UP,
    age: int | None = 60,
    mode: ModeSource = ModeSource.INTERROGATION,
) -> Source:
    return Source(
        nom=nom,
        type=type_,
        mode=mode,
        etat=etat,
        derniere_reponse=None if age is None else NOW - timedelta(seconds=age),
        fraicheur_secondes=age,
        latence_ms=412.5,
        taux_erreur=0.25,
        qualite=[],
    )


class StateHarness:
    """A board over sources that the test changes, and the clock it turns."""

    def __init__(self, folder: Path, page: bool = True) -> None:
        self.sources: list[Source] = [source("imilo", ML), source("erp-secret", ERP)]
        self.file, self.serves, self.seconds, self.looks = folder / "incidents.toml", True, 100.0, 0
        settings = StateSettings(page=page, libelles={"imilo": "i-milo <ML>"})
        incidents = Incidents(self.file, lambda: self.seconds)
        self.board = StateBoard(settings, self._states, incidents, self._serves, (lambda: NOW, lambda: self.seconds))

    def _states(self) -> Sequence[Source]:
        self.looks += 1
        return self.sources

    async def _serves(self) -> bool:
        return self.serves

    async def get(self, path: str = "/etat") -> httpx.Response:
        app = Starlette(routes=[*state_routes(self.board), state_route_in_detail(self.board)])
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://passerelle.invalid"
        ) as client:
            return await client.get(path)

    async def later(self) -> str:
        self.seconds += max(VALIDITY, REREAD_AFTER) + 0.1
        return (await self.get()).text


@pytest.fixture
def harness(tmp_path: Path) -> StateHarness:
    return StateHarness(tmp_path)


@pytest.mark.parametrize(
    ("sources", "told"),
    [
        ([source("a", ERP)], PublicSystem("Logiciels des CFA", "Répond", "moins de 5 minutes", None, False)),
        ([source("a", ERP, age=None)], PublicSystem("Logiciels des CFA", "Pas encore interrogé", None, None, False)),
        (
            [source("a", ERP), source("b", ERP, DOWN, 7200), source("c", ERP, SLOW)],
            PublicSystem(
                "Logiciels des CFA",
                "Ne répond pas : 1 sur 3",
                "moins d’un jour",
                "Des formations et des ruptures récentes peuvent manquer aux réponses.",
                True,
            ),
        ),
        (
            [source("a", ERP), source("b", ERP, age=7200)],
            PublicSystem("Logiciels des CFA", "Tous répondent", "moins d’un jour", None, False),
        ),
        (
            [source("registre", TypeSource.REGISTRE_CONTRATS, CLOSED, 90_000, ModeSource.MOISSON)],
            PublicSystem(
                "Registre des contrats",
                "Fermé à cette heure, comme prévu",
                "1 jour",
                "La copie relevée la nuit répond à sa place.",
                False,
            ),
        ),
        (
            [source("transmissions", ERP, SLOW, 300_000, ModeSource.RECEPTION)],
            PublicSystem(
                "Envois des logiciels des CFA",
                "Répond en partie, ou lentement",
                "3 jours",
                "Des formations et des ruptures récentes peuvent manquer aux réponses.",
                True,
            ),
        ),
        (
            [source("imilo", ML, DOWN, 299)],
            PublicSystem(
                "i-milo", "Ne répond pas", "moins de 5 minutes", "Des suivis peuvent manquer aux réponses.", True
            ),
        ),
    ],
)
async def test_a_system_is_told_in_a_state_and_a_step_of_age(sources: list[Source], told: PublicSystem) -> None:
    assert list(public_systems(sources, {"imilo": "i-milo"})) == [told]


@pytest.mark.parametrize(
    ("age", "told"),
    [(0, "moins de 5 minutes"), (299, "moins de 5 minutes"), (300, "moins d’une heure"), (3599, "moins d’une heure"),
     (3600, "moins d’un jour"), (86_399, "moins d’un jour"), (86_400, "1 jour"), (172_800, "2 jours")],
)  # fmt: skip
async def test_two_readings_within_a_step_are_told_alike(age: int, told: str) -> None:
    assert [one.age for one in public_systems([source("a", ERP, age=age)], {})] == [told]


async def test_the_page_names_no_partner_without_a_public_name_and_no_figure(harness: StateHarness) -> None:
    page = (await harness.get()).text
    assert "i-milo &lt;ML&gt;" in page
    assert "Logiciels des CFA" in page
    for secret in ("imilo", "erp-secret", "412", "0.25", "25", "13:31", "14h31"):
        assert secret not in page.replace("i-milo", ""), secret
    assert "Le service répond, et tous les systèmes partenaires avec lui." in page
    assert "Le 30/11/2026 à 14h32, heure de Paris." in page


async def test_the_operator_is_told_the_figures_whether_the_page_is_open_or_not(tmp_path: Path) -> None:
    harness = StateHarness(tmp_path, page=False)
    assert (await harness.get()).status_code == 404
    assert state_links(harness.board) == []
    told = (await harness.get("/etat.json")).json()
    assert told == {
        "instant": "2026-11-30T13:32:00Z",
        "sert": True,
        "sources": [
            {"nom": "imilo", "libelle": "i-milo <ML>", "type": "MISSION_LOCALE", "mode": "INTERROGATION",
             "etat": "DISPONIBLE", "derniereReponse": "2026-11-30T13:31:00Z", "fraicheurSecondes": 60, "latenceMs": 412.5,
             "tauxErreur": 0.25},
            {"nom": "erp-secret", "libelle": None, "type": "ERP_CFA", "mode": "INTERROGATION", "etat": "DISPONIBLE",
             "derniereReponse": "2026-11-30T13:31:00Z", "fraicheurSecondes": 60, "latenceMs": 412.5, "tauxErreur": 0.25},
        ],
        "incidents": [],
    }  # fmt: skip


async def test_what_goes_wrong_is_said_in_a_sentence_of_the_page(harness: StateHarness) -> None:
    harness.sources[0] = source("imilo", ML, DOWN, 7200)
    page = (await harness.get()).text
    assert "Le service répond. Des réponses peuvent être partielles : i-milo &lt;ML&gt;." in page
    assert "<strong>Ne répond pas.</strong> Données d’il y a moins d’un jour." in page
    harness.serves = False
    assert "Le service est interrompu : aucune requête n’est servie en ce moment." in await harness.later()


async def test_however_many_ask_the_sources_are_looked_at_once_in_ten_seconds(harness: StateHarness) -> None:
    for _ in range(20):
        await harness.get()
    assert harness.looks == 1
    await harness.later()
    assert harness.looks == 2


INCIDENTS = """
[[incidents]]
titre = "i-milo <lent>"
texte = "Nous cherchons.\\n\\nRien n'est perdu."
debut = 2026-11-30T09:00:00+01:00

[[incidents]]
titre = "Coupure prévue"
debut = 2026-12-02T22:00:00+01:00
fin = 2026-12-03T02:00:00+01:00

[[incidents]]
titre = "Fini hier"
debut = 2026-11-29T09:00:00+01:00
fin = 2026-11-29T10:00:00+01:00

[[incidents]]
titre = "Fini il y a huit jours"
debut = 2026-11-22T09:00:00+01:00
fin = 2026-11-22T10:00:00+01:00
"""


async def test_incidents_are_told_as_they_are_written_while_the_gateway_serves(harness: StateHarness) -> None:
    assert "Incidents" not in (await harness.get()).text
    harness.file.write_text(INCIDENTS, encoding="utf-8")
    page = await harness.later()
    assert [
        page.index(title) for title in ("en cours", "i-milo &lt;lent&gt;", "prévues", "Coupure", "terminés")
    ] == sorted(page.index(title) for title in ("en cours", "i-milo &lt;lent&gt;", "prévues", "Coupure", "terminés"))
    assert "<p>Nous cherchons.</p><p>Rien n&#x27;est perdu.</p>" in page
    assert "Du 02/12/2026 à 22h00, jusqu’au 03/12/2026 à 02h00." in page
    assert "Fini hier" in page
    assert "huit jours" not in page


async def test_a_file_of_incidents_that_does_not_read_leaves_the_last_good_one(
    harness: StateHarness, caplog: pytest.LogCaptureFixture
) -> None:
    harness.file.write_text(INCIDENTS, encoding="utf-8")
    await harness.later()
    harness.file.write_text("[[incidents]]\ntitre = 'x'\n", encoding="utf-8")
    os.utime(harness.file, (1, 1))
    with caplog.at_level(logging.ERROR, logger="gateway.etat"):
        assert "i-milo &lt;lent&gt;" in await harness.later()
        await harness.later()
    assert [record.getMessage() for record in caplog.records] == [
        f"incidents inchangés : {harness.file} : ligne 1 : incidents.0.debut : clé absente"
    ]


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ('[[incidents]]\ntitre = "x"\ndebut = 2026-11-30T09:00:00\n', "incidents.0.debut"),
        ('[[incidents]]\ntitre = ""\ndebut = 2026-11-30T09:00:00Z\n', "incidents.0.titre"),
        ('[[incidents]]\ntitre = "x"\ndebut = 2026-11-30T09:00:00Z\nfin = 2026-11-29T09:00:00Z\n', "avant le début"),
        ('[[incident]]\ntitre = "x"\n', "incident : clé inconnue"),
    ],
)
async def test_config_check_tells_what_is_wrong_in_the_file_of_incidents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str, told: str
) -> None:
    (tmp_path / "incidents.toml").write_text(written, encoding="utf-8")
    monkeypatch.setenv("GATEWAY_CONFIG", str(tmp_path))
    assert [line for line in mistakes() if "incidents.toml" in line and told in line]


class PageReader(HTMLParser):
    """The tags and the addresses of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


async def test_the_page_has_no_script_no_inline_style_and_nothing_from_elsewhere(harness: StateHarness) -> None:
    harness.file.write_text(INCIDENTS, encoding="utf-8")
    response = await harness.get()
    assert response.headers["content-security-policy"] == (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert response.headers["cache-control"] == "no-cache"
    reader = PageReader()
    reader.feed(response.text)
    assert {"script", "style", "iframe", "img", "form"}.isdisjoint(reader.tags)
    assert [name for name, _ in reader.attributes if name == "style" or name.startswith("on")] == []
    assert {value for name, value in reader.attributes if name == "href"} == {
        "/",
        "#contenu",
        "/statistiques/style.css",
    }

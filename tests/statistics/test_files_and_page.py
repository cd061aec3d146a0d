"""Files and the public page tell what the graph tells, to whom it tells it: the same figures, the same refusals, no script."""

import csv
import io
import re
from collections.abc import AsyncIterator
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from gateway.app import _error_response
from gateway.auth.authentication.clients import Viewer
from gateway.config import HttpSettings
from gateway.edge import figures_http
from gateway.edge.figures_http import FiguresDeps, export_route, refused_file
from gateway.edge.graphql_http import JSON
from gateway.edge.refusals import EXCEPTION_HANDLERS
from gateway.errors import ConfigurationError, TokenFault, Unauthenticated
from gateway.statistiques.file_request import variables_of_page
from gateway.statistiques.public_figures import PublicFigures
from gateway.stores.quota_counters import RateLimits
from gateway.web.statistics_page import page_routes, read_sheet
from tests.support.access.small_world import caller
from tests.support.published_world import PublishedWorld, blocks, draw_counts, published_world

pytestmark = pytest.mark.anyio

LOTS = draw_counts(Random(31))
CALLERS = {
    "stat": caller("STATISTIQUES", ""),
    "reseau": caller("TETE_DE_RESEAU", "mfr"),
    "admin": caller("ADMINISTRATEUR", ""),
}
FIGURES = "apprentis rupturants contratsCommences ruptures tauxRupture3Mois partAvantRegistre masques provisoire"


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PublishedWorld]:
    async with published_world(tmp_path_factory.mktemp("blocs"), LOTS, blocks(LOTS)) as world:
        yield world


async def _viewer(request: Request) -> Viewer:
    name = request.headers.get("authorization", "").removeprefix("Bearer ")
    if name not in CALLERS:
        raise Unauthenticated(TokenFault.ABSENT)
    return CALLERS[name]


def site(world: PublishedWorld, is_open: bool = True) -> httpx.AsyncClient:
    """The routes of figures over a world, the public page opened or not."""
    gateway = world.world.gateway
    public = PublicFigures(world.published, lambda: gateway.statistics.known(gateway.directory()), RateLimits())
    deps = FiguresDeps(
        gateway=gateway,
        viewer=_viewer,
        failed=lambda error, one: refused_file(error, one) or _error_response(error, one, JSON),
        told=lambda _trace, _viewer, _response, rendered: rendered,
        public=public if is_open else None,
    )
    routes = [*page_routes(public, is_open, HttpSettings(graphiql=True)), export_route(deps)]
    app = Starlette(routes=routes, exception_handlers=EXCEPTION_HANDLERS)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://passerelle.invalid")


async def fetch(world: PublishedWorld, path: str, who: str | None = None, is_open: bool = True) -> httpx.Response:
    async with site(world, is_open) as client:
        return await client.get(path, headers={"authorization": f"Bearer {who}"} if who else {})


async def lines_of(world: PublishedWorld, who: str, dimensions: str) -> list[dict[str, Any]]:
    text = f"{{ statistiques(dimensions: [{dimensions}]) {{ lignes {{ dimensions {{ code }} {FIGURES} }} }} }}"
    told = (await world.ask(CALLERS[who], text))["data"]["statistiques"]["lignes"]
    return [line | {"codes": tuple(value["code"] for value in line["dimensions"])} for line in told]


CASES = [("stat", "REGION"), ("stat", "DEPARTEMENT,NIVEAU"), ("stat", "MOIS"), ("reseau", "CFA,MOIS")]


@pytest.mark.parametrize(("who", "dimensions"), CASES)
async def test_a_csv_tells_the_lines_of_the_graph(world: PublishedWorld, who: str, dimensions: str) -> None:
    response = await fetch(world, f"/statistiques/export.csv?dimensions={dimensions}", who)
    assert (response.status_code, response.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    assert "cache-control" not in response.headers  # the gateway's own is no-store
    rows = list(csv.DictReader(io.StringIO(response.text, newline="")))
    told = await lines_of(world, who, dimensions)
    assert [tuple(row[name] for name in dimensions.split(",")) for row in rows] == [line["codes"] for line in told]
    for row, line in zip(rows, told, strict=True):
        for name in FIGURES.split()[:-2]:
            assert row.get(name, "") == ("" if line[name] is None else str(line[name])), name
        assert row["masques"] == " ".join(line["masques"])
        assert (row["etatAu"], row["releveDu"]) == ("2026-10-15", "2026-10-15T02:00:00Z")


@pytest.mark.parametrize(("who", "dimensions"), CASES)
async def test_json_stat_and_sdmx_tell_the_same(world: PublishedWorld, who: str, dimensions: str) -> None:
    document = (await fetch(world, f"/statistiques/export.json?dimensions={dimensions}", who)).json()
    assert (document["version"], document["class"]) == ("2.0", "dataset")
    assert document["id"] == [*dimensions.split(","), "INDICATEUR"]
    assert document["size"] == [len(document["dimension"][name]["category"]["index"]) for name in document["id"]]
    text = (await fetch(world, f"/statistiques/export.sdmx.csv?dimensions={dimensions}", who)).text
    observed = list(csv.DictReader(io.StringIO(text, newline="")))
    for line in await lines_of(world, who, dimensions):
        named = dict(zip(dimensions.split(","), line["codes"], strict=True))
        for name in FIGURES.split()[:-2]:
            rank = 0
            axes = {**named, "INDICATEUR": name}
            if name not in document["dimension"]["INDICATEUR"]["category"]["index"]:
                continue
            for axis, size in zip(document["id"], document["size"], strict=True):
                rank = rank * size + document["dimension"][axis]["category"]["index"].index(axes[axis])
            if line[name] is None and name not in line["masques"]:
                assert str(rank) not in document["value"]
                continue
            assert document["value"][str(rank)] == line[name]
            assert (document["status"].get(str(rank)) == "C") is (line[name] is None)
            of_line = [one for one in observed if one["INDICATEUR"] == name
                       and all(one["TIME_PERIOD" if key == "MOIS" else key] == code for key, code in named.items())]  # fmt: skip
            (row,) = of_line
            assert row["OBS_VALUE"] == ("" if line[name] is None else str(line[name]))
            assert row["CONF_STATUS"] == ("C" if line[name] is None else "F")
            assert row["OBS_STATUS"] == ("P" if line["provisoire"] else "A")


async def test_a_file_goes_through_the_pages_of_the_graph(
    world: PublishedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = (await fetch(world, "/statistiques/export.csv?dimensions=REGION,MOIS", "stat")).text
    monkeypatch.setattr(figures_http, "variables_of_page", partial(variables_of_page, first=5))
    assert (await fetch(world, "/statistiques/export.csv?dimensions=REGION,MOIS", "stat")).text == whole
    assert len(whole.splitlines()) == 1 + 2 * 12


async def test_for_a_spreadsheet_numbers_have_commas_and_no_name_is_a_formula(world: PublishedWorld) -> None:
    body = (await fetch(world, "/statistiques/export.csv?dimensions=REGION&excel=1", "stat")).content
    assert body.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline=""), delimiter=";"))
    assert len(rows) == 2
    assert any(re.fullmatch(r"0,\d+", row["tauxRupture3Mois"] or "") for row in rows)


@pytest.mark.parametrize(
    ("path", "who", "status", "code"),
    [
        ("/statistiques/export.csv", "admin", 403, "CHAMP_REFUSE"),
        ("/statistiques/export.csv?dimensions=CFA,SEXE", "stat", 400, "ARGUMENT_REFUSE"),
        ("/statistiques/export.csv?dimensions=TRUC", "stat", 400, "REQUETE_INVALIDE"),
        ("/statistiques/export.csv?truc=1", "stat", 400, "REQUETE_INVALIDE"),
        ("/statistiques/export.csv?region=11&region=32", "stat", 400, "REQUETE_INVALIDE"),
        ("/statistiques/export.csv?niveau=trois", "stat", 400, "REQUETE_INVALIDE"),
        ("/statistiques/export.csv?dimensions=CFA", None, 400, "ARGUMENT_REFUSE"),
        ("/statistiques/export.csv?dimensions=MISSION_LOCALE", None, 400, "ARGUMENT_REFUSE"),
        ("/statistiques/export.csv", "personne", 401, "NON_AUTHENTIFIE"),
        ("/statistiques/export.xls", "stat", 404, "REQUETE_INVALIDE"),
    ],
)
async def test_a_file_is_refused_as_the_graph_refuses(
    world: PublishedWorld, path: str, who: str | None, status: int, code: str
) -> None:
    response = await fetch(world, path, who)
    assert response.status_code == status
    assert response.json()["errors"][0]["extensions"]["code"] == code
    assert "data" not in response.json()


async def test_nothing_is_public_where_the_page_is_not_opened(world: PublishedWorld) -> None:
    assert (await fetch(world, "/statistiques/export.csv", is_open=False)).status_code == 401
    assert (await fetch(world, "/statistiques", is_open=False)).status_code == 404
    index = (await fetch(world, "/", is_open=False)).text
    assert "/statistiques" not in index.replace("/statistiques/style.css", "")


class Reader(HTMLParser):
    """Reads a page: its tags, its addresses, and the cells of its tables."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.rows: list[list[str]] = []
        self._in_cell = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag == "tr":
            self.rows.append([])
        self._in_cell = tag in ("th", "td")

    def handle_endtag(self, tag: str) -> None:
        self._in_cell = False

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.rows[-1].append(data)


async def read_page(world: PublishedWorld) -> tuple[Response, Reader]:
    response: Any = await fetch(world, "/statistiques")
    reader = Reader()
    reader.feed(response.text)
    return response, reader


async def test_the_page_has_no_script_no_inline_style_and_nothing_from_elsewhere(world: PublishedWorld) -> None:
    response, reader = await read_page(world)
    assert response.status_code == 200
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'; img-src 'self';")
    assert {"script", "style", "iframe", "img", "object", "form"}.isdisjoint(reader.tags)
    names = [name for name, _ in reader.attributes]
    assert "style" not in names
    assert [name for name in names if name.startswith("on")] == []
    links = [value for name, value in reader.attributes if name in ("href", "src", "xlink:href")]
    assert [link for link in links if not str(link).startswith(("/", "#"))] == []
    assert dict(reader.attributes)["lang"] == "fr"


async def test_each_plot_is_named_and_has_its_values_in_a_table_and_a_file(world: PublishedWorld) -> None:
    response: Any
    response, reader = await read_page(world)
    plots = re.findall(r'<svg [^>]*role="img" aria-labelledby="(\S+) (\S+)"', response.text)
    assert len(plots) == reader.tags.count("figure") == 2
    for title, text in plots:
        assert re.search(rf'<title id="{title}">.+?</title><desc id="{text}">.+?</desc>', response.text)
    assert reader.tags.count("caption") == reader.tags.count("table")
    assert response.text.count("Télécharger ces chiffres (CSV)") == 3
    for address in re.findall(r'href="(/statistiques/export\.csv\?[^"]+)"', response.text):
        assert (await fetch(world, address.replace("&amp;", "&"))).status_code == 200


async def test_the_table_of_ruptures_is_what_the_file_of_everybody_tells(world: PublishedWorld) -> None:
    response: Any
    response, reader = await read_page(world)
    address = next(
        one for one in re.findall(r'href="(/statistiques/export\.csv\?[^"]+)"', response.text) if "MOIS" in one
    )
    rows = list(csv.DictReader(io.StringIO((await fetch(world, address.replace("&amp;", "&"))).text, newline="")))
    shown = {row[0]: row[1] for row in reader.rows if len(row) == 3 and row[0] != "Mois"}
    assert len(rows) == 24
    for row in rows:
        told = shown[row["MOIS_LIBELLE"]].replace("\u202f", "")
        assert told == (row["ruptures"] or "secret")


async def test_without_a_key_or_a_snapshot_the_page_says_so(
    world: PublishedWorld, tmp_path_factory: pytest.TempPathFactory
) -> None:
    app = Starlette(routes=page_routes(None, is_open=True, http=HttpSettings()))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://passerelle.invalid") as client:
        response = await client.get("/statistiques")
    assert (response.status_code, response.headers["cache-control"]) == (503, "no-store")
    assert "clé" in response.text


async def sheet_of(style: str | None) -> httpx.Response:
    app = Starlette(routes=page_routes(None, is_open=True, http=HttpSettings(), style=style))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://passerelle.invalid") as client:
        return await client.get("/statistiques/style.css")


async def test_the_theme_of_a_site_dresses_the_page_in_the_place_of_ours(tmp_path: Path) -> None:
    ours = await sheet_of(None)
    (tmp_path / "style.css").write_text("body { color: #161616 }", encoding="utf-8")
    theirs = await sheet_of(read_sheet(tmp_path))
    assert theirs.text == "body { color: #161616 }"
    assert len(ours.text) > len(theirs.text)
    assert theirs.headers["content-security-policy"] == ours.headers["content-security-policy"]
    for folder, told in ((tmp_path / "absent", "n'existe pas"), (tmp_path, "UTF-8 attendu")):
        (tmp_path / "style.css").write_bytes(b"\xff")
        with pytest.raises(ConfigurationError, match=f"^gateway.toml : statistiques.theme : .*style.css : {told}$"):
            read_sheet(folder)

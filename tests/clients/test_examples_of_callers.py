"""The programs of docs/exemples, each in its two languages, against one real gateway: what they print is what they promise."""

import http.server
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.clients.conftest import EXAMPLES, Context
from tests.support.node import build, execute

PYTHON, TYPESCRIPT = EXAMPLES / "python", EXAMPLES / "typescript"
LANGUAGES = ("python", "typescript")
PROGRAMS = ("lister_ruptures", "trois_sortes_de_null", "document_de_confiance", "noter_suivi")
Run = tuple[str, str]  # a program, and its language


@pytest.fixture(scope="session")
def compiled() -> Path:
    """The programs of TypeScript, as Node runs them."""
    return build(TYPESCRIPT, [*TYPESCRIPT.glob("*.ts"), *TYPESCRIPT.glob("*.json")])


@contextmanager
def served(answers: http.server.BaseHTTPRequestHandler | type[http.server.BaseHTTPRequestHandler]) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), answers)  # type: ignore[arg-type]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def issuer(token: str) -> type[http.server.BaseHTTPRequestHandler]:
    """An identity provider that gives this token, to who asks as the programs do."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = self.rfile.read(int(self.headers["content-length"])).decode()
            assert "grant_type=client_credentials" in form
            _send(self, 200, json.dumps({"access_token": token, "expires_in": 3600}).encode())

        def log_message(self, *_: object) -> None:
            """Nothing."""

    return Handler


def busy(gateway: str, statuses: list[int], seen: list[str]) -> type[http.server.BaseHTTPRequestHandler]:
    """Refuses as a gateway that is full does, once for each of these statuses; then hands on to the real one."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if statuses:
                seen.append(f"{statuses[0]}")
                _send(self, statuses.pop(0), b'{"data": null, "errors": []}', {"Retry-After": "1"})
                return
            kept = {name: self.headers[name] for name in ("authorization", "content-type")}
            answer = httpx.post(gateway, content=body, headers=kept, timeout=30)
            seen.append(f"{answer.status_code}")
            _send(self, answer.status_code, answer.content)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    return Handler


def _send(
    to: http.server.BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str] | None = None
) -> None:
    to.send_response(status)
    for name, value in {
        **(headers or {}),
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
    }.items():
        to.send_header(name, value)
    to.end_headers()
    to.wfile.write(body)


def run(program: str, language: str, compiled: Path, url: str, token: str) -> list[str]:
    """The lines that a program prints to who calls with that token."""
    with served(issuer(token)) as issuing:
        env = {"PASSERELLE_URL": url, "PASSERELLE_URL_JETON": f"{issuing}/token"}
        if language == "typescript":
            return execute(TYPESCRIPT, f"{compiled.name}/{program}.js", env).splitlines()
        command = [sys.executable, f"{program}.py"]
        told = subprocess.run(
            command, cwd=PYTHON, env={**os.environ, **env}, capture_output=True, text=True, check=False
        )
        assert told.returncode == 0, told.stderr
        return told.stdout.splitlines()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_rupture_is_listed_page_by_page(language: str, context: Context, compiled: Path) -> None:
    *rows, last = run("lister_ruptures", language, compiled, context.url, context.tokens["ml"])
    assert {row.split()[1] for row in rows} == set(context.ruptures)
    assert len(rows) == len(context.ruptures) > 10  # more than one page
    assert last == f"{len(rows)} ruptures lues sur {len(rows)}, liste complète"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_partial_answer_is_told_beside_what_is_there(language: str, context: Context, compiled: Path) -> None:
    *rows, last, missing = run("lister_ruptures", language, compiled, context.url, context.tokens["partial"])
    assert last == f"{len(rows)} ruptures lues sur {len(rows)}, liste incomplète"
    assert re.fullmatch(r"réponse partielle : imilo n'a pas répondu \(SOURCE_\w+\)", missing)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_null_says_which_of_the_three_it_is(language: str, context: Context, compiled: Path) -> None:
    lines = run("trois_sortes_de_null", language, compiled, context.url, context.tokens["ml"])
    refused = [line for line in lines if line.endswith(" ine : refusé (CHAMP_REFUSE)")]
    assert len(refused) == 3
    assert all(line.endswith(" courriel : inconnu des sources") for line in lines if line not in refused)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_trusted_document_is_asked_by_its_hash(language: str, context: Context, compiled: Path) -> None:
    total = len(context.ruptures)
    by_hash, by_text = run("document_de_confiance", language, compiled, context.url, context.tokens["trusted"])
    assert by_hash == f"par empreinte : 2 ruptures sur {total}"
    assert by_text == "par texte : REQUETE_INVALIDE"
    assert run("document_de_confiance", language, compiled, context.url, context.tokens["ml"])[1].endswith(
        "accepté, ce client n'est pas tenu aux documents de confiance"
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_note_is_written_once_whatever_is_said_again(language: str, context: Context, compiled: Path) -> None:
    first, again, wrong = run("noter_suivi", language, compiled, context.url, context.tokens["ml"])
    assert re.fullmatch(r"(EN_ATTENTE|CONSERVEE|TRANSMISE), nouvelle", first)
    assert again.endswith(", déjà reçue")
    assert wrong == "à corriger : INVALIDE, situationAutre"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_gateway_that_is_full_is_asked_again(language: str, context: Context, compiled: Path) -> None:
    seen: list[str] = []
    with served(busy(context.url, [503, 429], seen)) as url:
        lines = run("trois_sortes_de_null", language, compiled, url, context.tokens["ml"])
    assert seen == ["503", "429", "200"]
    assert len(lines) >= 3


def test_no_program_stays_untried_and_each_has_its_two_languages() -> None:
    tried = {*PROGRAMS, "passerelle"}
    assert {file.stem for file in PYTHON.glob("*.py")} == tried == {file.stem for file in TYPESCRIPT.glob("*.ts")}


def test_the_trusted_document_is_named_by_its_own_hash() -> None:
    from tests.clients.documents import hashed  # noqa: PLC0415

    manifest = json.loads((EXAMPLES / "documents.json").read_text(encoding="utf-8"))
    assert {hashed(text) for text in manifest.values()} == manifest.keys()

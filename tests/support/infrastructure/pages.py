"""A page of `docs/` whose commands are run as they are written, on a machine where `systemctl` is ours."""

import re
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from fixtures.servers import HOST

SECTION = re.compile(r"^## (?P<title>[^\n]+)\n(?P<body>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
COMMANDS = re.compile(r"^```sh\n(?P<commands>.*?)^```\n(?:\n```text\n(?P<output>.*?)^```\n)?", re.MULTILINE | re.DOTALL)
Order = tuple[str, str]  # what systemctl is told, and of which unit


@dataclass(frozen=True, slots=True)
class Commands:
    """The commands of one section, and what the page says that they print, where it does."""

    text: str
    output: str | None


def commands(page: Path) -> dict[str, Commands]:
    """The commands of a page, by the title of their section."""
    text = page.read_text(encoding="utf-8")
    found = {section["title"]: COMMANDS.search(section["body"]) for section in SECTION.finditer(text)}
    return {title: Commands(match["commands"], match["output"]) for title, match in found.items() if match}


def run(text: str, env: Mapping[str, str]) -> str:
    """What these commands print. Any that fails fails here."""
    finished = subprocess.run(
        ["/bin/bash", "-euc", text], env=env, capture_output=True, text=True, check=False, timeout=300
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


@contextmanager
def systemctl(folder: Path, units: Mapping[Order, Callable[[], None]]) -> Iterator[None]:
    """Put in `folder` a `systemctl` that does what `units` say, during the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            _, order, unit = self.path.split("/")
            units[order, unit]()
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer((HOST, 0), Handler)
    folder.mkdir(exist_ok=True)
    script = folder / "systemctl"
    script.write_text(f'#!/bin/sh\nexec curl -fsS "http://{HOST}:{server.server_port}/$1/$2"\n')
    script.chmod(0o755)
    thread = threading.Thread(target=server.serve_forever, name="systemctl", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

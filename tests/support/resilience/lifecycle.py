"""What the tests of a process's life share: a gateway that gives notice, and what it says of itself."""

import shutil
import time
from pathlib import Path

import httpx

from fixtures.remote_control import client_http
from fixtures.world import World

NOTICE = 2.0  # seconds: a busy machine is late to see it
HELD = 60.0  # seconds that a request waits for a follow-up that hangs: longer than two hundred of them take to come


def that_warns(world: World, record: Path) -> Path:
    """The world's configuration over the same data, in `record`: a notice before the end, and answers that wait longer,
    however busy this machine is."""
    assert world.record is not None
    shutil.copytree(world.record / "partenaires", record / "partenaires")
    shutil.copy(world.record / "clients.toml", record)
    text = (world.record / "gateway.toml").read_text(encoding="utf-8")
    text = text.replace('"donnees"', f'"{world.record / "donnees"}"')
    text = text.replace("preavis_secondes = 0", f"preavis_secondes = {NOTICE}")
    assert str(NOTICE) in text
    (record / "gateway.toml").write_text(f"{text}\n[reponse]\ndelai_secondes = {HELD}\n", encoding="utf-8")
    imilo = record / "partenaires" / "imilo.toml"
    limits = imilo.read_text(encoding="utf-8").replace("[limites]\n", f"[limites]\ndelai_secondes = {HELD}\n")
    assert str(HELD) in limits
    imilo.write_text(limits, encoding="utf-8")
    return record


def poster(url: str, token: str, partner_request: str) -> httpx.Response:
    with client_http(url) as http:
        return http.post("/graphql", json={"query": partner_request}, headers={"Authorization": f"Bearer {token}"})


def ready(admin_url: str) -> tuple[int, list[str]]:
    with client_http(admin_url) as http:
        response = http.get("/health/ready")
    return response.status_code, response.json()["manque"]


def under_way(admin_url: str) -> int:
    with client_http(admin_url) as http:
        rows = http.get("/metrics").text.splitlines()
    (line,) = [line for line in rows if line.startswith("passerelle_requetes_en_cours ")]
    return int(float(line.split()[1]))


def wait(admin_url: str, number: int) -> float:
    """The seconds until so many requests are under way."""
    debut = time.monotonic()
    while (account := under_way(admin_url)) != number:
        assert time.monotonic() - debut < 60, f"{account} requests under way, not {number}"
        time.sleep(0.01)
    return time.monotonic() - debut

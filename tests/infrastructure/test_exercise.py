"""docs/exercice.md from its first line to its last, by a shell in an empty folder, with the wheel of this checkout: half an hour
of an operator. Only addresses are changed, and the wheel is laid beside the libraries that are here, without a network."""

import os
import re
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from fixtures.gateway_process import ROOT
from fixtures.servers import free_port
from fixtures.world import World
from tools.release import wheel_of

pytestmark = pytest.mark.infrastructure
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INSTALLED = "python3 -m venv venv\n"
EPOCH = "1796000000"
# What each step leaves told, in this order.
TOLD = (
    "passerelle 0.",
    "configuration : configuration écrite",
    "clients.toml : 1 client, clos",
    "configuration sans faute",
    "registre à jour",
    '"commit":',
    '"totalCount":',
    "passerelle_clients_illisible_secondes ",
    "TOML invalide",
    "passerelle_clients_illisible_secondes 0.0",
    "journal : signé désormais par la première clé",
    "les autres peuvent être ôtées",
    "journal intègre",
    "journal : rendrait le service",
    '"nom":',
    "journal repris : ",
    "exercice : disque perdu",
)


def blocks() -> list[str]:
    """The commands of the page, those that install but for their checks left out."""
    first, *rest = BLOCK.findall((ROOT / "docs/exercice.md").read_text(encoding="utf-8"))
    assert first.startswith("DEPOT=")
    assert rest[0].startswith(INSTALLED)
    return ["passerelle --version\n", *rest[1:]]


def installed(folder: Path) -> Path:
    """A folder of programs whose `passerelle` is that of the wheel."""
    site, programs = folder / "site", folder / "bin"
    with zipfile.ZipFile(wheel_of(ROOT, folder, EPOCH)) as content:
        content.extractall(site)
    programs.mkdir()
    libraries = sysconfig.get_path("purelib")
    for name, words in (("passerelle", "-m gateway"), ("python", ""), ("python3", "")):
        program = programs / name
        path = f"PYTHONPATH='{site}:{libraries}'"
        program.write_text(f"#!/bin/sh\n{path} exec '{sys.executable}' {words} \"$@\"\n", encoding="utf-8")
        program.chmod(0o755)
    return programs


def as_a_checkout(world: World, folder: Path) -> None:
    """What the page takes of the demo, where it takes it."""
    demo = folder / "var/demo"
    demo.parent.mkdir(parents=True)
    assert world.record is not None
    demo.symlink_to(world.record)
    lines = "".join(f"{name}={value}\n" for name, value in world.environment.items() if re.match(r"[A-Z]+_", name))
    (world.record / ".env").write_text(lines, encoding="utf-8")


def test_the_exercise_is_played_whole(small_world: World, tmp_path: Path) -> None:
    programs, repository, empty = installed(tmp_path), tmp_path / "depot", tmp_path / "exercice"
    as_a_checkout(small_world, repository)
    empty.mkdir()
    script = "".join(blocks())
    ports = {name: str(free_port()) for name in ("8001", "9091")}
    for was, now in (
        ("http://127.0.0.1:8010", small_world.identity_url),
        ("http://127.0.0.1:8020", small_world.simulators_url),
        *ports.items(),
    ):
        assert was in script
        script = script.replace(was, now)
    now = small_world.environment["GATEWAY_NOW"]  # of the people drawn, on whose day the simulators live
    env = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "DEPOT": str(repository),
        "HOME": str(tmp_path),
        "GATEWAY_NOW": now,
    }
    told = subprocess.run(
        ["/bin/bash", "-eu", "-c", script], cwd=empty, env=env, capture_output=True, text=True, check=False, timeout=600
    )
    assert told.returncode == 0, told.stdout + told.stderr
    place = 0
    for text in TOLD:
        place = told.stdout.find(text, place)
        assert place >= 0, f"{text} : {told.stdout}"
    shown = re.findall(r'"id":"([^"]+)"', told.stdout)
    assert shown[:2] == shown[-2:], "ids are the same after the restoration"

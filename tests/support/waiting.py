"""Configurations of gateways that wait longer: what is judged is what they answer, not how busy this machine is."""

import shutil
from pathlib import Path

from fixtures.world import World


def waiting(world: World, copy: Path, seconds: float) -> str:
    """The configuration of a world, copied there, with another deadline of answers."""
    assert world.record is not None
    shutil.copytree(world.record / "partenaires", copy / "partenaires")
    shutil.copy(world.record / "clients.toml", copy)
    text = (world.record / "gateway.toml").read_text(encoding="utf-8")
    data = text.replace('dossier = "donnees"', f'dossier = "{world.record / "donnees"}"')
    assert data != text
    (copy / "gateway.toml").write_text(f"{data}\n[reponse]\ndelai_secondes = {seconds}\n", encoding="utf-8")
    return str(copy)

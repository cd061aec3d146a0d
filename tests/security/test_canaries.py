"""The search for canaries finds them: whole, in another case, in a database page; and it tells where, not what."""

from pathlib import Path

from fixtures.world import World
from tests.support.canaries import traces, values


def test_l01_a_value_left_in_a_file_is_found(world: World, tmp_path: Path) -> None:
    canary = world.population.persons[7]
    contents = {
        "journal": f"erreur sur {canary.courriel.upper()}".encode(),
        "metriques": f'passerelle_appels{{cle="{canary.telephone}"}} 1'.encode(),
        "base": b"\x00\xff" + f"{canary.nom} {canary.prenom}".encode() + b"\x00",
        "propre": "référentiel : 2248 communes, 18 CFA".encode(),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    assert len(values(world.population)) > 200
    found = traces(world.population, sorted(tmp_path.iterdir()))
    assert found == ["base: 1", "journal: 1", "metriques: 1"]


def test_c09_what_the_gateways_of_this_world_wrote_until_now_holds_none(world: World) -> None:
    assert world.record is not None
    assert traces(world.population, world.record.rglob("*")) == []

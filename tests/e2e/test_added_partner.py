"""Partners that are tables, beside the others and over HTTP: their people are joined to the others', and nobody wrongly."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from socket import socket
from typing import Any

import pytest

from fixtures.added_partner import AddedPartner, attach
from fixtures.evaluation.report import judge
from fixtures.servers import Servers, reserve
from fixtures.simulators.common import tenants
from fixtures.world import World
from gateway.__main__ import main
from tests.support.e2e import foreign_partner, foreign_systems

TODAY = date(2026, 10, 15)
ERP, SECOND = "gestibase", "aimaira"
OF_STRUCTURES = ("vigie", "boussole")


@dataclass
class Judged:
    world: World
    people: list[dict[str, Any]]
    asked: list[str]
    own: Path
    secrets: Path


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judged]:
    record, asked = tmp_path_factory.mktemp("monde"), list[str]()
    world = World.generated(record, seed=5, jeunes=400, departements=("02",), today=TODAY)
    taken, others = reserve(0), reserve(0)
    own, secrets = foreign_partner.write_partner(record, world.population, ERP, _url(taken))
    world.added = AddedPartner.read(own, secrets)
    served = foreign_partner.application(world.population, ERP, asked)
    with Servers([(taken, served), (others, foreign_systems.application(world.population, SECOND))]), world:
        replace_with_tables(world, record / "partenaires", _url(others))
        world.harvest()
        yield Judged(world, named_as_told(world.rapprochements()), asked, own, secrets)


def _url(taken: socket) -> str:
    return f"http://127.0.0.1:{taken.getsockname()[1]}"


def replace_with_tables(world: World, partners: Path, url: str) -> None:
    """An ERP by cursors in the place of another, and two systems of Missions locales in the place of the common one."""
    for former in (f"{SECOND}.toml", f"{SECOND}.locataires.csv", "imilo.toml"):
        (partners / former).unlink()
    population = world.population
    foreign_systems.write(partners / "galet", "galet", url, foreign_systems.cursor_tenants(population, SECOND))
    world.environment |= {f"GALET_{one.uai}": one.secret for one in tenants(population, SECOND)}
    structures = sorted(population.geographie.missions_locales)
    for rank, kind in enumerate(OF_STRUCTURES):
        rows = [f"{code},{code}" for code in structures[rank::2]]
        foreign_systems.write(partners / kind, kind, url, ["mission_locale,code", *rows])
    world.environment |= {"VIGIE_CLE": foreign_systems.KEY, "BOUSSOLE_JETON": foreign_systems.KEY}


def named_as_told(people: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The records under the names of the systems of the population that the tables stand for."""
    stands_for = {"galet": SECOND, **dict.fromkeys(OF_STRUCTURES, "imilo")}
    for person in people:
        records: dict[str, list[str]] = {}
        for source, keys in person["enregistrements"].items():
            records.setdefault(stands_for.get(source, source), []).extend(keys)
        person["enregistrements"] = records
    return people


def test_a_table_joins_its_people_to_the_others_and_nobody_wrongly(judged: Judged) -> None:
    report = judge(judged.world.population, judged.people)
    assert report.cost.false_pairs == []
    assert report.cost.pairs.recall >= 0.97


@pytest.mark.parametrize("system", [SECOND, "imilo"])
def test_every_record_of_the_other_tables_is_there(judged: Judged, system: str) -> None:
    """By cursors, by a form and by GraphQL, in pages of three."""
    accounts = judged.world.population.accounts[system]
    wanted = {f"{account.tenant}/{account.key}" for own in accounts.values() for account in own}
    assert {one for person in judged.people for one in person["enregistrements"].get(system, [])} == wanted
    structures = sorted(judged.world.population.geographie.missions_locales)
    for served in (structures[0::2], structures[1::2]) if system == "imilo" else (accounts,):
        assert max(len(accounts.get(key, ())) for key in served) > 2 * foreign_systems.PAGE


def test_every_record_of_the_table_is_there(judged: Judged) -> None:
    """Pages of seven: none is lost between two."""
    accounts = judged.world.population.accounts[ERP]
    wanted = {f"{account.tenant}/{account.key}" for own in accounts.values() for account in own}
    read = {one for person in judged.people for one in person["enregistrements"].get(ERP, [])}
    assert len(wanted) > 2 * foreign_partner.PAGE_SIZE
    assert read == wanted
    assert max(len(own) for own in accounts.values()) > foreign_partner.PAGE_SIZE
    assert any(one.endswith(" 2") for one in judged.asked)


def test_the_same_partner_is_verified_live(judged: Judged, capsys: pytest.CaptureFixture[str]) -> None:
    uai, own = max(judged.world.population.accounts[ERP].items(), key=lambda one: len(one[1]))
    assert main(["verifier", str(judged.own), "--cfa", uai, "--env", str(judged.secrets)]) == 0
    out = capsys.readouterr().out
    assert f"{len(own)} ligne(s) lues, {len(own)} annoncées ; {len(own)} dossier(s) gardés" in out
    assert [account.person.nom for account in own if account.person.nom in out] == []


def test_a_refusal_under_a_200_is_told(judged: Judged, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    uai = next(iter(judged.world.population.accounts[ERP]))
    wrong = tmp_path / "secrets.env"
    lines = [line.partition(":")[0] + ":faux" for line in judged.secrets.read_text(encoding="utf-8").splitlines()[1:]]
    wrong.write_text("\n".join(lines), encoding="utf-8")
    assert main(["verifier", str(judged.own), "--cfa", uai, "--env", str(wrong)]) == 1
    assert f"ÉCHEC  : {uai} : SOURCE_INDISPONIBLE : accès refusé par le partenaire" in capsys.readouterr().out


def test_the_simulated_erp_is_asked_no_more(judged: Judged) -> None:
    assert judged.world.record is not None
    partners = judged.world.record / "partenaires"
    assert not (partners / f"{ERP}.toml").exists()
    assert (partners / ERP / "partenaire.toml").is_file()


def test_without_the_partner_it_leaves(tmp_path: Path) -> None:
    former = tmp_path / "partenaires" / "ancien"
    former.mkdir(parents=True)
    assert attach(tmp_path, None) == {}
    assert not former.exists()
    with pytest.raises(ValueError, match=r"partenaire\.toml attendu"):
        AddedPartner.read(tmp_path, None)

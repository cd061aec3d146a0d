"""A register of callers that is broken, cut, or names nobody: told, bounded, never taken for whole (docs/security.md)."""

import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fixtures.gateway_process import LaunchedGateway
from fixtures.remote_control import client_http
from fixtures.world import World
from gateway.__main__ import main
from gateway.auth.authentication.client_register import ClientRegister, unknown_organisations
from gateway.auth.authentication.clients import RegisteredClient, read_clients
from gateway.auth.policy.rules import Finalite, Profil
from gateway.domain.referentiel import CommuneLine, MissionLocaleRow, OrganismeRow, Referentiel
from gateway.errors import ClientsUnavailable, ConfigurationError
from tests.support.figures import note
from tests.support.pair import admin, metrics
from tests.support.security.issuer import WallClock
from tests.support.security.second_checkout import BEFORE, configuration, gateway

PATIENCE = 60.0  # seconds: the register is looked at every ten
LEAVING = "cfa"  # the client that an operator removes
BOUND = 15  # seconds, in this file: counted from the look before the one that finds it broken


@dataclass
class Register:
    """The register of a running gateway, as an operator edits it."""

    gateway: LaunchedGateway
    file: Path
    world: World

    def __post_init__(self) -> None:
        self.whole = self.file.read_text(encoding="utf-8")

    def write(self, text: str) -> None:
        fresh = self.file.with_suffix(".neuf")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(self.file)

    def reload(self, text: str) -> None:
        """Write it, and have it read now; a gateway of before, which no signal tells so, looks in its own time."""
        self.write(text)
        if not BEFORE:
            self.gateway.processus.send_signal(signal.SIGHUP)

    def status(self, client: str) -> int:
        with client_http(self.gateway.url) as http:
            headers = {"Authorization": f"Bearer {self.world.token(client)}"}
            return http.post("/graphql", json={"query": "{ __typename }"}, headers=headers).status_code

    def ready(self) -> tuple[int, dict[str, list[str]]]:
        with client_http(admin(self.gateway)) as http:
            response = http.get("/health/ready")
        return response.status_code, response.json()

    def wait(self, holds: Callable[[], bool], patience: float = PATIENCE) -> bool:
        limit = time.monotonic() + patience
        while not (found := holds()) and time.monotonic() < limit:
            time.sleep(0.2)
        return found


@pytest.fixture(scope="module")
def register(small_world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Register]:
    record = configuration(small_world, tmp_path_factory.mktemp("registre") / "configuration")
    if not BEFORE:
        with (record / "gateway.toml").open("a", encoding="utf-8") as file:
            file.write(f"\n[clients]\nillisible_secondes = {BOUND}\n")
    with gateway(small_world, record) as launched:
        yield Register(launched, record / "clients.toml", small_world)


def without(text: str, client: str) -> str:
    """The register without one of its clients, and without the count, which an operator would write again."""
    tables = ("\n" + text).split("\n[")
    return "\n[".join(table for table in tables if not table.startswith((f"clients.{client}]", "fin]"))).lstrip("\n")


def test_r9_a_client_removed_in_an_edit_that_does_not_read_is_refused_in_the_end(register: Register) -> None:
    assert (register.status("ml"), register.status(LEAVING)) == (200, 200)
    register.write(without(register.whole, LEAVING) + "\n[clients.nouveau\n")
    assert register.wait(lambda: "clients" in register.ready()[1]["degrade"]), "nothing tells of it"
    assert register.wait(lambda: register.status(LEAVING) == 503), "admitted without bound"
    assert register.status("ml") == 503
    assert register.ready()[0] == 503
    assert "clients" in register.ready()[1]["manque"]
    register.reload(register.whole)
    assert register.wait(lambda: register.status("ml") == 200)
    assert register.wait(lambda: register.ready() == (200, {"etat": "prêt", "manque": [], "degrade": []}))


def test_r9_a_file_cut_between_two_tables_is_not_a_register(register: Register) -> None:
    tables = register.whole.split("\n[")
    register.reload("\n[".join(tables[: len(tables) // 2]) + "\n")
    told = register.wait(lambda: "clients" in register.ready()[1]["degrade"], 30.0)
    last = tables[-2].partition("]")[0].removeprefix("clients.") if not BEFORE else tables[-1].partition("]")[0][8:]
    status = register.status(last)
    register.reload(register.whole)
    assert register.wait(lambda: not register.ready()[1]["degrade"])
    assert (told, status) == (True, 200)


def test_r9_an_unknown_organisation_is_told(register: Register) -> None:
    code = register.world.clients["ml"].organisation
    register.reload(register.whole.replace(f'organisation = "{code}"', 'organisation = "99999"', 1))
    told = register.wait(lambda: "clients.organisation" in register.ready()[1]["degrade"], 30.0)
    figures = metrics(register.gateway)
    register.reload(register.whole)
    assert told
    assert "passerelle_clients_organisation_inconnue 1.0" in figures
    assert register.wait(lambda: not register.ready()[1]["degrade"])


REGISTRY = """
[clients.ml]
profil = "MISSION_LOCALE"
organisation = "59010"
nom = "Mission locale"
finalites = ["ACCOMPAGNEMENT"]

[clients.cfa]
profil = "CFA"
organisation = "0590001F"
nom = "CFA"
finalites = ["GESTION_CFA"]
"""
CLOSED = REGISTRY + "\n[fin]\nclients = 2\n"


@dataclass
class Followed:
    """A register in a file, and the clock of who follows it."""

    file: Path

    def __post_init__(self) -> None:
        self.file.write_text(CLOSED, encoding="utf-8")
        self.wall_clock = WallClock()
        self.register = ClientRegister(self.file, self.wall_clock, 900)

    def replaced(self, text: str | bytes, seconds: float = 10) -> None:
        fresh = self.file.with_suffix(".neuf")
        fresh.write_bytes(text if isinstance(text, bytes) else text.encode())
        fresh.replace(self.file)
        self.wall_clock.now += seconds


@pytest.fixture
def followed(tmp_path: Path) -> Followed:
    return Followed(tmp_path / "clients.toml")


def test_r9_every_cut_of_a_register_leaves_the_last_good_one(followed: Followed) -> None:
    """At each byte: what is left out is either nothing or told."""
    for length in range(len(CLOSED)):
        followed.replaced(CLOSED[:length])
        whole = CLOSED[:length].rstrip().endswith("clients = 2")
        assert (dict(followed.register) == dict(followed.register.current()), set(followed.register)) == (
            True,
            {"ml", "cfa"},
        )
        assert (followed.register.unreadable_for() > 0) is not whole, length
        followed.replaced(CLOSED)
        assert followed.register.unreadable_for() == 0
    note(f"R9 : {len(CLOSED)} coupures d'un registre, 0 prise pour un registre entier")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[clients]\n",
        "[clients]\n[fin]\nclients = 2\n",
        CLOSED.replace("= 2", "= 3"),
        CLOSED.replace("= 2", "= -1"),
        CLOSED.replace("= 2", '= "deux"'),
        CLOSED + "\n[fin]\nclients = 2\n",
        REGISTRY,
        "a = " + "[" * 100_000,
        "a = " + "9" * 100_000,
        b"\xff\xfe",
        b"\x00" * 100,
        "x" * 9_000_000,
    ],
)
def test_r9_nothing_else_is_a_register_and_nobody_is_admitted_for_ever(followed: Followed, text: str | bytes) -> None:
    followed.replaced(text)
    assert set(followed.register) == {"ml", "cfa"}
    followed.wall_clock.now += 885
    assert set(followed.register) == {"ml", "cfa"}
    followed.wall_clock.now += 10
    with pytest.raises(ClientsUnavailable):
        followed.register.get("ml")
    followed.replaced(CLOSED)
    assert set(followed.register) == {"ml", "cfa"}


def test_r9_a_register_that_is_no_file_is_told(followed: Followed) -> None:
    followed.file.unlink()
    followed.wall_clock.now += 10
    assert followed.register.unreadable_for() > 0
    followed.file.mkdir()
    followed.wall_clock.now += 10
    assert set(followed.register) == {"ml", "cfa"}
    followed.wall_clock.now += 900
    with pytest.raises(ClientsUnavailable):
        len(followed.register)


def test_r9_a_register_of_before_is_accepted_and_told(tmp_path: Path) -> None:
    file = tmp_path / "clients.toml"
    file.write_text(REGISTRY, encoding="utf-8")
    register = ClientRegister(file, WallClock())
    assert (len(register), register.is_closed) == (2, False)


def test_r9_a_count_that_is_wrong_stops_the_start(tmp_path: Path) -> None:
    file = tmp_path / "clients.toml"
    file.write_text(CLOSED.replace("= 2", "= 3"), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"^clients\.toml : fichier : fin : 3 clients annoncés, 2 lus"):
        ClientRegister(file, WallClock())


@pytest.mark.parametrize("text", [REGISTRY, CLOSED, CLOSED.replace("= 2", "= 7"), CLOSED + "# fin du fichier\n"])
def test_r9_the_command_closes_a_register(tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "clients.toml"
    file.write_text(text, encoding="utf-8")
    file.chmod(0o640)
    monkeypatch.setenv("GATEWAY_CONFIG", str(tmp_path))
    assert main(["clients", "clore"]) == 0
    assert file.read_text(encoding="utf-8").endswith("\n[fin]\nclients = 2\n")
    assert file.stat().st_mode & 0o777 == 0o640
    assert set(read_clients(file)) == {"ml", "cfa"}
    assert [path.name for path in tmp_path.iterdir()] == ["clients.toml"]


def test_r9_the_command_changes_nothing_of_a_register_that_does_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "clients.toml"
    file.write_text(REGISTRY + "[clients.", encoding="utf-8")
    monkeypatch.setenv("GATEWAY_CONFIG", str(tmp_path))
    assert main(["clients", "clore"]) == 2
    assert file.read_text(encoding="utf-8") == REGISTRY + "[clients."
    assert [path.name for path in tmp_path.iterdir()] == ["clients.toml"]


KNOWN = {
    Profil.MISSION_LOCALE: "59010",
    Profil.CFA: "0590001F",
    Profil.TETE_DE_RESEAU: "CCI",
    Profil.DREETS: "32",
    Profil.DDETS: "59",
    Profil.ACADEMIE: "LILLE",
    Profil.FRANCE_TRAVAIL: "32",
    Profil.ARML: "32",
    Profil.REGION: "32",
}


def test_r9_each_profile_is_held_to_the_codes_of_its_own_nature() -> None:
    """A code of one nature is none of another: 59 is a département and no region."""
    referentiel = Referentiel(
        communes={"59001": CommuneLine("59001", "A", ("59000",), "59", "32", "LILLE", "59010")},
        missions_locales={"59010": MissionLocaleRow(1, "59010", "ML", None, None, None)},
        organismes={"0590001F": OrganismeRow("0590001F", "", "CFA", None, "59", "32", "LILLE", ("CCI",), None, (), ())},
    )
    clients = {
        f"{profil.value}/{code}": RegisteredClient(
            profil=profil, organisation=code, nom="x", finalites=(Finalite.ACCOMPAGNEMENT,)
        )
        for profil in KNOWN
        for code in {*KNOWN.values(), "99999"}
    }
    strangers = set(unknown_organisations(clients, referentiel))
    assert clients.keys() - strangers == {f"{profil.value}/{code}" for profil, code in KNOWN.items()}
    assert unknown_organisations(clients, Referentiel()) == ()

"""Who may come in, and until when: API keys, second factor, a register that is followed (docs/security.md T08-T11)."""

import asyncio
import base64
from datetime import date
from pathlib import Path

import pytest

from fixtures.world import World
from gateway.__main__ import main
from gateway.auth.authentication.authenticator import Authenticator
from gateway.auth.authentication.client_register import LENGTH, PREFIX, ClientRegister, create_key, key_digest
from gateway.auth.authentication.clients import Principal
from gateway.domain.seal import Sealer
from gateway.errors import ConfigurationError, StrongAuthenticationRequired, TokenFault, Unauthenticated
from gateway.schema.query import build, core_schema
from tests.support.security.edge import Edge
from tests.support.security.issuer import ONE, Issuer, WallClock, claims, sign, verifier

SEALER = Sealer(b"\x07" * 32)
KEY = create_key()
DAY = date(2026, 10, 15)
REGISTRY = """
[clients.ml]
profil = "MISSION_LOCALE"
organisation = "59010"
nom = "Mission locale"
finalites = ["ACCOMPAGNEMENT"]
"""


def key_of(key: str, expire: str = "2026-10-15") -> str:
    return f'cles = [{{ empreinte = "{key_digest(SEALER, key)}", expire = {expire} }}]\n'


class Scene:
    """A register in a file, and the door that follows it."""

    def __init__(self, record: Path, text: str) -> None:
        self.file = record / "clients.toml"
        self.file.write_text(text, encoding="utf-8")
        self.wall_clock = WallClock()
        self.clients = ClientRegister(self.file, self.wall_clock)
        tokens = verifier(Issuer(ONE), self.wall_clock)
        self.authenticator = Authenticator(tokens, self.clients, SEALER, lambda: DAY)

    def charge_request(self, authorization: str | None = None, key: str | None = None) -> Principal:
        return asyncio.run(self.authenticator.authenticate(authorization, key))[0]

    def write(self, text: str, seconds: float) -> None:
        """Replace the register, as an operator does, and let time pass."""
        fresh = self.file.with_suffix(".neuf")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(self.file)
        self.wall_clock.now += seconds


def test_t09_a_key_opens_as_its_client_until_its_last_day(tmp_path: Path) -> None:
    assert Scene(tmp_path, REGISTRY + key_of(KEY)).charge_request(key=KEY) == Principal("ml")
    with pytest.raises(Unauthenticated):
        Scene(tmp_path, REGISTRY + key_of(KEY, "2026-10-14")).charge_request(key=KEY)


@pytest.mark.parametrize(
    "attempt",
    [
        "",
        "x",
        KEY[:-1],
        KEY + "A",
        KEY[:-1] + ("A" if KEY[-1] != "A" else "B"),
        KEY.removeprefix(PREFIX),
        KEY.upper(),
        create_key(),
        key_digest(SEALER, KEY),
        " " + KEY[1:],
        "é" * LENGTH,
        "p" * 1_000_000,
    ],
    ids=[
        *["empty", "one letter", "cut", "longer", "last letter", "no prefix", "upper case", "another", "digest"],
        *["first letter", "same length", "endless"],
    ],
)
def test_t09_a_guess_a_prefix_or_what_the_register_holds_is_refused(tmp_path: Path, attempt: str) -> None:
    with pytest.raises(Unauthenticated, match=r"^Jeton d'accès absent, invalide ou expiré\.$"):
        Scene(tmp_path, REGISTRY + key_of(KEY)).charge_request(key=attempt)


def test_t09_a_stolen_register_is_of_no_use_without_the_gateways_own_key(tmp_path: Path) -> None:
    scene = Scene(tmp_path, REGISTRY + key_of(KEY))
    assert KEY not in scene.file.read_text(encoding="utf-8")
    other = Authenticator(scene.authenticator.verifier, scene.clients, Sealer(b"\x08" * 32), lambda: DAY)
    with pytest.raises(Unauthenticated):
        asyncio.run(other.authenticate(None, KEY))


def test_t09_one_credential_and_only_one(tmp_path: Path) -> None:
    with pytest.raises(Unauthenticated):
        Scene(tmp_path, REGISTRY + key_of(KEY)).charge_request(sign(claims()), KEY)


@pytest.mark.parametrize(
    "following",
    [
        'cles = [{ empreinte = "abc", expire = 2026-10-15 }]',
        'cles = [{ empreinte = "' + "a" * 32 + '" }]',
        "mfa = true\n" + key_of(KEY),
        key_of(KEY).replace("]\n", ", " + key_of(KEY)[8:]),
        'documents = "tous"',
    ],
    ids=["not a digest", "no end", "mfa", "twice", "documents"],
)
def test_t09_a_register_that_does_not_hold_stops_the_start(tmp_path: Path, following: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^clients\.toml : "):
        Scene(tmp_path, REGISTRY + following)


def _create(edge: Edge, client: str) -> int:
    with pytest.MonkeyPatch.context() as env:
        for name, value in edge.environment.items():
            env.setenv(name, value)
        return main(["cle", "creer", client])


def test_t09_a_key_is_made_told_once_and_works_over_http_until_its_line_is_removed(
    edge: Edge, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.auth.authentication.client_register.REREAD_AFTER", 0)
    registry = edge.record / "clients.toml"
    without = registry.read_text(encoding="utf-8")
    assert _create(edge, "si-partenaire") == 0
    key, line = (told.rpartition(" : ")[2] for told in capsys.readouterr().out.strip().split("\n"))
    assert line.endswith("expire = 2027-10-15 }")
    registry.write_text(without.replace("[clients.si-partenaire]", f"[clients.si-partenaire]\ncles = [{line}]"))
    moi = edge.request("{ moi { profil } }", authorization="", x_cle_api=key)
    assert moi.json["data"] == {"moi": {"profil": "SI_PARTENAIRE"}}
    registry.write_text(without)
    assert edge.request("{ moi { profil } }", authorization="", x_cle_api=key).statut == 401


def test_t09_a_key_is_made_for_a_machine_of_the_register_only(edge: Edge) -> None:
    assert _create(edge, "inconnu") == _create(edge, "ml") == 2


def test_t10_the_demo_asks_a_second_factor_of_missions_locales(edge: Edge, world: World) -> None:
    body = world.token("ml").split(".")[1]
    assert b'"mfa"' in base64.urlsafe_b64decode(body + "==")
    assert "mfa = true" in (edge.record / "clients.toml").read_text(encoding="utf-8")


def test_t08_a_client_or_a_key_taken_away_is_refused_within_ten_seconds(tmp_path: Path) -> None:
    other = REGISTRY.replace("clients.ml", "clients.cfa")
    scene = Scene(tmp_path, REGISTRY + key_of(KEY) + other)
    holder = sign(claims(client_id="cfa"))
    assert scene.charge_request(key=KEY) == Principal("ml")
    assert scene.charge_request(holder) == Principal("cfa", "ml")  # no agent: the subject of the token is the account
    scene.write(REGISTRY, seconds=9)
    assert scene.charge_request(key=KEY) == Principal("ml")
    scene.write(REGISTRY, seconds=1)
    with pytest.raises(Unauthenticated):
        scene.charge_request(key=KEY)
    with pytest.raises(Unauthenticated):
        scene.charge_request(holder)


@pytest.mark.parametrize("unreadable", ["[clients", REGISTRY + "inconnue = 1", "\x00", None])
def test_t08_a_register_that_no_longer_reads_leaves_the_last_good_one(
    tmp_path: Path, unreadable: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    scene = Scene(tmp_path, REGISTRY + key_of(KEY))
    if unreadable is None:
        scene.file.unlink()
        scene.wall_clock.now += 10
    else:
        scene.write(unreadable, seconds=10)
    assert scene.charge_request(key=KEY) == Principal("ml")
    assert "registre des clients inchangé : clients.toml" in caplog.text
    scene.write(REGISTRY, seconds=10)
    with pytest.raises(Unauthenticated):
        scene.charge_request(key=KEY)


def test_t10_where_the_register_asks_for_it_a_token_tells_of_a_second_factor(tmp_path: Path) -> None:
    scene = Scene(tmp_path, REGISTRY + "mfa = true")
    assert scene.charge_request(sign(claims(amr=["pwd", "mfa"]))) == Principal("ml", mfa=True)
    for amr in (None, ["pwd"], "mfa"):
        with pytest.raises(StrongAuthenticationRequired):
            scene.charge_request(sign(claims(amr=amr)))


def test_where_the_register_asks_for_it_a_token_tells_who_acts(tmp_path: Path) -> None:
    scene = Scene(tmp_path, REGISTRY + "agent_exige = true")
    assert scene.charge_request(sign(claims(agent="camille"))) == Principal("ml", "camille")
    assert scene.charge_request(sign(claims(sub="camille"))) == Principal("ml", "camille")
    with pytest.raises(Unauthenticated) as raised:
        scene.charge_request(sign(claims()))
    assert (raised.value.fault, raised.value.detail) == (TokenFault.ACCOUNT, "ml")
    with pytest.raises(ConfigurationError, match=r"^clients\.toml : .*ne dit pas qui agit"):
        Scene(tmp_path, REGISTRY + "agent_exige = true\n" + key_of(KEY))


def test_t11_nothing_in_the_gateway_writes_an_account_or_a_right() -> None:
    """What is written is of a young person, by acts that the policy lists."""
    mutation = core_schema(build()).mutation_type
    assert mutation is not None
    assert set(mutation.fields) == {
        "noterSuivi",
        "demanderAccompagnement",
        "repondreAccompagnement",
        "declarerRupture",
        "reprendreEcriture",
        "abandonnerEcriture",
    }
    assert not hasattr(ClientRegister, "__setitem__")

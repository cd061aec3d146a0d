"""`/.well-known/security.txt` says what RFC 9116 asks, where an operator names somebody; its end is told before it comes."""

import re
from datetime import date
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from gateway.cli.check import warnings
from gateway.config import SecurityContact, load
from gateway.errors import ConfigurationError
from gateway.web.security_txt import security_routes
from tests.unit.test_config import GOOD, KEY

CONTACT = SecurityContact.model_validate(
    {
        "contact": "mailto:securite@exemple.invalid",
        "expire": date(2027, 6, 30),
        "politique": "https://exemple.invalid/failles",
    }
)


@pytest.mark.anyio
async def test_it_says_whom_to_write_to_until_when_and_what_is_done() -> None:
    transport = httpx.ASGITransport(Starlette(routes=security_routes(CONTACT)))
    async with httpx.AsyncClient(transport=transport, base_url="http://passerelle.invalid") as client:
        answer = await client.get("/.well-known/security.txt")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert answer.text == (
        "Contact: mailto:securite@exemple.invalid\n"
        "Expires: 2027-06-30T00:00:00Z\n"
        "Preferred-Languages: fr, en\n"
        "Policy: https://exemple.invalid/failles\n"
    )


def test_it_does_not_exist_where_nobody_is_named() -> None:
    assert security_routes(None) == []


@pytest.mark.parametrize(
    "contact", ["securite@exemple.invalid", "http://exemple.invalid", "mailto:a b", "mailto:x\\nPolicy: y"]
)
def test_what_is_no_contact_is_refused(tmp_path: Path, contact: str) -> None:
    text = f'{GOOD}[http.securite]\ncontact = "{contact}"\nexpire = 2027-06-30\n'
    (tmp_path / "gateway.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=re.escape("http.securite.contact")):
        load({"GATEWAY_CONFIG": str(tmp_path), "GATEWAY_CLE": KEY})


@pytest.mark.parametrize(
    ("today", "told"),
    [
        ("2027-05-31", None),
        ("2027-06-01", "expire le 2027-06-30"),
        ("2027-06-30", "expire le 2027-06-30"),
        ("2027-07-01", "a expiré le 2027-06-30"),
    ],
)
def test_its_end_is_a_warning_a_month_before(tmp_path: Path, today: str, told: str | None) -> None:
    text = f'{GOOD}[http.securite]\ncontact = "mailto:securite@exemple.invalid"\nexpire = 2027-06-30\n'
    (tmp_path / "gateway.toml").write_text(text, encoding="utf-8")
    (tmp_path / "clients.toml").write_text("[clients]\n[fin]\nclients = 0\n", encoding="utf-8")
    configuration = load({"GATEWAY_CONFIG": str(tmp_path), "GATEWAY_CLE": KEY, "GATEWAY_NOW": today})
    expected = [f"gateway.toml : [http.securite] {told} ; vérifier le contact, puis la reculer"] if told else []
    assert warnings(configuration) == expected

"""examples/ is a configuration that starts, and the documents for operators name every key, variable and metric there is."""

import asyncio
import base64
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from gateway.auth.authentication.clients import RegisteredClient, read_clients
from gateway.config import GatewayFile, load
from gateway.connectors.discovery import connectors
from gateway.server.composition import build_authenticator, build_gateway, read_client_register
from gateway.server.services import build_services
from gateway.sources.partners.file_format import AccessTable, PartnerFile
from gateway.sources.partners.load import load_partners
from gateway.sources.partners.tenants import COLUMNS

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()
SECRET_NAME = re.compile(r'^secret = "(\w+)"|,([A-Z]\w+)$', re.MULTILINE)
ENVIRONMENT = re.compile(r"""["'](GATEWAY_[A-Z_]+|HOST|PORT)["']""")
METRIC = re.compile(r"\"(passerelle_[a-z_]+[a-z])\"")


def environment(directory: Path) -> dict[str, str]:
    """A value for each secret that the example files name."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(directory.glob("partenaires/*.*"))]
    names = {a or b for text in texts for a, b in SECRET_NAME.findall(text)}
    return {"GATEWAY_CONFIG": str(directory), "GATEWAY_CLE": KEY} | dict.fromkeys(names, "compte:secret")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def keys(model: type[BaseModel]) -> Iterator[str]:
    """The keys of a configuration file, those of its tables included."""
    for name, field in model.model_fields.items():
        models = [m for m in _types(field.annotation) if isinstance(m, type) and issubclass(m, BaseModel)]
        yield from (key for nested in models for key in keys(nested))
        if not models:
            yield name


def _types(annotation: Any) -> Iterator[Any]:
    yield annotation
    for argument in get_args(annotation):
        yield from _types(argument)


def test_the_example_configuration_starts(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    asyncio.run(start(environment(tmp_path / "examples")))


async def start(environ: dict[str, str]) -> None:
    """Build everything that `serve` builds, and close it."""
    services = build_services(load(environ), environ)
    try:
        assert build_gateway(services) is not None
        assert build_authenticator(services, read_client_register(services.configuration)) is not None
    finally:
        await services.aclose()


def test_the_example_has_one_partner_of_each_kind_it_shows() -> None:
    partners = load_partners(EXAMPLES / "partenaires", environment(EXAMPLES), connectors())
    assert sorted(partners) == ["aimaira", "gestibase", "imilo", "referentiel", "registre"]
    assert list(partners["gestibase"].abonnes or ()) == ["0010856A"]


def test_the_example_register_holds_a_machine_and_a_second_factor() -> None:
    clients = read_clients(EXAMPLES / "clients.toml")
    assert {name for name, client in clients.items() if client.mfa} == {"ml-creil", "ddets-60"}
    assert [name for name, client in clients.items() if client.cles] == ["logiciel-creil"]


@pytest.mark.parametrize("model", [GatewayFile, RegisteredClient, PartnerFile, *get_args(AccessTable)])
def test_every_key_is_documented(model: type[BaseModel]) -> None:
    rows = [line.split("|")[1] for line in read("docs/configuration.md").splitlines() if line.startswith("| `")]
    documented = {word for row in rows for word in re.findall(r"\w+", row)}
    assert set(keys(model)) - documented == set()
    assert set(COLUMNS) <= documented


def test_every_environment_variable_is_documented() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "gateway").rglob("*.py")))
    assert len(set(ENVIRONMENT.findall(code))) > 10
    assert {name for name in ENVIRONMENT.findall(code) if f"`{name}`" not in read("docs/configuration.md")} == set()


def test_every_metric_is_documented() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "gateway").rglob("*.py")))
    page = read("docs/metriques.md")
    names = set(METRIC.findall(code)) | {"passerelle_boucle_retard_secondes", "passerelle_boucle_calcul_secondes"}
    assert len(names) > 20
    assert {name for name in names if not re.search(rf"`{name}(_total)?[`{{]", page)} == set()

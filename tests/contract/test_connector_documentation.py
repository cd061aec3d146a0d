"""docs/partenaires-*.md quote the real code, and the configuration that they show really starts."""

import re
import time
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from pydantic import BaseModel

from gateway.connectors.base import PagingStyle, PartnerRequest
from gateway.connectors.discovery import connectors
from gateway.connectors.table.dialect import Dialect
from gateway.sources.events.webhook_receiver import WebhookCall, is_authentic
from gateway.sources.metrics import SourceMetrics
from gateway.sources.partners import file_format
from gateway.sources.partners.load import load_partners

ROOT = Path(__file__).parents[2]
PAGE = "\n".join(
    (ROOT / "docs" / f"partenaires-{part}.md").read_text(encoding="utf-8")
    for part in ("table", "python", "fichier", "qualite")
)
CODE = (ROOT / "gateway" / "connectors" / "gestibase.py").read_text(encoding="utf-8")
LINES_MAX = 40


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("block", blocks("python"), ids=lambda block: block.split("(")[0])
def test_the_code_shown_is_the_code_run(block: str) -> None:
    assert block in CODE


def test_the_mapping_is_short() -> None:
    (mapping,) = [block for block in blocks("python") if block.startswith("def record(")]
    assert mapping.count("\n\n\ndef ") == 2
    assert len([line for line in mapping.splitlines() if line.strip()]) <= LINES_MAX


def test_the_configuration_shown_is_read(tmp_path: Path) -> None:
    (toml,), (csv,) = blocks("toml"), blocks("csv")
    (tmp_path / "gestibase.toml").write_text(toml, encoding="utf-8")
    (tmp_path / "gestibase.locataires.csv").write_text(csv, encoding="utf-8")
    secrets = ("GESTIBASE_SUPPORT", "GESTIBASE_CLE_0010856A", "GESTIBASE_EVENEMENTS")
    environ = dict.fromkeys(secrets, "secret")
    (partner,) = load_partners(tmp_path, environ, connectors()).values()
    assert (partner.nom, partner.genre, sorted(partner.acces)) == (
        "gestibase",
        "gestibase",
        ["defaut", "support"],
    )
    assert list(partner.abonnes or ()) == ["0010856A"]


def test_the_call_shown_is_signed_as_it_must_be() -> None:
    (example,) = blocks("py")
    sent: list[WebhookCall] = []

    def send(body: bytes, headers: dict[str, str]) -> None:
        sent.append(WebhookCall(headers["X-Horodatage"], headers["X-Signature"], body))

    exec(example, {"secret": "secret convenu", "envoyer": send})  # noqa: S102 - our own page
    (call,) = sent
    assert is_authentic(b"secret convenu", call, time.time())
    assert not is_authentic(b"autre", call, time.time())


def test_every_key_a_partner_may_have_is_shown() -> None:
    toml = "\n".join(blocks("toml") + blocks("toml reseau"))
    models: list[type[BaseModel]] = [
        one for one in vars(file_format).values() if _est_modele(one) and one is not Dialect
    ]
    keys = {name for model in models for name in model.model_fields} - {"dialecte"}
    assert keys
    assert [key for key in sorted(keys) if not re.search(rf"^(\[)?{key}\b", toml, flags=re.MULTILINE)] == []


def _est_modele(one: Any) -> bool:
    return isinstance(one, type) and issubclass(one, BaseModel) and one is not BaseModel


def test_every_field_of_a_request_and_every_reading_is_explained() -> None:
    words = {*PartnerRequest.__dataclass_fields__, *(name for name in vars(PagingStyle) if name.isupper())}
    readings_journal = {
        "cfa_records",
        "structure_records",
        "moisson",
        "contrat",
        "referentiel",
        "capabilities",
        "changes",
        "queue",
        "notices",
    }
    assert {word for word in words | readings_journal if f"`{word}`" not in PAGE} == set()


def test_the_counters_named_are_the_counters_there_are() -> None:
    registry = CollectorRegistry()
    SourceMetrics(registry)
    named = set(re.findall(r"`(passerelle_\w+)_total`", PAGE))
    assert named
    assert named <= {cost.name for cost in registry.collect()}

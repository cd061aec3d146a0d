"""Where the public names live today. When a class or a module moves, these imports change, and nothing else of the test."""

from collections.abc import Collection, Mapping
from pathlib import Path

from prometheus_client import CollectorRegistry
from pydantic import BaseModel

from gateway.auth.authentication.clients import _Register as _ClientsFile
from gateway.auth.policy.policy import FILE as _POLICY_PATH
from gateway.auth.policy.policy import AccessPolicy as _PolicyFile
from gateway.config import GatewayFile as _GatewayFile
from gateway.config import load as _load
from gateway.connectors.discovery import connectors as _connectors
from gateway.documents.mistake import Detail as _Detail
from gateway.domain import similarity as _weights
from gateway.domain.referentiel import CommuneLine as _Commune
from gateway.domain.referentiel import MissionLocaleRow as _MissionLocale
from gateway.domain.referentiel import OrganismeRow as _Organisme
from gateway.edge.graphql_http import DOCUMENT_KEYS as _DOCUMENT_KEYS
from gateway.errors import Code as _Code
from gateway.execution.executor import ExecutionMode as _ExecutionMode
from gateway.schema.organisations import NatureDefaut as _NatureDefaut
from gateway.server.composition import build_gateway as _build_gateway
from gateway.server.services import build_services as _build_services
from gateway.sources.events.webhook_receiver import WebhookOutcome as _WebhookOutcome
from gateway.sources.harvest.referentiel import VERSION as _REFERENTIEL_VERSION
from gateway.sources.partners.file_format import PartnerFile as _PartnerFile
from gateway.sources.partners.tenants import COLUMNS as _TENANT_COLUMNS
from gateway.sources.units import CacheStatus as _CacheStatus
from gateway.sources.units import Resource as _Resource

FILES: Mapping[str, type[BaseModel]] = {
    "gateway.toml": _GatewayFile,
    "clients.toml": _ClientsFile,
    "partenaires/*.toml": _PartnerFile,
    "policy.toml": _PolicyFile,
}
TENANT_COLUMNS: Collection[str] = _TENANT_COLUMNS
POLICY_PATH: Path = _POLICY_PATH
WEIGHTS_PATH = Path(_weights.__file__).with_name("poids.toml")

ERROR_CODES = {code.value for code in _Code}
DOCUMENT_KEYS = set(_DOCUMENT_KEYS)
ERROR_DETAILS = {detail.value for detail in _Detail}
EXECUTION_PATHS = {path.value for path in _ExecutionMode}
CACHE_STATUSES = {status.value for status in _CacheStatus}
RESOURCES = {resource.value for resource in _Resource}
DEFECTS = {nature.value for nature in _NatureDefaut}
WEBHOOK_OUTCOMES = {outcome.value for outcome in _WebhookOutcome}
REFERENTIEL_VERSION: int = _REFERENTIEL_VERSION
REFERENTIEL_ROWS: Mapping[str, type] = {
    "communes": _Commune,
    "missions_locales": _MissionLocale,
    "organismes": _Organisme,
}


def connector_kinds() -> set[str]:
    """What `genre` of a partner's file may be."""
    return set(_connectors())


async def metrics_registry(environ: Mapping[str, str]) -> CollectorRegistry:
    """The figures of a gateway that is built and not started."""
    services = _build_services(_load(environ), environ)
    try:
        _build_gateway(services)
        return services.metrics
    finally:
        await services.aclose()

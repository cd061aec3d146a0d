"""The partners of a configuration, and what reads each: the connectors of the house, those that gateway.toml admits,
their tables."""

import logging
from collections.abc import Mapping
from pathlib import Path

from gateway.config import GatewayFile
from gateway.connectors.base import Connector
from gateway.connectors.discovery import connectors
from gateway.errors import ConfigurationError
from gateway.sources.partners.load import Partner, load_partners
from gateway.sources.partners.plugins import plugins

FOLDER = "partenaires"
logger = logging.getLogger("gateway.sources")


def configured_partners(
    root: Path, file: GatewayFile, environ: Mapping[str, str]
) -> tuple[dict[str, Connector], dict[str, Partner]]:
    """The connectors by kind, and the partners by name. One that may be missing is left out when it is wrong, which is logged.

    Raises ConfigurationError, with what is wrong in each file of the others.
    """
    known = dict(connectors())
    found, optional = plugins(root / FOLDER, file.connecteurs, known), file.partenaires.facultatifs
    wrong = [one for name, one in found.items() if isinstance(one, str) and name not in optional]
    if wrong:
        raise ConfigurationError(wrong[0], wrong[1:])
    for name, one in found.items():
        if isinstance(one, Connector):
            known[name] = one
        else:
            _left_out(one)
    return known, load_partners(root / FOLDER, environ, known, optional, _left_out)


def _left_out(told: str) -> None:
    logger.error("partenaire facultatif laissé de côté : %s", told)

"""One checkout of `bench.reading`: reads the recorded pages of a population, connector by connector, and tells what it read.

Run by the interpreter of a checkout, which may be of another commit: it uses only what both have. Answers on its output, a line
of JSON for each line of its input: `time <partner>` the seconds of processor of one reading, `nouns <partner>` what was read.
"""

import asyncio
import base64
import gc
import hashlib
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import msgspec
from prometheus_client import CollectorRegistry

from gateway.connectors.base import Connector, QualityCounts, Tenant, mapped
from gateway.connectors.discovery import connectors
from gateway.sources.harvest.harvester import due_windows
from gateway.sources.http.transport import Transport
from gateway.sources.metrics import SourceMetrics
from gateway.sources.partner_client import PartnerClient
from gateway.sources.partners.load import Partner, load_partners
from gateway.sources.reading import ReadingRun
from gateway.sources.resilience.budgets import Clock
from gateway.sources.unit_reader import UnitReader
from gateway.sources.units import Resource, Unit

PAGES, SECRETS, WHOSE = "pages.json", "secrets.json", "whose.json"
UNPACED = 1e9  # requests a second: recorded answers spare nobody

Nouns = dict[str, Any]
RecordedPages = dict[str, tuple[int, dict[str, str], str]]  # by request: status, headers, body in base64


def asked_for(request: httpx.Request) -> str:
    """What tells a request from another, whatever else it sends."""
    return f"{request.method} {request.url} {hashlib.sha256(request.content).hexdigest()}"


class RecordedNetwork(httpx.AsyncBaseTransport):
    """Gives the answers of a recording. Raises ConnectError for a request that has none."""

    def __init__(self, recorded: RecordedPages) -> None:
        self._answers = {
            asked: (status, headers, base64.b64decode(body)) for asked, (status, headers, body) in recorded.items()
        }

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if (answer := self._answers.get(asked_for(request))) is None:
            raise httpx.ConnectError(f"not recorded: {request.method} {request.url.path}")
        status, headers, body = answer
        return httpx.Response(status, headers=headers, stream=httpx.ByteStream(body))


class RecordedPartners:
    """The readings of a configuration, by partner. `whose`: the Missions locales asked, and the instant, as it is told."""

    def __init__(self, folder: Path, network: httpx.AsyncBaseTransport) -> None:
        secrets: Mapping[str, str] = json.loads((folder / SECRETS).read_text(encoding="utf-8"))
        whose = json.loads((folder / WHOSE).read_text(encoding="utf-8"))
        self._structures: list[str] = whose["structures"]
        self._now = datetime.fromisoformat(whose["now"])
        self._network = network
        self._known: Mapping[str, Connector] = connectors()
        self.partners = load_partners(folder / "partenaires", secrets, self._known)

    async def read(self, name: str) -> Nouns:
        """All that a partner has, by key. Raises SourceError."""
        partner = self._unpaced(self.partners[name])
        client = PartnerClient(
            partner,
            Transport(self._clock, lambda: self._network),
            SourceMetrics(CollectorRegistry()),
            self._clock,
            Clock(),
        )
        connector = self._known[partner.genre]
        if connector.moisson:
            return await self._registry(client, connector, partner)
        if connector.referentiel:
            told = (await ReadingRun(client, Tenant("")).run(connector.referentiel())).value[0]
            tables = ("communes", "missions_locales", "organismes")
            return {f"{name}/{key}": one for name in tables for key, one in getattr(told, name).items()}
        return await self._units(client, connector, partner)

    async def _units(self, client: PartnerClient, connector: Connector, partner: Partner) -> Nouns:
        keys = sorted(partner.abonnes) if partner.abonnes else self._structures
        resource = Resource.CFA if connector.cfa_records else Resource.STRUCTURE
        reader, nouns = UnitReader(client, connector, keys), Nouns()
        for key in keys:
            outcome = await reader.read(Unit(partner.nom, resource, key))
            if not hasattr(outcome, "records"):
                raise SystemExit(f"{partner.nom} {key}: {getattr(outcome, 'error', outcome)}")
            nouns |= {f"{key}/{record.key}": record for record in outcome.records}
            nouns[f"{key}/quality"] = reader.quality.get(key)
        return nouns

    async def _registry(self, client: PartnerClient, connector: Connector, partner: Partner) -> Nouns:
        moisson, fold = connector.moisson, connector.contrat
        if not (moisson and fold and partner.moisson):
            raise SystemExit("no registry")
        yesterday, length = self._now.date() - timedelta(days=1), partner.moisson.fenetre_jours
        rows = defaultdict[str, list[tuple[date, int, Mapping[str, Any]]]](list)
        for window in due_windows([], partner.moisson.depuis, yesterday, length):
            for view in moisson.partner_requests(window.debut, window.fin):
                rank, pages = 1, 1
                while rank <= pages:
                    page = await client.page(view, rank, partial(moisson.rows, view, window.fin))
                    rank, pages = rank + 1, page.total
                    for row in page.content[0]:
                        rows[row.no_contrat].append((row.day, len(rows[row.no_contrat]), row.payload))
        payloads = [[payload for *_, payload in sorted(told, key=lambda one: one[:2])] for told in rows.values()]
        folded = await client.apart(lambda: mapped(fold, payloads, QualityCounts()))
        return {str(contrat.numero): [jeune, contrat] for jeune, contrat in filter(None, folded)}

    def _clock(self) -> datetime:
        return self._now

    @staticmethod
    def _unpaced(partner: Partner) -> Partner:
        limits = partner.limites.model_copy(update={"par_seconde": UNPACED, "par_minute_locataire": 60 * UNPACED})
        return replace(partner, limites=limits)


def _timed(readings: RecordedPartners, name: str) -> list[float]:
    gc.collect()
    before = time.process_time()
    nouns = asyncio.run(readings.read(name))
    return [time.process_time() - before, len(nouns)]


def told(readings: RecordedPartners, name: str) -> Nouns:
    """All that a partner has, as data."""
    return {key: msgspec.to_builtins(noun) for key, noun in asyncio.run(readings.read(name)).items()}


COMMANDS: Mapping[str, Callable[[RecordedPartners, str], Any]] = {"time": _timed, "nouns": told}


def main() -> None:
    """Answer the lines of the input."""
    folder = Path(sys.argv[1])
    readings = RecordedPartners(folder, RecordedNetwork(json.loads((folder / PAGES).read_text(encoding="utf-8"))))
    for line in sys.stdin:
        command, name = line.split()
        print(json.dumps(COMMANDS[command](readings, name)), flush=True)


if __name__ == "__main__":
    main()

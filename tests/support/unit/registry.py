"""A registry partner that answers from memory, and rows to fill it: shared by the tests of the store and of the harvest."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from gateway.connectors.base import PartnerRequest
from gateway.connectors.deca import CONNECTOR
from gateway.domain.seal import Sealer
from gateway.sources.harvest.harvester import HarvestedRows, HarvestTarget
from gateway.sources.partner_client import HarvestPage
from gateway.stores.registry import RegistryStore, Window
from gateway.stores.registry_row import RegistryRow
from gateway.stores.registry_writer import RegistryWriter, WindowUnderWay

SEALER = Sealer(bytes(range(32)))
TELEPHONE, COURRIEL = "0639980017", "canari@exemple.invalid"


def charge(no_contrat: str = "059202509000001", **told_values: Any) -> dict[str, Any]:
    """A contract object of the TBA view; `told_values` replaces some of what it tells."""
    values: dict[str, Any] = {
        "nom": "CANARI",
        "prenom": "Zoé",
        "naissance": "2007-05-17",
        "sexe": "F",
        "code_postal": "59000",
        "uai": "0590001F",
        "siret": "",
        "debut": "2025-09-01",
        "fin": "2027-08-31",
        "avenant": "",
        "statut": "",
        "rupture": "",
        **told_values,
    }
    return {
        "alternant": {
            "nom": values["nom"],
            "prenom": values["prenom"],
            "dateNaissance": values["naissance"],
            "sexe": values["sexe"],
            "telephone": TELEPHONE,
            "courriel": COURRIEL,
            "adresse": {"numero": "1", "voie": "rue du Canari", "codePostal": values["code_postal"]},
        },
        "formation": {"dateDebutFormation": values["debut"], "dateFinFormation": values["fin"]},
        "organismeFormationResponsable": {"uaiCfa": values["uai"], "siret": values["siret"]},
        "detailsContrat": {
            "noContrat": no_contrat,
            "noAvenant": values["avenant"],
            "dispositif": "APPR",
            "dateDebutContrat": values["debut"],
            "dateFinContrat": values["fin"],
            "statut": values["statut"],
        },
        "rupture": {"dateEffetRupture": values["rupture"], "codeMotifRupture": "02" if values["rupture"] else ""},
    }


def charge_lba(no_contrat: str = "059202509000001", **told_values: Any) -> dict[str, Any]:
    """The same contract in the LBA view: an employer, no address, no sex, no phone."""
    item = charge(no_contrat, **told_values)
    item["alternant"] = {key: item["alternant"][key] for key in ("nom", "prenom", "dateNaissance", "courriel")}
    item["employeur"] = {"siret": "13002526500013", "denomination": "Boulangerie fictive"}
    return item


@dataclass
class Partner:
    """Answers pages of windows from `days`: day of processing → rows of each view. `incident` runs before each window."""

    days: dict[date, list[tuple[str, dict[str, Any]]]] = field(default_factory=dict)
    incident: Callable[[int], None] = lambda _: None
    windows: list[tuple[str, str]] = field(default_factory=list)
    calls: list[tuple[str, str, int]] = field(default_factory=list)  # view, first day, page
    a_la_page: Callable[[str, str, int], object] = lambda *_: None
    per_page: int = 1000
    announces: Callable[[int], int | None] = lambda _: None  # how many rows it says there are, given how many there are

    def tell(self, day: date, item: dict[str, Any], view: str = "TBA") -> None:
        self.days.setdefault(day, []).append((view, item))

    async def read(
        self, partner_request: PartnerRequest, rank: int, read: Callable[[Any], HarvestedRows]
    ) -> HarvestPage[HarvestedRows]:
        """One page, as the core asks for it."""
        await asyncio.sleep(0)
        debut, fin = _bounds(partner_request)
        if partner_request.acces == "tba" and rank == 1:
            self.incident(len(self.windows))
            self.windows.append((debut, fin))
        self.calls.append((partner_request.acces, debut, rank))
        self.a_la_page(partner_request.acces, debut, rank)
        contrats = self._contrats(partner_request)
        page = contrats[(rank - 1) * self.per_page : rank * self.per_page]
        digest = json.dumps([partner_request.body, rank]).encode()
        total = max(1, -(-len(contrats) // self.per_page))
        return HarvestPage(read({"contrats": page}), total, digest, len(page), self.announces(len(contrats)))

    def _contrats(self, partner_request: PartnerRequest) -> list[dict[str, Any]]:
        debut, fin = (date.fromisoformat(anchor) for anchor in _bounds(partner_request))
        days = (debut + timedelta(days=rank) for rank in range((fin - debut).days + 1))
        return [o for day in days for view, o in self.days.get(day, []) if partner_request.path.endswith(view)]


def _bounds(partner_request: PartnerRequest) -> tuple[str, str]:
    assert partner_request.body is not None
    return partner_request.body["dateDebut"], partner_request.body["dateFin"]


def champ(source: Partner, depuis: date, **told_values: Any) -> HarvestTarget:
    """That partner, harvested by the real connector."""
    assert CONNECTOR.moisson is not None
    return HarvestTarget("registre", source.read, CONNECTOR.moisson, depuis, 59, **told_values)


async def importer(registry: RegistryStore, window: Window, rows: Sequence[RegistryRow], instant: datetime) -> None:
    """Write a window of one page."""
    registry_writer, under_way = RegistryWriter(registry), WindowUnderWay(window)
    assert await registry_writer.elect()
    try:
        await registry_writer.write_page(under_way, rows, under_way.after(1, len(rows)), instant)
    finally:
        await registry_writer.release()

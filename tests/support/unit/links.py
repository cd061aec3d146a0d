"""What tests of stable ids are written with: records told by hand, joined or not, read through the real store."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from gateway.connectors.base import Record
from gateway.domain.seal import OpaqueIds, Sealer
from gateway.federation.ids.id_assigner import AssignedIds, IdAssigner, person_keys
from gateway.federation.join.join_records import Cluster, SourcedRecord, link
from gateway.schema.nouns import Contrat, Jeune
from gateway.schema.organisations import TypeSource
from gateway.stores.links import LinkStore

T0 = datetime(2026, 10, 1, 9, tzinfo=UTC)
IDS = OpaqueIds(Sealer(bytes(32)))
NATURES = {"registre": TypeSource.REGISTRE_CONTRATS, "imilo": TypeSource.MISSION_LOCALE}


def told(source: str, key: str = "1", tenant: str = "", **values: Any) -> SourcedRecord:
    """A record; the registry's has one contract, numbered as the record is called."""
    told_values = {"nom": "Le Goff", "prenom": "Anaïs", "date_naissance": date(2006, 3, 7), **values}
    if source == "registre":
        told_values.setdefault("contrats", [Contrat(numero=key, date_debut=date(2025, 9, 1))])
    nature = NATURES.get(source, TypeSource.ERP_CFA)
    return SourcedRecord(source, nature, tenant, Record(key, Jeune(**told_values)), T0)


def cluster_of(*sourced_records: SourcedRecord) -> Cluster:
    """A group, whatever joined it: the rules of joining are not what is tried here."""
    return Cluster("", tuple(sorted(sourced_records, key=lambda sourced_record: sourced_record.rank)))


def shared_identities(groups: Sequence[Cluster], complete: bool) -> frozenset[str]:
    """The identities that designate nobody: borne by several groups; while a source is not heard, any."""
    bearers: dict[str, set[int]] = {}
    for rank, group in enumerate(groups):
        for record in group.sourced_records:
            bearers.setdefault(record.identity, set()).add(rank)
    return frozenset(identity for identity, ranks in bearers.items() if len(ranks) > 1 or not complete)


@dataclass(slots=True)
class UnitReader:
    """One process that reads: its attributor, over a ledger that others may share."""

    id_assigner: IdAssigner
    last: AssignedIds | None = None

    async def read(self, *groups: Cluster, after: Sequence[Cluster] = (), complete: bool = True) -> list[str]:
        """The id of each group; `after`: groups heard but out of the view; not `complete`: a source was not heard."""
        shared = shared_identities([*groups, *after], complete)
        key_sets = [person_keys(group, shared, IDS.pseudonym) for group in groups]
        self.last = await self.id_assigner.assign(key_sets, ())
        return [self.last.id_of(record_keys) for record_keys in key_sets]

    async def join_all(self, *sourced_records: SourcedRecord) -> list[str]:
        """The ids of the persons that today's joining makes of records."""
        return await self.read(*link(sourced_records))

    async def one(self, *sourced_records: SourcedRecord) -> str:
        """The id of records that speak of one person."""
        (item,) = await self.read(cluster_of(*sourced_records))
        return item

    def former_ids(self) -> dict[str, str]:
        assert self.last is not None
        return dict(self.last.former_ids)

    def a(self, instant: datetime) -> "UnitReader":
        """The same ledger, read at another instant."""
        return UnitReader(replace(self.id_assigner, now=lambda: instant))


def derive(text: str) -> str:
    return IDS.pseudonym(f"objet|{text}")


def reader(store: Any, failures: list[int] | None = None, timeout: float = 30.0) -> UnitReader:
    """A process over a store; each reading without it adds to `failures`."""
    account = [] if failures is None else failures
    return UnitReader(IdAssigner(store, derive, lambda: T0, lambda: account.append(1), timeout))


def ledger_of(record: Path) -> LinkStore:
    return LinkStore(f"sqlite+aiosqlite:///{record / 'liens.sqlite'}")

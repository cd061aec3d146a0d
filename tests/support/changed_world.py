"""Installations of a generated population whose records are changed at random, one at a time: what each says is told anew whole.

Knows no rule of joining: a change copies a value from somebody else, drops it, takes a record away or brings it back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from random import Random
from typing import Any

from fixtures.population.generator import generate
from gateway.connectors.base import Record
from gateway.federation.join.join_records import Installation, SourcedRecord, told_by
from gateway.schema.organisations import TypeSource
from gateway.sources.units import CacheStatus, Resource, Unit, UnitResult
from tests.support.told_population import INSTANT, record_of

TODAY = date(2026, 10, 15)
COPIED = (
    "telephone",
    "courriel",
    "nom",
    "prenom",
    "date_naissance",
    "sexe",
    "ine",
    "adresse",
    "contrats",
    "formations",
)
DROPPED = ("telephone", "courriel", "sexe", "ine", "adresse")
NATURES = {"registre": TypeSource.REGISTRE_CONTRATS, "imilo": TypeSource.MISSION_LOCALE}
Origin = tuple[str, str]


@dataclass
class ChangedWorld:
    """By installation: what it says now, as records and as whoever reads it again and again holds them."""

    randomness: Random
    said: dict[Origin, list[Record]]
    left: list[tuple[Origin, Record]] = field(default_factory=list)
    told: dict[Origin, Sequence[SourcedRecord]] = field(default_factory=dict)
    version: int = 0
    _heard: dict[Origin, list[SourcedRecord]] = field(default_factory=dict)  # anew, until it says something else

    @classmethod
    def drawn(cls, seed: int, jeunes: int, shared_telephones: int) -> "ChangedWorld":
        """A population with many mistakes; of so many people, in threes, one telephone."""
        population, randomness = generate(seed=seed, jeunes=jeunes, today=TODAY, noise=3.0), Random(seed)
        said = {
            (system, tenant): [record_of(account) for account in accounts]
            for system, tenants in population.accounts.items()
            for tenant, accounts in tenants.items()
        }
        world = cls(randomness, said)
        for rank in range(shared_telephones):
            world._put(*world._somebody(), telephone=f"06399899{rank // 3:02}")
        for origin in world.said:
            world._tell(origin)
        return world

    def change(self) -> None:
        """Change one record, or whether it is there."""
        origin, record = self._somebody()
        draw = self.randomness.random()
        if draw < 0.2:
            self.said[origin].remove(record)
            self.left.append((origin, record))
        elif draw < 0.4 and self.left:
            origin, record = self.left.pop(self.randomness.randrange(len(self.left)))
            self.said[origin].append(record)
        elif draw < 0.5:
            self._put(origin, record, **{self.randomness.choice(DROPPED): None})
        else:
            other, champ = self._somebody()[1].jeune, self.randomness.choice(COPIED)
            self._put(origin, record, **{champ: getattr(other, champ)})
        self._tell(origin)

    def put(self, origin: Origin, key: str, **values: Any) -> None:
        """Change these values of a record."""
        self._put(origin, next(one for one in self.said[origin] if one.key == key), **values)
        self._tell(origin)

    def anew(self) -> list[SourcedRecord]:
        """All that is said, as whoever reads it for the first time hears it."""
        for origin in self.said.keys() - self._heard.keys():
            self._heard[origin] = self._hear(origin)
        return [who for records in self._heard.values() for who in records]

    def _hear(self, origin: Origin) -> list[SourcedRecord]:
        (system, tenant), records = origin, tuple(self.said[origin])
        whole, nature = Installation(records if system != "registre" else ()), NATURES.get(system, TypeSource.ERP_CFA)
        return [SourcedRecord(system, nature, tenant, record, INSTANT, None, whole) for record in records]

    def by_installation(self) -> Mapping[Origin, Sequence[SourcedRecord]]:
        return dict(self.told)

    def _somebody(self) -> tuple[Origin, Record]:
        origin = self.randomness.choice([origin for origin, records in self.said.items() if records])
        return origin, self.randomness.choice(self.said[origin])

    def _put(self, origin: Origin, record: Record, **values: Any) -> None:
        rank = next(rank for rank, one in enumerate(self.said[origin]) if one is record)
        self.said[origin][rank] = replace(record, jeune=replace(record.jeune, **values))

    def _tell(self, origin: Origin) -> None:
        self._heard.pop(origin, None)
        system, tenant = origin
        if system == "registre":
            known = {who.record.key: who for who in self.told.get(origin, ())}
            self.told[origin] = [self._of_registry(record, known.get(record.key)) for record in self.said[origin]]
            return
        self.version += 1
        unit = Unit(system, Resource.STRUCTURE if system == "imilo" else Resource.CFA, tenant)
        records = tuple(replace(record, jeune=replace(record.jeune)) for record in self.said[origin])
        result = UnitResult(unit, records, INSTANT, CacheStatus.MISSED, str(self.version))
        self.told[origin] = told_by(result, self.told.get(origin))

    def _of_registry(self, record: Record, known: SourcedRecord | None) -> SourcedRecord:
        if known is not None and known.record is record:
            return known
        return SourcedRecord("registre", TypeSource.REGISTRE_CONTRATS, "", record, INSTANT)

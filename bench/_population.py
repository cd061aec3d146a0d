"""What the benches of joining share: records as the gateway reads them, and the truth of whose each is."""

import asyncio
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from fixtures.evaluation.scores import Record, Truth
from fixtures.evaluation.truth_classes import groups, truth_of
from fixtures.population.model import Account, Population, ViewPerson
from fixtures.world import World
from gateway.config import load
from gateway.domain.official_numbers import ContratTraits, Traits, siren
from gateway.federation.join.join_records import SourcedRecord
from gateway.federation.linkage_export import read_all_records
from gateway.server.composition import build_gateway
from gateway.server.services import build_services

TODAY = date(2026, 10, 15)


@dataclass(frozen=True, slots=True)
class Reading:
    """The records of one population as they are compared, each once, and whose each is."""

    traits: Sequence[Traits]
    truth: Truth

    def person(self, trait: Traits) -> str:
        return str(self.truth.persons[name_record(trait)])


def name_record(trait: Traits) -> Record:
    """A record as the evaluator names it; here the registry's are persons already folded."""
    return Record(trait.origin[0], f"{trait.origin[1]}/{trait.key}")


def read_off(seed: int, jeunes: int, noise: float, model: int = 1) -> Reading:
    """Ask every source of a generated world through the real connectors. Records of two people at once are left out."""
    with World.generated(seed=seed, jeunes=jeunes, noise=noise, today=TODAY, model=model) as world:
        world.harvest()
        sourced_records = asyncio.run(_take_census(world.environment))
        owner = truth_of(world.population).persons
    traits: dict[object, Traits] = {}
    persons: dict[Record, object] = {}
    for sourced_record in sourced_records:
        own = {owner[one] for one in groups([{"enregistrements": _ids(sourced_record)}])[0] if one in owner}
        if sourced_record.traits and len(own) == 1:
            traits[sourced_record.traits.rank] = sourced_record.traits
            persons[name_record(sourced_record.traits)] = own.pop()
    return Reading(sorted(traits.values(), key=lambda trait: trait.rank), Truth(persons))


def _ids(sourced_record: SourcedRecord) -> dict[str, list[Any]]:
    if sourced_record.source == "registre":
        return {"registre": [contrat.numero for contrat in sourced_record.jeune.contrats or []]}
    return {sourced_record.source: [f"{sourced_record.tenant}/{sourced_record.record.key}"]}


async def _take_census(environment: Mapping[str, str]) -> Sequence[SourcedRecord]:
    services = build_services(load(environment), environment)
    gateway = build_gateway(services)
    try:
        await services.registry.open()
        await services.keeper.open()
        return await read_all_records(gateway.collector, gateway.directory(), lambda text: print(text, file=sys.stderr))
    finally:
        await services.aclose()


def traits_of(accounts: Iterable[Account]) -> list[Traits]:
    """Records straight from what systems tell, without HTTP: for sizes that would take an hour to serve."""
    return [_traits(account, account.person) for account in accounts]


def _traits(account: Account, who: ViewPerson) -> Traits:
    return Traits(
        origin=(account.system, account.tenant),
        key=account.key,
        noms=(who.nom,),
        prenom=who.prenom,
        naissance=who.date_naissance,
        sexe=who.sexe,
        telephone=who.telephone or None,
        courriel=who.courriel or None,
        code_postal=who.adresse.code_postal,
        cfas=frozenset(formation.uai for formation in who.formations),
        contrats=tuple(
            ContratTraits(
                c.numero if account.system == "registre" else None,
                c.debut,
                c.rupture.date if c.rupture else c.fin,
                siren(c.employeur.siret) if c.employeur.siret else None,
            )
            for c in who.contrats
        ),
    )


def accounts(population: Population, systems: Iterable[str]) -> list[Account]:
    """The records of some systems."""
    return [account for system in systems for own in population.accounts[system].values() for account in own]

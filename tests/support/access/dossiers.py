"""A small world whose Missions locales know more than the CFAs: contacts, other spellings, follow-ups and requests."""

from dataclasses import dataclass, replace
from random import Random

from gateway.connectors.base import Record
from gateway.schema.nouns import Adresse, Jeune
from gateway.schema.scalars import CodePostal
from gateway.sources.units import Resource, Unit
from tests.support.access.small_world import RECEIVED, Inhabitant, Sources, record


@dataclass(frozen=True, slots=True)
class Dossier:
    """What a Mission locale says of somebody. `mark`: in each of its texts. `request`: joint support was asked for."""

    numero: int
    structure: str
    mark: str
    spelling: int
    request: bool


@dataclass
class TalkativeSources(Sources):
    """The CFAs say nothing of follow-ups, and some no contact nor home; the Missions locales say all that a dossier holds."""

    dossiers: tuple[Dossier, ...] = ()

    def _records(self, unit: Unit) -> tuple[Record, ...]:
        if unit.resource is Resource.CFA:
            return tuple(_told(one) for one in self.inhabitants if one.cfa == unit.key)
        people = {one.numero: one for one in self.inhabitants}
        return tuple(_dossier(people[d.numero], d) for d in self.dossiers if d.structure == unit.key)


def draw_dossiers(inhabitants: list[Inhabitant], randomness: Random) -> tuple[Dossier, ...]:
    """Somebody has one where he is followed; a request, where the population says so."""
    return tuple(
        Dossier(one.numero, code, f"Secret{randomness.randrange(10**6)}", randomness.randrange(4), one.collaboration)
        for one in inhabitants
        for code in sorted(one.followed_by)
    )


def _told(one: Inhabitant) -> Record:
    told = record(one)
    jeune = replace(told.jeune, suivi=None, collaboration=None)
    if one.numero % 2:
        jeune = replace(jeune, telephone=None, courriel=None)
    return replace(told, jeune=jeune if one.numero % 3 else replace(jeune, adresse=None, rqth=None))


def _dossier(one: Inhabitant, dossier: Dossier) -> Record:
    told = record(one).jeune
    insee = f"{dossier.structure[:2]}0{dossier.structure[3:]}"
    jeune = Jeune(
        nom=f"{told.nom} {'Autre' if dossier.spelling == 1 else ''}",
        prenom=told.prenom,
        date_naissance=told.date_naissance,
        sexe=told.sexe,
        telephone=f"06{dossier.mark[6:]:0>8}",
        courriel=f"{dossier.mark}@exemple.invalid" if dossier.spelling != 2 else told.courriel,
        adresse=Adresse(voie=dossier.mark, code_postal=CodePostal(insee), insee=insee, ville=dossier.mark),
        suivi=told.suivi and replace(told.suivi, conseiller=dossier.mark, commentaire=dossier.mark),
        collaboration=told.collaboration if dossier.request else None,
    )
    return Record(f"M{dossier.numero}", jeune, RECEIVED)

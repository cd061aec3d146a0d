"""Looks up an exact identity in the ledger of links, by stand-ins. Asks no source; what is found is ids alone.

A person whom Missions locales alone know is under stand-ins of their own (`anchors`): both are looked for.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from gateway.domain.links import KnownLinks
from gateway.domain.official_numbers import identity_key
from gateway.domain.seal import OpaqueIds
from gateway.federation.ids.anchors import followed_name
from gateway.federation.ids.id_assigner import derivation, identities


class CousinLedger(Protocol):
    """The ledger. Each call may raise LinksUnavailable."""

    async def read_cousins(self, identities: Collection[str]) -> KnownLinks: ...


@dataclass(frozen=True, slots=True)
class AskedIdentity:
    """An exact identity. `code`: what designates it in the journal; `stand_ins`: what may stand for it in the ledger."""

    exact: str
    code: str
    stand_ins: frozenset[str]


def asked_identity(nom: str, prenom: str, naissance: date, opaque_ids: OpaqueIds) -> AskedIdentity:
    """Spelled as one of the sources does, but for case, accents and marks."""
    common = identities(nom, prenom, naissance, opaque_ids.pseudonym)
    derive = derivation(opaque_ids)
    return AskedIdentity(
        exact=identity_key(nom, prenom, naissance),
        # Of those of everybody alone: what the journal calls a question did not change with what is looked for.
        code=min(common),
        # Theirs are made from the others: nobody else's question leads to them.
        stand_ins=common | {followed_name(one, derive) for one in common},
    )


async def ids_of_identity(asked: AskedIdentity, links: CousinLedger) -> Sequence[frozenset[str]]:
    """The ids of each person who bears it. Raises LinksUnavailable."""
    known = await links.read_cousins(asked.stand_ins)
    # Cousins hold all records of the objects found: only a record of that very identity makes its object a bearer.
    found = {known.same(link.object_) for link in known.cousins if link.key.identity in asked.stand_ins}
    return sorted(found, key=min)

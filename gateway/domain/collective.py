"""What an installation gives for several of its people: it tells none of them from another (docs/domaine.md, "Identité"). Pure.

Found among *all* the records of one installation, so that it is a fact of it, whoever asks and whatever else is read.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

SEVERAL = 3  # records of one installation: two may be one person, typed twice


@dataclass(frozen=True, slots=True)
class Collective:
    """Contacts of a school, a home or a family; identities under which an installation files whoever it does not know."""

    contacts: frozenset[str] = frozenset()
    identities: frozenset[str] = frozenset()


def collective(people: Iterable[tuple[str, str, Iterable[str | None]]]) -> Collective:
    """Of the records of one installation, each as its exact identity, the letters of its first name, and its contacts."""
    identities: Counter[str] = Counter()
    prenoms: dict[str, list[Hashable]] = defaultdict(list)
    for identity, prenom, contacts in people:
        identities[identity] += 1
        for contact in filter(None, contacts):
            prenoms[contact].append(prenom)
    # Of two first names, two persons: brothers, whom their parents' telephone tells not apart.
    shared = (contact for contact, told in prenoms.items() if len(told) >= SEVERAL or len(set(told)) > 1)
    repeated = (identity for identity, number in identities.items() if number >= SEVERAL)
    return Collective(frozenset(shared), frozenset(repeated))

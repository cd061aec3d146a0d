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
    identities: frozenset[Hashable] = frozenset()


def collective(people: Iterable[tuple[Hashable, str, tuple[str | None, ...]]]) -> Collective:
    """Of the records of one installation, each as the identity that it tells, its first name, and its contacts."""
    told, prenoms = list(people), defaultdict[str, list[str]](list)
    identities = Counter(identity for identity, _, _ in told)
    for _, prenom, contacts in told:
        for contact in filter(None, contacts):
            prenoms[contact].append(prenom)
    # Of two first names, two persons: brothers, whom their parents' telephone tells not apart.
    shared = (contact for contact, of in prenoms.items() if len(of) >= SEVERAL or len(set(of)) > 1)
    repeated = (identity for identity, number in identities.items() if number >= SEVERAL)
    return Collective(frozenset(shared), frozenset(repeated))

"""Links between records and the objects they tell of, as pseudonyms: what is decided by federation and kept by a store.

An object is a person or a contract. No name, no date of anybody, no contact: only stand-ins, and when they were seen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Cle:
    """What designates one record. `identite` and `origine` (its installation) help to know it again under another key;
    empty where that must not be tried."""

    cle: str
    identite: str = ""
    origine: str = ""


@dataclass(frozen=True, slots=True)
class Lien:
    """A record and its object. `depuis`: when the object was first seen; `vu_le`: when the record last was, to the month."""

    cle: Cle
    objet: str
    depuis: datetime
    vu_le: datetime


@dataclass(frozen=True, slots=True)
class Alias:
    """An id that goes on under an older one; `rompu`, once both were seen apart, which is for good."""

    ancien: str
    survivant: str
    depuis: datetime  # when the survivor was first seen
    rompu: bool = False


@dataclass(frozen=True, slots=True)
class Connus:
    """What the ledger says of some records: their links, those of their cousins (records of the same identity or object),
    and the aliases of all these objects."""

    liens: Mapping[str, Lien] = field(default_factory=dict)  # by key
    cousins: Sequence[Lien] = ()
    alias: Mapping[str, Alias] = field(default_factory=dict)  # by old id

    def suite(self, objet: str) -> list[Alias]:
        """The aliases under which an object goes on, one after the other; none while it has its own id."""
        suivis: dict[str, Alias] = {}
        while (alias := self.alias.get(objet)) is not None and not alias.rompu and objet not in suivis:
            suivis[objet] = alias
            objet = alias.survivant
        return list(suivis.values())

    def survivant(self, objet: str) -> str:
        """The id under which an object goes on in the end: its own, most often."""
        suite = self.suite(objet)
        return suite[-1].survivant if suite else objet


@dataclass(frozen=True, slots=True)
class Ecritures:
    """What a reading teaches the ledger. Each is idempotent, and two processes that write at once agree."""

    nouveaux: Sequence[Lien] = ()  # first writer wins
    changes: Sequence[tuple[str, Lien]] = ()  # with the object the link had: nothing is written over another's change
    alias: Sequence[Alias] = ()  # first writer wins
    rompus: Sequence[str] = ()  # old ids whose alias ends

    def __bool__(self) -> bool:
        return bool(self.nouveaux or self.changes or self.alias or self.rompus)

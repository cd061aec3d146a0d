"""How a partner cuts a long answer, described: where the page is asked, where the next one is told, where the list stands, and
where an answer tells an error. Pure data: the core follows (`sources/http/page_trail.py`), and knows no partner's habit.

A path is a tuple of keys. In XML, a list of one is that one, and an empty list is an empty element.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

DocumentPath = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Paging:
    """One way of cutting. Parameters go in the query, or in the body (`in_body`), there by a path with dots.

    `page` numbers the pages from `first_page`, `offset` tells how many rows are skipped, `cursor` gives back what `next` told;
    without cursor, `next` holds an address. `link`: the next address is in a header (RFC 8288). `more`: a boolean that tells
    whether there is a next one. `pages`, `total`: how many pages, how many rows in all.
    """

    page: str = ""
    first_page: int = 1
    offset: str = ""
    cursor: str = ""
    size: str = ""
    in_body: bool = False
    link: bool = False
    next: DocumentPath = ()
    more: DocumentPath = ()
    pages: DocumentPath = ()
    total: DocumentPath = ()


class PagingStyle:
    """The ways of the partners of the house."""

    ONE: Final = Paging()  # one document, no paging
    LINK: Final = Paging(link=True)
    ODATA: Final = Paging(next=("@odata.nextLink",), total=("@odata.count",), offset="$skip")
    METADATA: Final = Paging(
        page="page", in_body=True, pages=("metadonnees", "totalPages"), total=("metadonnees", "totalElements")
    )
    SIZE: Final = Paging(page="page", size="taillePage")  # an empty page ends it
    INDEX: Final = Paging(page="page_index", first_page=0, size="page_size", total=("pagination", "total"))


class Meaning(Enum):
    """What an error that is told under a status of success means."""

    REFUSED = "refus"
    QUOTA = "quota"
    ABSENT = "absence"  # nothing is known of whom we ask: no error
    FAILURE = "panne"


@dataclass(frozen=True, slots=True)
class ToldError:
    """Where an answer tells an error, by which values; without values, whatever is filled there is one. `others`: by whatever is
    filled there and is none of the values."""

    path: DocumentPath
    values: tuple[str, ...]
    meaning: Meaning
    others: bool = False

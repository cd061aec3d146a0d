"""The section of an activity code: the letter of the French nomenclature (NAF rev. 2, decree 2007-1888). Pure."""

from bisect import bisect_right

# The first division of each section; 99 is the last.
_FIRST = {
    1: "A", 5: "B", 10: "C", 35: "D", 36: "E", 41: "F", 45: "G", 49: "H", 55: "I", 58: "J", 64: "K",
    68: "L", 69: "M", 77: "N", 84: "O", 85: "P", 86: "Q", 90: "R", 94: "S", 97: "T", 99: "U",
}  # fmt: skip
_DIVISIONS = sorted(_FIRST)
SECTIONS = tuple(_FIRST.values())


def section_of(naf: str | None) -> str | None:
    """The section of `56.10A` or `5610A`; None where the code tells no division."""
    division = (naf or "")[:2]
    if not division.isdecimal() or int(division) == 0:
        return None
    return _FIRST[_DIVISIONS[bisect_right(_DIVISIONS, int(division)) - 1]]

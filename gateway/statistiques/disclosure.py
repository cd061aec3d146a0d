"""How counts are protected: each block is rounded once, by a secret offset that belongs to it and never changes.

Whoever may not read the persons is answered from sums of protected blocks and from nothing else, so no filter, window,
difference or repetition tells more than the blocks do (docs/statistiques.md, Secret). Pure; knows neither grids nor stores.
"""

from hashlib import blake2b
from math import sqrt

STEP, THRESHOLD = 5, 11  # PAS, SEUIL: configurable upwards only
OPEN_STEP, OPEN_SHOWN = 10, 20  # of what is published to everybody
RATE_DENOMINATOR = 20
RATE_MARGIN = 0.05
_DEVIATION = 0.408  # of a block's error over its offset, in steps: the mean variance of a rounding by chance is 1/6
_CONFIDENCE = 1.96  # 95 %


def offset(key: bytes, grid: str, *block: str, step: int = STEP) -> int:
    """The offset of a block: place, keys, class; and month, for flows. Never the month of a stock: the same people are
    counted again each month, and fresh offsets would average out."""
    return int.from_bytes(blake2b("|".join((grid, *block)).encode(), key=key, digest_size=8).digest(), "big") % step


def protect(count: int, offset_: int, step: int = STEP) -> int:
    """The protected count of a block: a multiple of the step, less than a step away; 0 stays 0."""
    return step * ((count + offset_) // step)


def shown(protected: int, step: int = STEP, threshold: int = THRESHOLD) -> int | None:
    """A sum of protected blocks as it is answered; None where it is kept secret. One block shown holds the threshold at
    least."""
    return protected if protected >= threshold + step - 1 else None


def shown_to_all(protected: int) -> int | None:
    """A sum of protected blocks as it is published: to the nearest ten, the half upwards."""
    rounded = OPEN_STEP * ((protected + OPEN_STEP // 2) // OPEN_STEP)
    return rounded if rounded >= OPEN_SHOWN else None


def count_margin(blocks: int, step: int = STEP) -> float:
    """Half the width of the interval that holds the true sum of so many blocks above 0, 95 times in 100."""
    return _CONFIDENCE * _DEVIATION * step * sqrt(blocks)


def rate_margin(numerator_blocks: int, denominator: int, step: int = STEP) -> float:
    """The margin of a rate, from 0 to 1."""
    return count_margin(numerator_blocks, step) / denominator


def possible_counts(protected: int, step: int = STEP) -> tuple[int, int]:
    """The least and the greatest count that a block may hold, for who does not know its offset."""
    return max(0, protected - step + 1), protected + step - 1

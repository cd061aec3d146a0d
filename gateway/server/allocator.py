"""Has the C library give back to the system the memory that answers leave. Knows nothing of what is kept."""

import ctypes

TRIM_THRESHOLD, MMAP_THRESHOLD, ARENA_MAX = -1, -3, -8  # of glibc's malloc.h
# Left to itself, glibc raises its thresholds to the largest block ever given back: the pages of a partner are then cut out of one
# heap, between what stays, and never leave it. Set, they stay as they are (mallopt(3)).
BLOCK = 128 * 1024  # bytes: a larger block is mapped by itself, and leaves by itself
FREE_MAX = 1024 * 1024  # bytes free at the end of a heap, beyond which they leave
ARENAS = 2  # heaps: a thread that makes views would else have its own, for ever as large as the largest


def give_memory_back() -> None:
    """Where the C library is glibc; elsewhere nothing is changed."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for option, value in ((MMAP_THRESHOLD, BLOCK), (TRIM_THRESHOLD, FREE_MAX), (ARENA_MAX, ARENAS)):
            mallopt(option, value)

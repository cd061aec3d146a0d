"""Has the C library give back to the system the memory that answers leave, and the interpreter collect cycles seldom. Knows
nothing of what is kept."""

import ctypes
import gc
import sys

TRIM_THRESHOLD, MMAP_THRESHOLD, ARENA_MAX = -1, -3, -8  # of glibc's malloc.h
# Left to itself, glibc raises its thresholds to the largest block ever given back: the pages of a partner are then cut out of one
# heap, between what stays, and never leave it. Set, they stay as they are (mallopt(3)).
BLOCK = 128 * 1024  # bytes: a larger block is mapped by itself, and leaves by itself
FREE_MAX = 1024 * 1024  # bytes free at the end of a heap, beyond which they leave
ARENAS = 2  # heaps: a thread that makes views would else have its own, for ever as large as the largest

# A merge allocates by the ten thousand, and makes no cycle to find at once; views that go are cycles by the hundred thousand,
# and who takes them away stops the process meanwhile: a second for a million objects.
GC_THRESHOLDS = (5_000, 4, 2_500)
SWITCH_INTERVAL = 0.001  # seconds: beside a thread that computes, the loop waits as long after each call to the system


def give_memory_back() -> None:
    """Where the C library is glibc; elsewhere nothing is changed."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for option, value in ((MMAP_THRESHOLD, BLOCK), (TRIM_THRESHOLD, FREE_MAX), (ARENA_MAX, ARENAS)):
            mallopt(option, value)


def tune_threads_and_gc() -> None:
    """Have threads give the interpreter back to the loop soon, and spare the cycle collector what was built at start: it lives as
    long as the process."""
    sys.setswitchinterval(SWITCH_INTERVAL)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)

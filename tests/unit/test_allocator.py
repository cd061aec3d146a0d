"""What a thread took in blocks and left goes back to the system: seen from outside, in a process of its own."""

import platform
import subprocess
import sys

import pytest

# Blocks of 300 KB between small ones that stay, all the former freed: what a partner's pages do, between records.
PROGRAM = """
import re, sys, threading
from gateway.server.allocator import give_memory_back
def resident():
    return int(re.search(r"VmRSS:\\s+(\\d+)", open("/proc/self/status").read())[1]) // 1024
def work(kept):
    first = bytearray(20_000_000)
    del first  # left to itself, the C library takes it for the size of what comes and goes
    blocks = []
    for _ in range(300):
        blocks.append(bytearray(300_000))
        kept.append(bytearray(1000))
if "tuned" in sys.argv:
    give_memory_back()
before, kept = resident(), []
thread = threading.Thread(target=work, args=(kept,))
thread.start()
thread.join()
print(resident() - before)
"""


def _left(*arguments: str) -> int:
    """Mebibytes that stay resident."""
    done = subprocess.run([sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the library that is told")
def test_the_blocks_that_a_thread_leaves_go_back_to_the_system() -> None:
    assert _left("tuned") < 5
    assert _left() > 50, "the control: without it they stay"

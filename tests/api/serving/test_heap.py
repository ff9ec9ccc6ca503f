import subprocess
import sys

GROWN = """
import sys, threading
from ipam.api.serving import heap
if sys.argv[1] == "shared":
    assert heap.share()
ready, end = threading.Barrier(17), threading.Event()
def work():
    kept = [bytearray(1000) for _ in range(10)]
    ready.wait()
    end.wait()
threads = [threading.Thread(target=work) for _ in range(16)]
[thread.start() for thread in threads]
ready.wait()
print(sum("rw-p" in line or "---p" in line for line in open("/proc/self/maps")))
end.set()
"""

FREED = """
import sys
from ipam.api.serving import heap

def resident_kb():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4

if sys.argv[1] == "shared":
    assert heap.share()
bytes(8_000_000)  # after this one glibc maps no block of less than 8 MB by itself
before, kept, answers = resident_kb(), [], []
for _ in range(200):
    answers.append(bytearray(200_000))
    kept.append(bytearray(2_000))
answers.clear()
print(resident_kb() - before)
"""

SCATTERED = """
import sys
from ipam.api.serving import heap

def resident_kb():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4

heap.share()
before, kept, freed = resident_kb(), [], []
for _ in range(1_000):
    freed.append(bytearray(20_000))
    kept.append(bytearray(600))
freed.clear()
if sys.argv[1] == "given back":
    assert heap.give_back()
print(resident_kb() - before)
"""


def measured(program: str, how: str) -> int:
    command = [sys.executable, "-c", program, how]
    return int(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


def test_threads_share_one_heap() -> None:
    assert measured(GROWN, "shared") <= measured(GROWN, "alone") - 10


def test_what_outlives_large_answers_does_not_keep_their_memory() -> None:
    assert measured(FREED, "shared") < 10_000 < measured(FREED, "alone")


def test_what_is_free_between_used_blocks_goes_back_to_the_kernel() -> None:
    assert measured(SCATTERED, "given back") < 10_000 < measured(SCATTERED, "kept")

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


def mappings(how: str) -> int:
    command = [sys.executable, "-c", GROWN, how]
    return int(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


def test_threads_share_one_heap() -> None:
    assert mappings("shared") <= mappings("alone") - 10

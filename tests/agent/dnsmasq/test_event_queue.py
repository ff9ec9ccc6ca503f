"""The queue between a process and its child, as between a dnsmasq and its helper."""

import os
import subprocess

from ipam.agent.dnsmasq import event_queue


def test_what_waits_for_the_helper_is_counted_and_stays() -> None:
    read, write = os.pipe()
    idle = subprocess.Popen(["sleep", "600"], stdin=read)
    try:
        queue = event_queue.find(os.getpid(), idle.pid)
        assert queue == f"/proc/{idle.pid}/fd/0"
        assert event_queue.waiting(queue) == 0
        os.write(write, bytes(200 * event_queue.EVENT_BYTES))
        assert [event_queue.waiting(queue) for _ in range(2)] == [200, 200]
    finally:
        idle.kill()
        idle.wait()
        os.close(read)
        os.close(write)
    assert event_queue.waiting(queue) == 0, "it has ended"


def test_a_process_without_such_a_pipe_has_no_queue() -> None:
    with subprocess.Popen(["sleep", "600"], stdin=subprocess.DEVNULL) as idle:
        assert event_queue.find(os.getpid(), idle.pid) == ""
        idle.kill()
    assert event_queue.find(os.getpid(), idle.pid) == ""
    assert event_queue.waiting("") == 0

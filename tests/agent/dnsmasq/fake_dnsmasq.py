"""A program in dnsmasq's place: it becomes a daemon with a helper, and obeys signals as that does.

Lines of its configuration say how it misbehaves: `refuse` (its start fails), `no-helper`,
`slow-helper`, `deaf-to-term`,
`ends-at-once`, `hook` (its helper waits for a hook that hangs). Each SIGHUP adds a line to the
file `reloads` beside it; if there is a file `busy`, too, it never ends that.
"""

import os
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn


def main() -> None:
    config = Path(sys.argv[1].removeprefix("--conf-file="))
    words = config.read_text().split()
    if "refuse" in words:
        sys.stderr.write("dnsmasq: bad option at line 1\n")
        sys.exit(1)
    ready, tell = os.pipe()
    if os.fork() == 0:
        os.close(ready)
        os.setsid()
        serve(config.parent, words, tell)
    os.close(tell)
    os.read(ready, 1)  # dnsmasq, too, leaves the foreground when it is ready


def serve(directory: Path, words: list[str], tell: int) -> NoReturn:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP, signal.SIGTERM})
    helper = 0
    if "no-helper" not in words:
        alive, held = os.pipe()
        helper = os.fork()
        if helper == 0:
            os.close(held)
            os.close(tell)
            if "hook" in words:
                run_hook()
            os.read(alive, 1)  # until dnsmasq ends
            if "slow-helper" in words:
                time.sleep(0.3)
            (directory / "helper-ended").touch()
            os._exit(0)
        os.close(alive)
    (directory / "environment").write_text("\n".join(f"{k}={v}" for k, v in os.environ.items()))
    (directory / "pid").write_text(f"{os.getpid()}\n")
    if "ends-at-once" in words:
        os._exit(0)
    os.write(2, b"dnsmasq: started\n")
    os.write(tell, b"x")
    os.close(tell)
    while True:
        heard = signal.sigwait({signal.SIGHUP, signal.SIGTERM})
        if heard == signal.SIGHUP:
            with (directory / "reloads").open("a") as file:
                file.write("read\n")
            while (directory / "busy").exists():
                pass
        elif "deaf-to-term" not in words:
            os._exit(0)


def run_hook() -> None:
    hook = os.fork()
    if hook == 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        time.sleep(3600)
        os._exit(0)
    os.waitpid(hook, 0)


if __name__ == "__main__":
    main()

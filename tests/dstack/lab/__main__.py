"""Keep a lab by hand: `python -m tests.dstack.lab up DIR [--hosts N] [--gpus N] [--scale F]`, later `down DIR`."""

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from tests.dstack.lab.lab import Lab
from tests.dstack.lab.machine import Host


def up(options: argparse.Namespace) -> int:
    """Start a lab that stays, and say how to reach it."""
    options.directory.mkdir(parents=True, exist_ok=True)
    ready = options.directory / "ready"
    ready.unlink(missing_ok=True)
    with (options.directory / "lab.log").open("wb") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "tests.dstack.lab", "keep", *sys.argv[2:]],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    (options.directory / "pid").write_text(str(keeper.pid))
    while not ready.exists():
        if keeper.poll() is not None:
            print((options.directory / "lab.log").read_text(), file=sys.stderr)
            return 1
        time.sleep(0.1)
    print(ready.read_text(), end="")
    return 0


def keep(options: argparse.Namespace) -> int:
    """Hold a lab until told to stop."""
    done = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: done.set())
    gpus = {"gpus": options.gpus, "gpu_name": "A100", "gpu_memory_gb": 80} if options.gpus else {}
    hosts = [Host(cpus=options.cpus, blocks=options.blocks, **gpus)] * options.hosts
    with Lab(options.directory, hosts, options.scale) as lab:
        lab.write_cli_config(options.directory)
        ready = options.directory / "ready"
        ready.with_suffix(".new").write_text(
            f"export HOME={options.directory}  # for the dstack command line\n# {lab.url} {lab.project} {lab.token}\n"
        )
        ready.with_suffix(".new").rename(ready)
        done.wait()
    return 0


def down(options: argparse.Namespace) -> int:
    """Stop the lab and remove its directory."""
    pid = int((options.directory / "pid").read_text())
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        while True:
            os.kill(pid, 0)
            time.sleep(0.1)
    print((options.directory / "lab.log").read_text(), end="", file=sys.stderr)
    shutil.rmtree(options.directory)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.dstack.lab", description=__doc__)
    parser.add_argument("action", choices=("up", "keep", "down"))
    parser.add_argument("directory", type=lambda text: Path(text).absolute())
    parser.add_argument("--hosts", type=int, default=2)
    parser.add_argument("--cpus", type=int, default=4)
    parser.add_argument("--gpus", type=int, default=0)
    parser.add_argument("--blocks", type=int, default=4)
    parser.add_argument("--scale", type=float, default=0.1)
    options = parser.parse_args()
    return {"up": up, "keep": keep, "down": down}[options.action](options)


if __name__ == "__main__":
    sys.exit(main())

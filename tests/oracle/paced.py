"""A controller whose scheduler waits to be let go: real Slurm starts jobs up to two seconds after it took them in.

Recorded conversations look at jobs in between. While the file ``shut`` lies in the state directory nothing starts;
SIGUSR1 after its removal makes the scheduler look again.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from .case import Side

ROOT = Path(__file__).resolve().parents[2]


class Gate:
    """The one who lets a scenario's jobs go. Shut at first."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self.file = Path(side.env["SLURMSHIM_STATE"]) / "shut"
        self.move(False)
        ready, done = os.pipe()
        command = [self.interpreter(), "-c", f"from tests.oracle.paced import main; main({done})"]
        self.controller = subprocess.Popen(
            command,
            env=dict(side.env),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=done,
            pass_fds=(done,),
            start_new_session=True,
            **side.credentials,  # type: ignore[call-overload]
        )
        os.close(done)
        with os.fdopen(ready) as pipe:
            if trouble := pipe.read():
                raise RuntimeError(trouble)

    def interpreter(self) -> str:
        """The first python3 of the side's path, which its user can run."""
        return next(
            str(Path(folder) / "python3")
            for folder in self.side.env["PATH"].split(os.pathsep)
            if (Path(folder) / "python3").exists()
        )

    @property
    def is_open(self) -> bool:
        """Whether jobs start at once."""
        return not self.file.exists()

    def move(self, wide: bool) -> None:
        """Let jobs start, or not, from now on."""
        if not wide:
            self.file.touch()
        elif not self.is_open:
            self.file.unlink()
            if self.controller.poll() is None:
                self.controller.send_signal(signal.SIGUSR1)


def main(ready: int) -> None:
    """Become the controller."""
    sys.path.insert(0, str(ROOT))
    from shim.controller import main as controller
    from shim.controller import queue
    from shim.controller.dispatch import Dispatcher

    shut = Path(os.environ["SLURMSHIM_STATE"]) / "shut"

    class Paced(Dispatcher):
        def __init__(self, of: queue.Queue) -> None:
            super().__init__(of)
            of.loop.add_signal_handler(signal.SIGUSR1, of.wake)

        def run(self) -> None:
            if not shut.exists():
                super().run()

    queue.Dispatcher = Paced  # type: ignore[misc]
    controller.main(ready)

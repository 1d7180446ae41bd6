"""Slurm's commands from Python, without a process for each call.

For tools that submit a lot:

    from shim import api

    job_id = api.submit("train.sh", "--time=1:00:00", array="0-99")
    states = api.run("squeue", "-h", "-j", str(job_id), "-o", "%T").stdout.split()

A call says and does exactly what the command of that name says and does; only the process is saved. Calls may be made
from several threads. Nothing here is imported by the commands themselves.
"""

import os
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass

from shim import contact, launcher


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command printed and its exit code."""

    stdout: str
    stderr: str
    code: int


class CommandError(RuntimeError):
    """A command failed: its answer is in ``answer``, its text is the message."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        super().__init__(answer.stderr.strip() or f"exit code {answer.code}")


def run(
    command: str,
    *arguments: str,
    stdin: bytes = b"",
    cwd: str | None = None,
    env: Mapping[str, str] | None = None,
) -> Answer:
    """Run one of Slurm's commands (sbatch, squeue, scancel, sacct, scontrol, sinfo) as its user would.

    Raises ConnectionError where no controller can be reached or started. srun and salloc start processes of their own
    and are no calls for this.
    """
    call = launcher.request(
        command,
        list(arguments),
        os.fsencode(cwd or os.getcwd()),
        {os.fsencode(name): os.fsencode(value) for name, value in (os.environ if env is None else env).items()},
        "",
    )
    for _ in range(contact.ATTEMPTS):
        channel = launcher.connect()
        if channel is None:
            if error := contact.start_controller():
                raise ConnectionError(error.strip())
            continue
        with closing(channel):
            parts: dict[bytes, list[bytes]] = {b"1": [], b"2": []}
            channel.sendall(call)
            while True:
                kind, payload = launcher.read_frame(channel)
                if kind in parts:
                    parts[kind].append(payload)
                elif kind == b"I":
                    data = launcher.frame(b"I", stdin) if stdin else b""
                    channel.sendall(data + launcher.frame(b"I", b""))
                elif kind == b"X":
                    return Answer(os.fsdecode(b"".join(parts[b"1"])), os.fsdecode(b"".join(parts[b"2"])), int(payload))
                elif kind == b"V":
                    break
                elif kind == b"W":
                    continue  # the job that --wait waits for: the launcher would wait on with the next controller
                else:
                    raise ValueError(f"{command} starts processes of its own: run it as a command")
    raise ConnectionError("Unable to contact slurm controller (connect failure)")


def submit(script: str | bytes, *options: str, arguments: tuple[str, ...] = (), **named: str) -> int:
    """Submit a batch script and return its job id. Raises CommandError in sbatch's words where it is refused.

    ``script`` is a file's name, or the text of a script as bytes. ``options`` are sbatch's as on its command line,
    ``named`` its long ones (``cpus_per_task="4"``).
    """
    words = [*options, *(f"--{name.replace('_', '-')}={value}" for name, value in named.items()), "--parsable"]
    if isinstance(script, bytes):
        answer = run("sbatch", *words, stdin=script)
    else:
        answer = run("sbatch", *words, script, *arguments)
    if answer.code:
        raise CommandError(answer)
    return int(answer.stdout.split(";")[0])

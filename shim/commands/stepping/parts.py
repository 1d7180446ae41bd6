"""What a call of srun says: one part for each component (``srun -n1 A : -n2 B``), its options and its command."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shim.commands.call import Call, Exit
from shim.commands.stepping.checks import check_together, check_values, unheeded
from shim.commands.stepping.multiprog import ConfigurationError, programs
from shim.commands.submission import command_line, place, refuse
from shim.options.dump import dump
from shim.options.gather import CommandLine, Gathered, apply_environment
from shim.options.joboption import VALUE_ERROR, Complaint, Place, Source
from shim.options.table import options_of
from shim.options.verify import verify


@dataclass(slots=True)
class Part:
    """One component of a call."""

    gathered: Gathered
    command: Sequence[str]

    @property
    def program(self) -> str:
        """The name that the step, and a job made for it, go by."""
        return os.path.basename(self.command[0])

    def programs(self, call: Call, ntasks: int) -> list[list[str]]:
        """The command of each task, or one for all of them. Raises Exit."""
        name, *arguments = self.command
        if not self.gathered.fields.get("multi_prog"):
            if name.startswith("."):  # srun(1), EXECUTABLE PATHS
                name = f"{self.gathered.fields['work_dir']}/{name}"
            return [[name, *arguments]]
        try:
            text = os.fsdecode(place(call).read_file(name))
        except OSError:
            call.error(f"Could not open multi_prog config file {name}")
            raise Exit(1) from None
        try:
            return programs(text, arguments, ntasks, name)
        except ConfigurationError as error:
            for line in str(error).splitlines():
                call.error(line)
            raise Exit(1) from None


def parts_of(call: Call) -> list[Part]:
    """The parts of the call, checked. Raises Complaint or OptionError."""
    parts: list[Part] = []
    here = place(call)
    plugins = command_line(call).plugins
    split = _split(call.argv)
    env = call.env if len(split) == 1 else {name: call.env[name] for name in call.env if name not in _OF_ONE_STEP}
    for words in split:
        line = CommandLine("srun", tuple(words), plugins)
        parts.append(_part(call, line, parts[-1].gathered if parts else None, here, env))
        parts[-1].gathered.fields["nodes_warned"] |= len(split) > 1
    if not parts[-1].command:
        raise Complaint("fatal: No command given to execute.", code=VALUE_ERROR)
    for part in parts:
        part.command = part.command or parts[-1].command
    return parts


_OF_ONE_STEP = ("SLURM_NNODES", "SLURM_JOB_NUM_NODES")
"""Variables about the job's nodes, which say nothing about a part of a call."""


def _part(call: Call, line: CommandLine, before: Gathered | None, here: Place, env: Mapping[str, str]) -> Part:
    gathered = before.next_component(options_of("srun")) if before else Gathered()
    apply_environment(gathered, "srun", env, here)
    scan = line.options(line.argv)
    for option, text in scan:
        gathered.apply(option, text, Source.COMMAND_LINE, here)
    fields = gathered.fields
    fields["submit_dir"] = call.cwd
    fields.setdefault("work_dir", call.cwd)
    if gathered.sources.get("job-name") is Source.COMMAND_LINE:
        fields["step_name"] = fields["job_name"]
    notes = verify(gathered)
    if fields.get("verbose"):
        for text in (*notes.verbose, *dump(gathered, "srun")):
            call.err(f"srun: {text}")
    check_values(gathered, call.queue.config.mpi_default)
    for text in (*notes.lines, *unheeded(gathered)):
        call.err(f"srun: {text}")
    fields["nodes_warned"] = bool(notes.lines)
    check_together(gathered)
    refuse(gathered, "srun", call.queue)
    return Part(gathered, scan.operands)


def _split(argv: Sequence[str]) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for word in argv:
        if word == ":":
            parts.append([])
        else:
            parts[-1].append(word)
    return parts

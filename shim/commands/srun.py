"""srun: run tasks as a step of a job, which it allocates where there is none (srun(1))."""

from collections.abc import Sequence

from shim.commands.call import Call, Exit
from shim.commands.client import look_at
from shim.commands.stepping.size import step_request
from shim.commands.stepping.steps import Wanted, run_steps, step_name
from shim.commands.submission import command_line, place, report
from shim.job.errors import Errno
from shim.job.record import Job
from shim.options.gather import CommandLine, Gathered, apply_environment
from shim.options.getopt import OptionError
from shim.options.joboption import Complaint, Fields, Source
from shim.options.table import options_of
from shim.options.verify import verify


async def run(call: Call) -> int:
    """Run the tasks that the caller describes. The exit code is srun's."""
    try:
        parts = components(call)
    except (Complaint, OptionError) as error:
        return report(call, error)
    if not parts[-1].command:
        call.err("srun: fatal: No command given to execute.")
        return 1
    job = existing(call, parts[0].gathered.fields)
    process = look_at(call.pid)
    wanted = []
    for part in parts:
        fields = part.gathered.fields
        fields.setdefault("work_dir", call.cwd)
        command = part.command or parts[-1].command
        wanted.append(Wanted(job, step_request(call, fields, job), fields, [command], step_name(fields, command)))
    return await run_steps(call, wanted, process.umask)


class Part:
    """One component of a call (``A : B``): its options and its command."""

    def __init__(self, gathered: Gathered, command: Sequence[str]) -> None:
        self.gathered = gathered
        self.command = command


def components(call: Call) -> list[Part]:
    """The components of the call. Raises Complaint or OptionError."""
    parts: list[Part] = []
    options = options_of("srun")
    here = place(call)
    for words in _split(call.argv):
        line = CommandLine("srun", tuple(words), command_line(call).plugins)
        gathered = parts[-1].gathered.next_component(options) if parts else Gathered()
        apply_environment(gathered, "srun", call.env, here)
        scan = line.options(words)
        for option, text in scan:
            gathered.apply(option, text, Source.COMMAND_LINE, here)
        fields = gathered.fields
        fields["submit_dir"] = call.cwd
        if gathered.sources.get("job-name") is Source.COMMAND_LINE:
            fields["step_name"] = fields["job_name"]
        for text in verify(gathered).lines:
            call.err(f"srun: {text}")
            fields["nodes_warned"] = True
        parts.append(Part(gathered, scan.operands))
    return parts


def _split(argv: Sequence[str]) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for word in argv:
        if word == ":":
            parts.append([])
        else:
            parts[-1].append(word)
    return parts


def existing(call: Call, fields: Fields) -> Job:
    """The job that the options or the environment name. Raises Exit."""
    number = fields["jobid"]
    job = call.queue.job(int(number)) if number.isdigit() else None
    if job is None or not job.state.active:
        problem = Errno.INVALID_JOB_ID.text
        call.error(f"Unable to confirm allocation for job {number}: {problem}")
        call.err(f"srun: Check SLURM_JOB_ID environment variable. Expired or invalid job {number}")
        raise Exit(1)
    return job

"""What sbatch checks of a job before it asks the controller: options that exclude or imply one another."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shim.grammar.errors import GrammarError
from shim.grammar.hostlist import expand_hostlist, fold_hostlist
from shim.options.cpu import check_hint
from shim.options.gather import Gathered
from shim.options.joboption import VALUE_ERROR, Complaint, Place, Source


@dataclass(frozen=True, slots=True)
class Notes:
    """Lines for standard error (without the command's name) that do not end the command.

    ``verbose`` ones are printed with -v only.
    """

    lines: tuple[str, ...] = ()
    verbose: tuple[str, ...] = ()


def verify(gathered: Gathered) -> Notes:
    """Check and complete the fields of one component, as sbatch's _opt_verify does. Raises Complaint."""
    if gathered.fields.get("verbose") and gathered.fields.get("quiet"):
        raise Complaint("error: don't specify both --verbose (-v) and --quiet (-Q)", code=VALUE_ERROR)
    lines: list[str] = list(gathered.fields.get("notes", ()))
    verbose: list[str] = []
    _check_exclusive(gathered)
    lines += _specialized(gathered)
    verbose += _hint(gathered)
    _check_times(gathered.fields)
    lines += _nodes(gathered)
    verbose += _implied_tasks(gathered)
    return Notes(tuple(lines), tuple(verbose))


def _fatal(text: str) -> Complaint:
    return Complaint(f"fatal: {text}", code=VALUE_ERROR)


def _specialized(gathered: Gathered) -> list[str]:
    """Cores kept for the system: Slurm says that it is not allowed, and goes on without."""
    reason = "since it's not allowed by configuration (AllowSpecResourcesUsage = No)"
    written = {"core-spec": "-S", "thread-spec": "--thread-spec"}
    return [f"error: Ignoring {words} {reason}" for name, words in written.items() if gathered.asked(name)]


_MEMORY = ("mem", "mem-per-cpu", "mem-per-gpu")


def _check_exclusive(gathered: Gathered) -> None:
    if gathered.asked("core-spec") and gathered.asked("thread-spec"):
        raise _fatal("-S/--core-spec and --thred-spec options are mutually exclusive")
    _choose_memory(gathered)
    if gathered.asked("ntasks-per-gpu") or gathered.asked("ntasks-per-tres"):
        for other in ("gpus-per-task", "gpus-per-socket", "ntasks-per-node"):
            if gathered.asked(other):
                raise _fatal(f"--{other} is mutually exclusive with --ntasks-per-gpu and SLURM_NTASKS_PER_GPU")


def _choose_memory(gathered: Gathered) -> None:
    """One way to ask for memory: what was typed or written in the script removes what the environment says."""
    given = [name for name in _MEMORY if gathered.asked(name)]
    from_env = [name for name in given if gathered.sources[name] is Source.ENVIRONMENT]
    if len(given) - len(from_env) > 1:
        raise _fatal("--mem, --mem-per-cpu, and --mem-per-gpu are mutually exclusive.")
    if len(given) > len(from_env):
        for name in from_env:
            gathered.forget(name)
    elif len(from_env) > 1:
        raise _fatal("SLURM_MEM_PER_CPU, SLURM_MEM_PER_GPU, and SLURM_MEM_PER_NODE are mutually exclusive.")


def _hint(gathered: Gathered) -> list[str]:
    """--hint gives way to the options it would set."""
    notes = []
    if gathered.asked("threads-per-core"):
        notes.append("Setting --cpu-bind=threads as a default of --threads-per-core use")
    others = ("ntasks-per-core", "threads-per-core", "extra-node-info")
    if gathered.asked("hint") and any(map(gathered.asked, others)):
        gathered.forget("hint")
        notes.append(
            "Following options are mutually exclusive with --hint: --ntasks-per-core, --threads-per-core, -B and "
            "--cpu-bind (other then --cpu-bind=verbose). Ignoring --hint."
        )
    elif gathered.asked("hint") and check_hint(gathered.fields["hint"]):
        gathered.fields["hint_threads_per_core"] = 1
    return notes


def _check_times(fields: Mapping[str, Any]) -> None:
    if "deadline" in fields and fields.get("begin", 0) > fields["deadline"]:
        raise Complaint("error: Incompatible begin and deadline time specification", code=VALUE_ERROR)


def _nodes(gathered: Gathered) -> list[str]:
    """Bring the numbers of nodes, tasks and named hosts together."""
    fields = gathered.fields
    hosts = _hosts(fields)
    least = max(fields.get("nodes_min", 0), len(set(hosts)))  # -m arbitrary names a host for each of its tasks
    most = fields.get("nodes_max", 0)
    tasks = fields.get("ntasks")
    if tasks is not None and least > tasks:
        if hosts:
            fields["nodelist"] = fold_hostlist(hosts[:tasks])
        if gathered.asked("nodes"):
            fields["nodes_min"] = fields["nodes_max"] = tasks
        return [f"Warning: can't run {tasks} processes on {least} nodes, setting nnodes to {tasks}"]
    if most and least > most:
        raise Complaint(f"error: invalid number of nodes (-N {least}-{most})", code=VALUE_ERROR)
    if gathered.asked("nodes"):
        fields["nodes_min"] = least
        if tasks is not None and most > tasks:
            fields["nodes_max"] = tasks
    return []


def _hosts(fields: Mapping[str, Any]) -> tuple[str, ...]:
    try:
        return expand_hostlist(fields["nodelist"]) if fields.get("nodelist") else ()
    except GrammarError:
        return ()  # the controller will not know such a node


def _implied_tasks(gathered: Gathered) -> list[str]:
    """-B says how many tasks there are where nothing else does."""
    fields = gathered.fields
    implied = fields.pop("implicit_ntasks", None)
    if implied is None or "ntasks" in fields:
        return []
    fields["ntasks"] = implied * max(1, fields.get("nodes_min", 1))
    return [f"Number of tasks implicitly set to {fields['ntasks']}."]


def verify_after(gathered: Gathered, place: Place) -> None:
    """What Slurm checks after it has listed the options for -v. Raises Complaint."""
    if "bbf" in gathered.fields:
        try:
            place.read_file(gathered.fields["bbf"])
        except OSError:
            raise Complaint("error: Invalid --bbf specification", code=VALUE_ERROR) from None
    if gathered.fields.get("distribution") == "arbitrary" and not gathered.fields.get("nodelist"):
        raise Complaint(
            "error: With Arbitrary distribution you need to specify a nodelist or hostfile with the -w option",
            code=VALUE_ERROR,
        )

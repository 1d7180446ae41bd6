"""The declarations against Slurm's own tables, texts and manual pages."""

import re

import pytest

from shim.commands.help import help_text, usage_text
from shim.options.getopt import OptionError
from shim.options.joboption import JobOption
from shim.options.option import Argument, Effect
from shim.options.table import ABSENT, ALL, getopt_of, options_of

# what each command of 22.05 lists for an option that abbreviates all others: its table, in its order
TABLES = {
    "sbatch": """
        account acctg-freq array batch begin bb bbf cluster-constraint chdir cluster clusters comment container context
        contiguous constraint core-spec cores-per-socket cpu-freq cpus-per-gpu cpus-per-task deadline delay-boot
        dependency distribution error exclude exclusive export export-file extra-node-info get-user-env gid gpu-bind
        gpu-freq gpus gpus-per-node gpus-per-socket gpus-per-task gres gres-flags help hint hold ignore-pbs input
        job-name kill-on-invalid-dep licenses mail-type mail-user mcs-label mem mem-bind mem-per-cpu mem-per-gpu
        mincpus network nice no-kill no-requeue nodefile nodelist nodes ntasks ntasks-per-core ntasks-per-gpu
        ntasks-per-node ntasks-per-socket ntasks-per-tres open-mode output overcommit oversubscribe parsable partition
        power prefer priority profile propagate qos quiet reboot requeue reservation signal sockets-per-node spread-job
        switches tasks-per-node test-only thread-spec threads-per-core time time-min tmp uid use-min-nodes verbose
        version usage wait wait-all-nodes wckey wrap""",
    "srun": """
        accel-bind account acctg-freq bcast bcast-exclude begin bb bbf cluster-constraint chdir cluster clusters comment
        compress container context contiguous constraint core-spec cores-per-socket cpu-bind cpu_bind cpu-freq
        cpus-per-gpu cpus-per-task deadline debugger-test delay-boot dependency disable-status distribution epilog error
        exact exclude exclusive export extra-node-info gid gpu-bind gpu-freq gpus gpus-per-node gpus-per-socket
        gpus-per-task gres gres-flags help het-group hint hold immediate input interactive jobid job-name
        kill-on-bad-exit label licenses mail-type mail-user threads mcs-label mem mem-bind mem-per-cpu mem-per-gpu
        mincpus mpi msg-timeout multi-prog network nice no-allocate no-kill nodefile nodelist nodes ntasks
        ntasks-per-core ntasks-per-gpu ntasks-per-node ntasks-per-socket ntasks-per-tres open-mode output overcommit
        overlap oversubscribe pack-group partition power prefer preserve-env priority profile prolog propagate pty qos
        quiet quit-on-interrupt reboot relative reservation resv-ports send-libs signal slurmd-debug sockets-per-node
        spread-job switches task-epilog task-prolog tasks-per-node test-only thread-spec threads-per-core time time-min
        tmp uid unbuffered use-min-nodes verbose version usage wait wckey whole x11""",
    "salloc": """
        account acctg-freq begin bell bb bbf cluster-constraint chdir cluster clusters comment container context
        contiguous constraint core-spec cores-per-socket cpu-freq cpus-per-gpu cpus-per-task deadline delay-boot
        dependency distribution exclude exclusive extra-node-info get-user-env gid gpu-bind gpu-freq gpus gpus-per-node
        gpus-per-socket gpus-per-task gres gres-flags help hint hold immediate job-name kill-command licenses mail-type
        mail-user mcs-label mem mem-bind mem-per-cpu mem-per-gpu mincpus network nice no-bell no-kill no-shell nodefile
        nodelist nodes ntasks ntasks-per-core ntasks-per-gpu ntasks-per-node ntasks-per-socket ntasks-per-tres
        overcommit oversubscribe partition power prefer priority profile qos quiet reboot reservation signal
        sockets-per-node spread-job switches tasks-per-node thread-spec threads-per-core time time-min tmp uid
        use-min-nodes verbose version usage wait-all-nodes wckey x11""",
}

COMMANDS = tuple(TABLES)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_of_slurm_is_there_in_slurms_order(command: str) -> None:
    with pytest.raises(OptionError) as caught:
        list(getopt_of(command, ["--=x"]))
    assert re.findall(r"'--([\w-]+)'", str(caught.value)) == TABLES[command].split()


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("kind", ["help", "usage"])
def test_help_speaks_of_declared_options_only(command: str, kind: str) -> None:
    options = {name: option for option in options_of(command) for name in (option.name, *option.aliases)}
    by_letter = {option.short: option for option in options_of(command) if option.short}
    text = help_text(command) if kind == "help" else usage_text(command)
    if kind == "help":
        for letter, name, rest in re.findall(r"^(?:  -(\w),? +|      )--([\w-]+)(\S*)", text, re.MULTILINE):
            assert not letter or by_letter[letter] is options[name]
            assert (rest != "") >= (options[name].argument is Argument.REQUIRED) or name == "container"
    misspelt = {"slurmd_debug", "ctrl-comm-ifhn", "mpi-combine"}  # in Slurm's own usage text
    mentioned = set(re.findall(r"\[--([\w-]+)", text)) - misspelt
    assert mentioned <= options.keys()


@pytest.mark.parametrize("command", COMMANDS)
def test_letters_and_names_are_unique(command: str) -> None:
    options = options_of(command)
    letters = [option.short for option in options if option.short]
    names = [name for option in options for name in (option.name, *option.aliases)]
    assert len(letters) == len(set(letters))
    assert len(names) == len(set(names))


@pytest.mark.parametrize("option", [*ALL, *ABSENT], ids=lambda option: option.synopsis)
def test_what_is_not_honoured_says_why(option: JobOption) -> None:
    if Effect.HONOURED not in (option.local, option.dstack):
        assert option.note
    if option.argument is Argument.NONE:
        assert not option.metavar
    assert option.value is not None or option in ABSENT


@pytest.mark.parametrize("option", ABSENT, ids=lambda option: option.name)
def test_options_of_other_releases_are_refused_as_unknown(option: JobOption) -> None:
    with pytest.raises(OptionError, match=f"unrecognized option '--{option.name}"):
        list(getopt_of("sbatch", [f"--{option.name}"]))


def test_options_of_plug_ins_are_known_when_they_are_declared() -> None:
    plugins = ("uenv=", "view")
    scan = getopt_of("sbatch", ["--uenv", "a", "--view=b", "--view", "job.sh"], plugins)
    assert [(option.name, value) for option, value in scan] == [("uenv", "a"), ("view", "b"), ("view", None)]
    assert scan.operands == ["job.sh"]
    with pytest.raises(OptionError):
        list(getopt_of("sbatch", ["--uenv=a"]))


def test_variables_are_those_of_the_command() -> None:
    time = next(option for option in ALL if option.name == "time")
    assert time.variables_of("sbatch") == ("SBATCH_TIMELIMIT",)
    assert time.variables_of("salloc") == ("SALLOC_TIMELIMIT",)
    assert time.variables_of("srun") == ("SLURM_TIMELIMIT",)

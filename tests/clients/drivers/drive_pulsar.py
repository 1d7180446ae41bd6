"""Pulsar (Galaxy's remote runner): its command line manager's shell and Slurm plug-in."""

from pathlib import Path

from pulsar.managers.util.cli import CliInterface
from pulsar.managers.util.cli.job import job_states
from pulsar.managers.util.external import parse_external_id
from pulsar.managers.util.job_script import job_script
from support import partition, until

shell, plugin = CliInterface().get_plugins(
    {"plugin": "LocalShell"}, {"plugin": "Slurm", "ncpus": "1", "time": "3", "partition": partition()}
)


def submit(name: str, command: str) -> str:
    """Submit as the manager does: a script of its template, and the first number that sbatch says."""
    Path(name).mkdir()
    path = Path(name, "command.sh")
    options = plugin.job_script_kwargs(f"{name}/out", f"{name}/err", f"pulsar_{name}")
    path.write_text(
        job_script(
            command=command, working_directory=str(Path.cwd()), metadata_directory=str(Path(name).absolute()), **options
        )
    )
    path.chmod(0o755)
    answer = shell.execute(plugin.submit(str(path)))
    assert answer.returncode == 0, answer
    return parse_external_id(answer.stdout.strip())


def state(job: str):
    return plugin.parse_single_status(shell.execute(plugin.get_single_status(job)).stdout, job)


job = submit("good", "echo hello > good/result")
until(lambda: state(job) == job_states.OK)
assert Path("good/result").read_text() == "hello\n"
long = submit("long", "sleep 300")
until(lambda: state(long) == job_states.RUNNING)
everyone = plugin.parse_status(shell.execute(plugin.get_status()).stdout, [long])
assert everyone == {long: job_states.RUNNING}, everyone
assert shell.execute(plugin.delete(long)).returncode == 0
until(lambda: state(long) == job_states.OK)
assert state("99999999") == job_states.OK, "a job that was never there counts as finished"

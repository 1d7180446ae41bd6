"""AiiDA: a CalcJob (core.arithmetic.add) through the core.slurm scheduler, with the accounting's details kept."""

from pathlib import Path

from support import environment, partition, run_client

PROFILE = "trial"
HERE = Path.cwd()


def computer() -> "orm.Computer":
    made = orm.Computer(
        label="cluster",
        hostname="localhost",
        transport_type="core.local",
        scheduler_type="core.slurm",
        workdir=str(HERE / "scratch"),
    ).store()
    made.set_minimum_job_poll_interval(1)
    made.set_default_mpiprocs_per_machine(1)
    made.configure(safe_interval=0, use_login_shell=False)
    return made


def addition() -> "ProcessBuilder":
    code = orm.InstalledCode(computer=computer(), filepath_executable="/bin/bash", label="bash").store()
    builder = CalculationFactory("core.arithmetic.add").get_builder()
    builder.code, builder.x, builder.y = code, orm.Int(5), orm.Int(37)
    options = builder.metadata.options
    options.resources = {"num_machines": 1, "num_mpiprocs_per_machine": 1}
    options.queue_name = partition()
    options.max_wallclock_seconds = 120
    options.max_memory_kb = 102400
    options.withmpi = False
    return builder


# AiiDA reads its directory when it is imported, so the profile has to be there first.
(HERE / "aiida").mkdir()
environment(AIIDA_PATH=HERE / "aiida")
setup = ("--non-interactive", "--profile-name", PROFILE, "--email", "a@b.c", "--set-as-default", "--no-use-rabbitmq")
run_client("verdi", "profile", "setup", "core.sqlite_dos", *setup)

from aiida import load_profile, orm  # noqa: E402
from aiida.engine import ProcessBuilder, run_get_node  # noqa: E402
from aiida.plugins import CalculationFactory  # noqa: E402

load_profile(PROFILE)
results, node = run_get_node(addition())
assert node.is_finished_ok, (node.process_state, node.exit_status, node.exit_message)
assert results["sum"].value == 42, results
details = node.base.attributes.get("detailed_job_info")
assert details["retval"] == 0 and "JobID|" in details["stdout"], details
assert node.get_job_id() in details["stdout"], details

"""radical.saga: a job service on slurm+fork://: states, output, exit code and a cancellation."""

from pathlib import Path

import radical.saga as saga
from support import partition

HERE = str(Path.cwd())


def job(command: str) -> saga.job.Job:
    description = saga.job.Description()
    description.executable = "/bin/sh"
    description.arguments = ["-c", f"'{command}'"]
    description.queue = partition()
    description.wall_time_limit = 3
    description.total_cpu_count = 1
    description.working_directory = HERE
    description.output = f"{HERE}/{len(list(Path(HERE).glob('out.*')))}.out"
    description.name = "client"
    made = service.create_job(description)
    made.run()
    return made


service = saga.job.Service("slurm://localhost")
good = job("echo hello > said")
good.wait()
assert (good.state, good.exit_code) == (saga.job.DONE, "0"), (good.state, good.exit_code)
assert Path("said").read_text() == "hello\n"
bad = job("exit 3")
bad.wait()
assert (bad.state, bad.exit_code) == (saga.job.FAILED, "3"), (bad.state, bad.exit_code)
long = job("sleep 300")
assert long.id in service.list()
long.cancel()
long.wait(60)
assert long.state == saga.job.CANCELED, long.state
service.close()

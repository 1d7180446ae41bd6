"""The jobs of a session that was recorded on real Slurm, and sacct asked about them."""

from shim.commands.sacct import run
from shim.grammar.indexset import IndexSet
from shim.job.record import Job, Step
from tests.commands.lab import NOW, Answer, Lab


def account_for(lab: Lab) -> Lab:
    """The jobs of the recorded session, under their ids, four seconds after the first one started."""
    lab.become(2003)
    lab.queue.next_job_id = 631
    steps = lab.submit(job_name="steps", account="proj", ntasks=2, time_limit=5, comment="mycomment", qos="normal")
    array = lab.submit(job_name="arr", account="proj", array="1-3", hold=True)
    lab.submit(job_name="held", account="proj", hold=True)
    parr = lab.submit(job_name="parr", account="proj", hold=True, array="1-50%2")
    lab.submit(job_name="running", account="proj", time_limit=3)
    canc = lab.submit(job_name="canc", account="proj", hold=True)
    lab.do(lambda: lab.queue.cancel(canc, user_id=2003))
    lab.do(lambda: lab.queue.cancel(parr, IndexSet.parse("3-4"), user_id=2003))
    lab.do(lambda: lab.queue.release(array, user_id=2003))
    _steps(lab, steps)
    for job_id in list(lab.executor.running):
        if job_id not in (631, 635):
            lab.end(job_id)
    lab.time += 2
    lab.end(631, 3 << 8, user_seconds=0.019851, system_seconds=0.021827)
    lab.time += 10
    return lab


def _steps(lab: Lab, job: Job) -> None:
    """What ``srun hostname``, ``srun -n1 -J named sleep 1`` and ``srun bash -c 'exit 2'`` left behind."""
    for number, (name, ntasks, begin, end, status) in enumerate(
        [("hostname", 2, 0, 1, 0), ("named", 1, 1, 2, 0), ("bash", 2, 2, 2, 2 << 8)]
    ):
        step = Step(
            job.job_id, 0, str(number), name, start_time=NOW + begin, ntasks=ntasks, cpus=2, memory=200, node_list="n1"
        )
        lab.begin_step(job, step)
        step.exit_status = status
        lab.do(lambda step=step, e=NOW + end: lab.queue.step_table.end(step, e))  # type: ignore[misc]


def sacct(lab: Lab, *argv: str, **env: str) -> Answer:
    return lab.ask(run, "sacct", *argv, **env)


def lines(lab: Lab, *argv: str, **env: str) -> list[str]:
    """The lines of a successful call."""
    answer = sacct(lab, *argv, **env)
    assert (answer.stderr, answer.code) == ("", 0)
    return answer.stdout.splitlines()

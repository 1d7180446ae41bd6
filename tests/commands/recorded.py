"""The queue that was recorded on a real cluster: every kind of waiting job, running ones, an array, finished ones."""

from shim.grammar.indexset import IndexSet
from shim.job.record import Job, Share, Wait, Waits
from shim.job.states import Reason, State
from shim.scheduler.forecast import Forecast
from tests.commands.tinyqueue import NOW, TinyQueue

DAY = 86400
YEAR_LIMIT = 365 * 1440


def recorded_queue() -> TinyQueue:
    """Jobs 307 to 323 as they stood at NOW."""
    queue = TinyQueue()
    queue.add(
        307,
        "runner",
        ran=11,
        on=("n1",),
        cpus=4,
        time_limit=30,
        ntasks=2,
        cpus_per_task=2,
        mem_per_node=500,
        comment="a comment",
        command="/home/carol/w/sl.sh",
    )
    queue.add(308, "gpujob", ran=11, on=("n3",), partition="gpu", time_limit=1440, gres="gpu:a100:1")
    queue.add(
        309, "a_very_long_job_name_indeed", ran=11, on=("n1", "n2"), time_limit=60, nodes_min=2, ntasks_per_node=1
    )
    queue.add(
        310, "arr", array="1-100", tasks=IndexSet.parse("4-100"), throttle=3, reason=Reason.ARRAY_LIMIT, time_limit=5
    )
    queue.add(311, "dep", waits=Waits((Wait("afterok", 307),)), reason="Dependency")
    queue.add(312, "held", priority=0, reason="JobHeldUser")
    queue.add(313, "later", reason="BeginTime", begin=1893456000, eligible_time=1893456000)
    for job_id, name, reason in ((314, "big", "Resources"), (315, "big2", "Priority")):
        start = NOW - 11 + DAY
        big = queue.add(
            job_id, name, reason=reason, nodes_min=4, exclusive="exclusive", time_limit=10, start_time=start
        )
        queue.forecasts[big] = Forecast(start, ("n1", "n2", "n3", "n4"))
    queue.add(316, "toolong", partition="gpu", time_limit=7200, reason="PartitionTimeLimit")
    queue.add(317, "davejob", ran=2, on=("n2",), user_name="dave", user_id=2004, time_limit=YEAR_LIMIT)
    finish(queue.add(318, "done"), State.COMPLETED, "n2", ran=0)
    finish(
        queue.add(319, "fail", reason="NonZeroExitCode", exit_status=3 << 8, time_limit=YEAR_LIMIT),
        State.FAILED,
        "n2",
        ran=1,
    )
    queue.add(320, "deaddep", waits=Waits((Wait("afternotok", 307),)), reason="Dependency")
    for task_id, job_id in enumerate((321, 322, 323), start=1):
        queue.add(job_id, "arr", array="1-100", array_job_id=310, task_id=task_id, ran=8, on=("n1",), time_limit=5)
    return queue


def finish(job: Job, state: State, node: str, ran: int) -> None:
    """The job has ended."""
    job.state = state
    job.shares = (Share(node, 1, 100),)
    job.node_list = node
    job.start_time = NOW - 10
    job.end_time = job.start_time + ran

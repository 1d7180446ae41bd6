"""When and where a waiting job is expected to start, as squeue and scontrol show it of a real queue."""

from shim.commands.scontrol import run as scontrol
from shim.commands.squeue import run as squeue
from tests.commands.lab import Lab


def test_a_waiting_job_has_an_expected_start_and_nodes(lab: Lab) -> None:
    """Real Slurm tells the moment at which the running job reaches its limit, and the nodes that are free then."""
    lab.submit(time_limit=1440)
    big = lab.submit(nodes_min=4, nodes_max=4, exclusive="exclusive", time_limit=10)
    small = lab.submit(nodes_min=4, nodes_max=4, exclusive="exclusive", time_limit=5)
    start = lab.ask(squeue, "squeue", "--start", "-h", "-o", "%i %S %e %Y %r")
    assert start.stdout == (
        f"{big.job_id} 2026-11-25T19:14:09 2026-11-25T19:24:09 n[1-4] Resources\n"
        f"{small.job_id} N/A N/A (null) Priority\n"  # later than a day ahead nothing is planned
    )
    names = lab.ask(squeue, "squeue", "-h", "-t", "PD", "-S", "S", "-O", "StartTime:20,EndTime:20,SchedNodes:8")
    assert names.stdout.splitlines()[0] == "2026-11-25T19:14:09 2026-11-25T19:24:09 n[1-4]  "
    record = lab.ask(scontrol, "scontrol", "show", "job", str(big.job_id)).stdout
    assert "StartTime=2026-11-25T19:14:09 EndTime=2026-11-25T19:24:09 " in record
    assert "   NodeList= SchedNodeList=n[1-4]\n" in record

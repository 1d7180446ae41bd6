"""Jobs on hosts that share no files with the submit host: what goes along, and how the output comes back."""

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dstack.configuration import configuration
from tests.dstack.lab import Lab
from tests.dstack.test_end_to_end import accounting
from tests.shim import Shim, shim_in, wait_until

SCRIPT = """\
#!/bin/bash
cat data/input.txt
echo "to stderr" >&2
printf 'bytes \\r\\n\\377 \\303\\244\\n'
cd $SLURM_SUBMIT_DIR && ls -d d*
squeue; echo "code $?"
scontrol show hostnames 'x[1-2]'
exit 4
"""


@pytest.fixture
def cloud(dstack_lab: Lab, tmp_path: Path) -> Iterator[Shim]:
    with shim_in(tmp_path, configuration(dstack_lab, tmp_path, 'mode = "upload"\n')) as it:
        (it.work / "data").mkdir()
        (it.work / "data" / "input.txt").write_text("input\n")
        yield it


def test_files_go_along_and_the_output_comes_back(cloud: Shim) -> None:
    job = cloud.submit("--gres=gpu:1", script=SCRIPT)
    assert cloud.wait(job) == "FAILED"
    assert accounting(cloud, job) == ["FAILED|4:0"]
    expected = (
        b"input\nto stderr\nbytes \r\n\xef\xbf\xbd \xc3\xa4\ndata\n"
        b"squeue: error: this job has no directory in common with its submit host, so the queue is out of reach\n"
        b"code 1\nx1\nx2\n"
    )
    found = (cloud.work / f"slurm-{job}.out").read_bytes()
    assert found.replace(b"\xff", b"\xef\xbf\xbd") == expected


def test_output_survives_both_ends(cloud: Shim, dstack_lab: Lab) -> None:
    go = cloud.folder / "go"  # the lab's hosts are this machine
    script = f"#!/bin/bash\nseq 1000\nuntil [ -e {go} ]; do sleep 0.1; done\nseq 1001 3000\necho bad >&2\n"
    job = cloud.submit("-o", "out-%j", "-e", "err-%j", script=script)
    wait_until(lambda: "1000\n" in (cloud.work / f"out-{job}").read_text(), lambda: cloud.log)
    cloud.kill_controller()
    go.touch()
    assert cloud.wait(job) == "COMPLETED"
    assert (cloud.work / f"out-{job}").read_text() == "".join(f"{n}\n" for n in range(1, 3001))
    assert (cloud.work / f"err-{job}").read_text() == "bad\n"


def test_cancel(cloud: Shim) -> None:
    # Reading from a FIFO that nobody writes: bash reports the death of a program it waits for, and here is none.
    script = "#!/bin/bash\ntrap 'echo bye; exit' TERM\nmkfifo never\necho up\nread <>never\n"
    job = cloud.submit(script=script)
    cloud.wait(job, "RUNNING")
    wait_until(lambda: "up" in cloud.output(job), lambda: cloud.log)
    signal, note = cloud.run("scancel", "-s", "USR1", str(job)), cloud.run("scontrol", "notify", str(job), "hello")
    why = "no signal reaches a job on dstack that shares no files with its submit host"
    assert signal.err == f"scancel: error: Kill job error on job id {job}: {why}\n"
    why = "the output of this job comes from dstack's log: no line can be added"
    assert (note.err, note.code) == (f"job notify failure: {why}\n", 1)
    cloud.run("scancel", str(job))
    assert cloud.wait(job) == "CANCELLED"
    assert cloud.output(job) == "up\nbye\n"


def test_a_node_runs_its_own_steps(cloud: Shim) -> None:
    script = """\
#!/bin/bash
srun -l bash -c 'echo $SLURM_PROCID of $SLURM_NTASKS; exit $SLURM_PROCID'; echo "code $?"
sbcast data/input.txt copy && srun -n1 cat copy
srun --multi-prog conf; echo "code $?"
"""
    job = cloud.submit("-n2", script=script)
    assert cloud.wait(job) == "COMPLETED", cloud.log
    out = cloud.output(job)
    assert {"0: 0 of 2", "1: 1 of 2"} < set(out.splitlines())
    assert re.search(r"srun: error: lab-\d: task 1: Exited with exit code 1\n", out)
    complaint = "--multi-prog needs the queue, and this job has no directory in common with its submit host"
    assert f"code 1\ninput\nsrun: error: {complaint}\ncode 1\n" in out


def test_the_script_runs_on_the_first_node_only(cloud: Shim) -> None:
    script = "#!/bin/bash\necho here; srun true; echo code $?\n"
    job = cloud.submit("-N2", script=script)
    assert cloud.wait(job) == "COMPLETED", cloud.log
    assert cloud.output(job).startswith("here\nsrun: error: srun on the other nodes of a job needs the queue")


def test_too_much_is_refused_at_submission(cloud: Shim) -> None:
    (cloud.work / "large").write_bytes(bytes(3 << 20))
    answer = cloud.run("sbatch", stdin="#!/bin/sh\n")
    assert (answer.code, answer.out) == (1, "")
    assert answer.err == (
        f"sbatch: error: Batch job submission failed: {cloud.work} is more than the 2,097,152 bytes that dstack "
        "uploads: list what jobs need in dstack.upload, or use shared files\n"
    )
    (cloud.work / "large").unlink()
    for number in range(4096):  # each takes a block
        (cloud.work / "data" / str(number)).touch()
    assert cloud.run("sbatch", stdin="#!/bin/sh\n").code == 1


def test_a_script_beyond_an_argument_travels_as_an_archive(cloud: Shim) -> None:
    noise = os.urandom(150_000).hex()  # 128 KiB cannot hold it, however packed
    script = f"#!/bin/bash\n# {noise}\necho ${{#LARGE}} $(wc -c <$0)\ncat data/input.txt\n"
    job = cloud.submit(script=script, LARGE=os.urandom(50_000).hex())
    assert cloud.wait(job) == "COMPLETED", cloud.log
    assert cloud.output(job) == f"100000 {len(script)}\ninput\n"


def test_time_limit(cloud: Shim, dates: Path) -> None:
    begin = int(time.time())
    dates.write_text(f"{begin} + (ms - {begin}000) / 100")  # a minute takes six seconds
    script = "#!/bin/bash\ntrap 'echo warned' USR1\ntrap 'echo late; exit' TERM\nmkfifo never\nread <>never\n"
    job = cloud.submit("-t1", "-w", "lab-1", "--signal=B:USR1@10", script=script)
    assert cloud.wait(job) == "TIMEOUT"
    notice = rf"slurmstepd: error: \*\*\* JOB {job} ON \S+ CANCELLED AT [-0-9T:]+ DUE TO TIME LIMIT \*\*\*\n"
    assert re.fullmatch(rf"warned\n{notice}late\n", cloud.output(job))
    assert accounting(cloud, job) == ["TIMEOUT|0:0"]

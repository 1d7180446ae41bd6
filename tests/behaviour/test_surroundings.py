"""What a job finds: its files, its variables, its directory; and what is told of it afterwards."""

import os
import re

from tests.behaviour.script import BASH, nodes, on_dstack
from tests.shim import Shim, wait_until


def test_names_of_files(shim: Shim) -> None:
    node = nodes(shim)[0]
    out, err = "%x-%j-%N-%n-%u-%%-%5j.out", "err-%A"
    job = shim.submit("-w", node, "-J", "files", "-o", out, "-e", err, script=f"{BASH}echo out; echo err >&2\n")
    array = shim.submit("--array=7", "-o", "%A_%3a-%J.out", script=f"{BASH}echo $SLURM_ARRAY_TASK_ID\n")
    assert [shim.wait(job), shim.wait(array)] == ["COMPLETED"] * 2
    user = shim.run("id", "-un").out.strip()
    assert (shim.work / f"files-{job}-{node}-0-{user}-%-{job:05}.out").read_text() == "out\n"
    assert (shim.work / f"err-{job}").read_text() == "err\n"
    assert (shim.work / f"{array}_007-{array}.out").read_text() == "7\n"


def test_directory_mask_and_mode(shim: Shim) -> None:
    (shim.work / "below").mkdir()
    (shim.work / "kept.out").write_text("before\n")
    for name in ("kept.out", "cut.out"):
        (shim.work / "below" / name).write_text("before\n")
    script = f"{BASH}pwd; umask; echo $SLURM_SUBMIT_DIR; ulimit -n >&2\n"
    submit = "sbatch --parsable --chdir=below -e limits --open-mode"
    submission = f"umask 027; ulimit -Sn 333; {submit}=append -o kept.out job.sh; {submit}=truncate -o cut.out job.sh"
    (shim.work / "job.sh").write_text(script)
    job = int(shim.run("sh", "-c", submission).out.splitlines()[0])
    assert [shim.wait(job), shim.wait(job + 1)] == ["COMPLETED"] * 2
    seen = f"{shim.work}/below\n0027\n{shim.work}\n"
    assert (shim.work / "below/kept.out").read_text() == f"before\n{seen}"
    assert (shim.work / "below/cut.out").read_text() == seen
    limits = set((shim.work / "below/limits").read_text().split())
    assert (limits == {"333"}) is not on_dstack(shim)  # limits of this machine say nothing to another one
    gone = shim.submit("--chdir=/no/such/folder", "-o", f"{shim.work}/gone.out", script=f"{BASH}pwd\n")
    assert shim.wait(gone) == "COMPLETED"
    text = (shim.work / "gone.out").read_text()
    assert text.endswith("/tmp\n") and "couldn't chdir to `/no/such/folder'" in text


def test_variables_that_travel(shim: Shim) -> None:
    script = f"{BASH}echo ${{ONE-no}} ${{TWO-no}} ${{OWN-no}} ${{SLURM_JOB_ID+job}} ${{SLURM_EXPORT_ENV-no}}\n"
    wanted = {
        "ALL": "one two no job no", "NONE": "no no no job NONE", "ONE": "one no no job ONE", "NIL": "no no no job NIL",
        "ALL,OWN=a b": "one two a b job ALL,OWN=a b", "TWO,OWN=1": "no two 1 job TWO,OWN=1",
    }  # fmt: skip
    jobs = {shim.submit(f"--export={text}", script=script, ONE="one", TWO="two"): seen for text, seen in wanted.items()}
    plain = shim.submit(script=script, ONE="one", TWO="two")
    for job, seen in jobs.items():
        assert (shim.wait(job), shim.output(job)) == ("COMPLETED", f"{seen}\n")
    assert (shim.wait(plain), shim.output(plain)) == ("COMPLETED", "one two no job no\n")


def test_what_is_told_afterwards(shim: Shim) -> None:
    work = "i=0; while [ $i -lt 150000 ]; do i=$((i+1)); done"
    job = shim.submit("-n2", "-t5", "-J", "told", "--comment=x", script=f"{BASH}srun -n2 bash -c '{work}'\n{work}\n")
    assert shim.wait(job) == "COMPLETED"
    fields = "JobID,JobName,Partition,NTasks,AllocCPUS,NNodes,Timelimit,State,ExitCode"
    shown = shim.run("sacct", "-n", "-P", "-j", str(job), "-o", fields).out
    assert shown.splitlines() == [
        f"{job}|told|gpu||2|1|00:05:00|COMPLETED|0:0",
        f"{job}.batch|batch||1|2|1||COMPLETED|0:0",
        f"{job}.0|bash||2|2|1||COMPLETED|0:0",
    ]
    fields = "JobID,Submit,Start,End,Elapsed,TotalCPU,MaxRSS"
    for line in shim.run("sacct", "-n", "-P", "-j", str(job), "-o", fields).out.splitlines():
        name, submit, start, end, elapsed, cpu, memory = line.split("|")
        assert submit <= start <= end
        assert re.fullmatch(r"00:0\d:\d\d", elapsed)
        assert re.fullmatch(r"00:\d\d\.\d{3}", cpu) and cpu > "00:00.000"
        assert bool(re.fullmatch(r"\d+K", memory)) is ("." in name)


BATCH = {
    "CUDA_VISIBLE_DEVICES": "0,1", "ENVIRONMENT": "BATCH",
    "SLURM_ARRAY_TASK_COUNT": "3", "SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_TASK_MAX": "9",
    "SLURM_ARRAY_TASK_MIN": "3", "SLURM_ARRAY_TASK_STEP": "3", "SLURM_CPUS_ON_NODE": "8", "SLURM_CPUS_PER_TASK": "2",
    "SLURM_GPUS_ON_NODE": "2", "SLURM_GTIDS": "0", "SLURM_JOB_ACCOUNT": "acct", "SLURM_JOB_CPUS_PER_NODE": "8",
    "SLURM_JOB_GPUS": "0,1", "SLURM_JOB_NAME": "all", "SLURM_JOB_NUM_NODES": "1", "SLURM_JOB_PARTITION": "gpu",
    "SLURM_JOB_QOS": "normal", "SLURM_LOCALID": "0", "SLURM_MEM_PER_NODE": "1024", "SLURM_NNODES": "1",
    "SLURM_NODEID": "0", "SLURM_NODE_ALIASES": "(null)", "SLURM_NPROCS": "4", "SLURM_NTASKS": "4",
    "SLURM_PRIO_PROCESS": "0", "SLURM_PROCID": "0", "SLURM_TASKS_PER_NODE": "4", "SLURM_TOPOLOGY_ADDR_PATTERN": "node",
}  # fmt: skip
STEP = BATCH | {
    "SLURM_DISTRIBUTION": "cyclic", "SLURM_JOB_CPUS_PER_NODE_PACK_GROUP_0": "8",
    "SLURM_LAUNCH_NODE_IPADDR": "127.0.0.1",
    "SLURM_NPROCS": "1", "SLURM_NTASKS": "1", "SLURM_SRUN_COMM_HOST": "127.0.0.1", "SLURM_SRUN_COMM_PORT": "0",
    "SLURM_STEPID": "0", "SLURM_STEP_GPUS": "0,1", "SLURM_STEP_ID": "0", "SLURM_STEP_LAUNCHER_PORT": "0",
    "SLURM_STEP_NUM_NODES": "1", "SLURM_STEP_NUM_TASKS": "1", "SLURM_STEP_TASKS_PER_NODE": "1",
    "SLURM_TASKS_PER_NODE": "1", "SLURM_UMASK": "0022",
}  # fmt: skip
OF_CONFIGURED_GPUS = {"GPU_DEVICE_ORDINAL", "ROCR_VISIBLE_DEVICES", "ZE_AFFINITY_MASK"}
"""Set here as Slurm does where gres.conf names the devices; a container of dstack has no GPUs but the job's."""
OF_ITS_HOST = {"HOME", "PATH", "HOSTNAME", "TMPDIR", "OLDPWD"}
"""Not brought along to dstack, where hosts have their own (drop_env in the configuration)."""
OF_A_CONTAINER = re.compile(r"DSTACK_\w+|SLURMSHIM_GUEST|TERM|LAB_TASK|SHIM_HOSTS")
"""What dstack sets, and the shim for its guest; the last three are of this lab."""


def test_variables_of_a_job_and_its_step(shim: Shim) -> None:
    """All of them, alike on both executors but for what each host has for itself."""
    options = [
        "-J",
        "all",
        "-n4",
        "-c2",
        "-t7",
        "--gres=gpu:2",
        "--mem=1G",
        "--array=3-9:3%2",
        "--nice=5",
        "-A",
        "acct",
    ]
    script = f"{BASH}[ $SLURM_ARRAY_TASK_ID = 3 ] || exit 0\nenv -0\nprintf '\\0\\0'\nsrun -n1 env -0\n"
    array = shim.submit(*options, script=script, MINE="a\nb")
    wait_until(lambda: set(shim.states("-j", str(array)).values()) == {"COMPLETED"}, lambda: shim.log)
    node = shim.run("sacct", "-n", "-P", "-X", "-j", f"{array}_3", "-o", "NodeList").out.strip()
    job, user = str(array + 1), shim.run("id", "-un").out.strip()
    varying = {
        "SLURM_ARRAY_JOB_ID": str(array), "SLURM_CLUSTER_NAME": "cloud" if on_dstack(shim) else "here",
        "SLURM_JOBID": job, "SLURM_JOB_ID": job, "SLURM_JOB_GID": str(os.getgid()), "SLURM_JOB_UID": str(os.getuid()),
        "SLURM_JOB_USER": user, "SLURM_NODELIST": node, "SLURM_JOB_NODELIST": node, "SLURM_TOPOLOGY_ADDR": node,
        "SLURMD_NODENAME": node, "SLURM_SUBMIT_DIR": str(shim.work), "SLURM_SUBMIT_HOST": os.uname().nodename,
    }  # fmt: skip
    brought = {name: value for name, value in shim.environment.items() if name not in OF_ITS_HOST}
    brought |= {"MINE": "a\nb", "PWD": str(shim.work), "SHLVL": "1"}
    pids = set()
    for text, expected in zip(shim.output(f"{array}_3").split("\0\0\0"), (BATCH, STEP), strict=True):
        found = dict(entry.split("=", 1) for entry in text.strip("\0").split("\0"))
        pids.add(found.pop("SLURM_TASK_PID"))
        for name in ("_", *OF_ITS_HOST, *([] if on_dstack(shim) else OF_CONFIGURED_GPUS)):
            found.pop(name, None)
        if on_dstack(shim):
            found = {name: value for name, value in found.items() if not OF_A_CONTAINER.fullmatch(name)}
        assert found == {**expected, **varying, **brought}
        varying |= {"SLURM_STEP_NODELIST": node, "SRUN_DEBUG": "3"}
    assert len(pids) == 2

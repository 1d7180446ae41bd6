"""squeue's tables, filters, order and complaints, against what the real squeue answered on the same queue."""

import asyncio

import pytest

from shim.commands.call import Call
from shim.commands.squeue import main as squeue
from shim.commands.squeue import run
from shim.grammar.indexset import IndexSet
from shim.job.record import Step
from shim.job.states import State
from tests.commands.recorded import recorded_queue
from tests.commands.tinyqueue import NOW, TinyQueue, ask

DEFAULT = """\
             JOBID PARTITION     NAME     USER ST       TIME  NODES NODELIST(REASON)
               313     debug    later    carol PD       0:00      1 (BeginTime)
               314     debug      big    carol PD       0:00      4 (Resources)
               315     debug     big2    carol PD       0:00      4 (Priority)
     310_[4-100%3]     debug      arr    carol PD       0:00      1 (JobArrayTaskLimit)
               320     debug  deaddep    carol PD       0:00      1 (Dependency)
               311     debug      dep    carol PD       0:00      1 (Dependency)
               312     debug     held    carol PD       0:00      1 (JobHeldUser)
               317     debug  davejob     dave  R       0:02      1 n2
             310_1     debug      arr    carol  R       0:08      1 n1
             310_2     debug      arr    carol  R       0:08      1 n1
             310_3     debug      arr    carol  R       0:08      1 n1
               307     debug   runner    carol  R       0:11      1 n1
               309     debug a_very_l    carol  R       0:11      2 n[1-2]
               316       gpu  toolong    carol PD       0:00      1 (PartitionTimeLimit)
               308       gpu   gpujob    carol  R       0:11      1 n3
"""
LONG = """\
Tue Nov 24 18:51:51 2026
             JOBID PARTITION     NAME     USER    STATE       TIME TIME_LIMI  NODES NODELIST(REASON)
               317     debug  davejob     dave  RUNNING       0:02 365-00:00:00      1 n2
               309     debug a_very_l    carol  RUNNING       0:11   1:00:00      2 n[1-2]
               316       gpu  toolong    carol  PENDING       0:00 5-00:00:00      1 (PartitionTimeLimit)
"""
START = """\
             JOBID PARTITION     NAME     USER ST          START_TIME  NODES SCHEDNODES           NODELIST(REASON)
               314     debug      big    carol PD 2026-11-25T18:51:40      4 n[1-4]               (Resources)
               315     debug     big2    carol PD 2026-11-25T18:51:40      4 n[1-4]               (Priority)
               313     debug    later    carol PD 2030-01-01T00:00:00      1 (null)               (BeginTime)
               311     debug      dep    carol PD                 N/A      1 (null)               (Dependency)
               312     debug     held    carol PD                 N/A      1 (null)               (JobHeldUser)
               316       gpu  toolong    carol PD                 N/A      1 (null)               (PartitionTimeLimit)
               320     debug  deaddep    carol PD                 N/A      1 (null)               (Dependency)
     310_[4-100%3]     debug      arr    carol PD                 N/A      1 (null)               (JobArrayTaskLimit)
"""
HEADER = DEFAULT.splitlines(keepends=True)[0]
USAGE_START = "Usage: squeue [-A account] [--clusters names] [-i seconds] [--job jobid]\n"
VALID = (
    "squeue: error: Valid job states include: PENDING,RUNNING,SUSPENDED,COMPLETED,CANCELLED,FAILED,TIMEOUT,NODE_FAIL,"
    "PREEMPTED,BOOT_FAIL,DEADLINE,OUT_OF_MEMORY,COMPLETING,CONFIGURING,RESIZING,RESV_DEL_HOLD,REQUEUED,REQUEUE_FED,"
    "REQUEUE_HOLD,REVOKED,SIGNALING,SPECIAL_EXIT,STAGE_OUT,STOPPED\n\n"
)


@pytest.fixture(scope="module")
def queue() -> TinyQueue:
    return recorded_queue()


def ids(queue: TinyQueue, *argv: str, **env: str) -> list[str]:
    answer = ask(run, queue, "-h", "-o", "%i", *argv, **env)
    assert answer.code == 0
    return answer.stdout.split()


def test_default_table(queue):
    assert ask(run, queue).stdout == DEFAULT


@pytest.mark.parametrize(
    "argv",
    [
        ["-a"],
        ["--hide"],
        ["--local"],
        ["--federation"],
        ["--sibling"],
        ["--only-job-state"],
        ["-S", "P,t,-p"],
        ["-S", "+P,+t,-p"],
        ["-p", "debug,gpu"],
    ],
)
def test_options_that_leave_the_default_table_as_it_is(queue, argv):
    assert ask(run, queue, *argv).stdout == DEFAULT


def test_no_header(queue):
    assert ask(run, queue, "-h").stdout == DEFAULT.removeprefix(HEADER)


def test_long_table_starts_with_the_date(queue):
    assert ask(run, queue, "-l", "-j", "316,317,309").stdout == LONG
    assert ask(run, queue, "-l", "-h", "-j", "317").stdout == LONG.splitlines(keepends=True)[2]


def test_start_lists_waiting_jobs_by_start(queue):
    assert ask(run, queue, "--start").stdout == START
    assert ask(run, queue, "--start", "-l", "-h").stdout == START.split("\n", 1)[1]


@pytest.mark.parametrize(
    ("argv", "wanted"),
    [
        (["-u", "dave"], "317"),
        (["-u", "2004"], "317"),
        (["--me", "-w", "n2"], "309"),
        (["--me", "-u", "dave"], "317"),
        (["-t", "PD", "-p", "gpu"], "316"),
        (["-t", "running", "-p", "gpu"], "308"),
        (["-t", "CD"], "318"),
        (["-t", "F"], "319"),
        (["-t", "all", "-n", "done,fail,runner"], "318 319 307"),
        (["-t", "S"], ""),
        (["-t", ""], ""),
        (["-n", "arr,dep"], "310_[4-100%3] 311 310_1 310_2 310_3"),
        (["-n", "ARR", "-t", "R"], "310_1 310_2 310_3"),
        (["-n", ""], ""),
        (["-p", "gpu"], "316 308"),
        (["-p", "GPU"], ""),
        (["-A", "proj"], ""),
        (["-q", "NORMAL", "-t", "R", "-p", "gpu"], "308"),
        (["-w", "n1"], "310_1 310_2 310_3 307 309"),
        (["-w", "n[1-2]"], "317 310_1 310_2 310_3 307 309"),
        (["-w", "localhost"], "310_1 310_2 310_3 307 309"),
        (["-L", "x"], ""),
        (["-R", "nosuch"], ""),
        (["-j", "307"], "307"),
        (["--job=307"], "307"),
        (["--jobs=307"], "307"),
        (["-j307"], "307"),
        (["-j", "310"], "310_[4-100%3] 310_3 310_2 310_1"),
        (["-j", "310_1"], "310_1"),
        (["-j", "310_50"], "310_50"),
        (["-j", "310_101"], ""),
        (["-j", "310_[4-5]"], ""),
        (["-j", "310_"], ""),
        (["-j", "310_50,310_52"], "310_[50,52]"),
        (["-j", "310_50,310_52", "-r"], "310_50 310_52"),
        (["-j", "307,311"], "311 307"),
        (["-j", "307 311"], "307"),
        (["-j", " 307"], "307"),
        (["-j", "307,"], "307"),
        (["-j", "307,307"], "307"),
        (["-j", "307,999999"], "307"),
        (["-j", "999998,999999"], ""),
        (["-j", "307x"], "307"),
        (["-j", "307.batch"], "307"),
        (["-j", "318"], ""),
        (["-j", "322"], "310_2"),
        (["-t", "all", "-j", "318"], "318"),
        (["-j", ""], ""),
        (["-r", "-n", "arr", "-t", "PD", "-j", "310_98,310_99,310_100"], "310_98 310_99 310_100"),
    ],
)
def test_filters(queue, argv, wanted, monkeypatch):
    monkeypatch.setattr("shim.commands.squeue.query.pwd.getpwnam", {"dave": Dave()}.__getitem__)
    monkeypatch.setattr("socket.gethostname", lambda: "vm")
    assert " ".join(ids(queue, *argv)) == wanted


class Dave:
    pw_uid = 2004


@pytest.mark.parametrize(
    ("sort", "wanted"),
    [
        ("i", "307 308 309 310_1 310_2 310_3 310_[4-100%3] 311 312 313 314 315 316 317 320"),
        ("-i", "320 317 316 315 314 313 312 311 310_[4-100%3] 310_3 310_2 310_1 309 308 307"),
        ("P,-i", "320 317 315 314 313 312 311 310_[4-100%3] 310_3 310_2 310_1 309 307 316 308"),
        ("t", "313 314 315 310_[4-100%3] 320 316 312 311 317 310_1 310_2 310_3 307 308 309"),
        ("-t", "317 310_1 310_2 310_3 307 308 309 313 314 315 310_[4-100%3] 320 316 312 311"),
        ("u", "313 314 315 310_1 310_2 310_3 307 308 309 310_[4-100%3] 320 316 312 311 317"),
        ("j", "309 310_1 310_2 310_3 310_[4-100%3] 314 315 317 320 311 308 312 313 307 316"),
        ("S", "307 308 309 310_1 310_2 310_3 317 314 315 313 311 312 316 320 310_[4-100%3]"),
        ("N", "310_1 310_2 310_3 307 309 317 308 311 312 316 320 310_[4-100%3] 315 314 313"),
        ("p", "312 313 314 315 317 310_1 310_2 310_3 307 308 309 310_[4-100%3] 320 316 311"),
        ("M", "313 314 315 310_[4-100%3] 320 316 312 311 317 310_1 310_2 310_3 307 308 309"),
        ("z", "313 314 315 317 310_1 310_2 310_3 307 308 309 310_[4-100%3] 320 316 312 311"),
        ("-p,i", "307 308 309 310_1 310_2 310_3 310_[4-100%3] 311 313 314 315 316 317 320 312"),
        ("cluster,i", "307 308 309 310_1 310_2 310_3 310_[4-100%3] 311 312 313 314 315 316 317 320"),
    ],
)
def test_order_is_the_recorded_one(queue, sort, wanted):
    assert " ".join(ids(queue, "-S", sort)) == wanted
    assert " ".join(ids(queue, SQUEUE_SORT=sort)) == wanted


def test_first_nodes_sort_by_number():
    queue = TinyQueue()
    for job_id, node in ((1, "n10"), (2, "n2"), (3, "a1")):
        queue.add(job_id, ran=5, on=(node,))
    assert ids(queue, "-S", "N") == ["3", "2", "1"]
    assert ids(queue, "-S", "-N") == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("argv", "code", "stdout", "stderr"),
    [
        (["-j", "999999"], 1, "", "slurm_load_jobs error: Invalid job id specified\n"),
        (["-h", "-j", "999999_1"], 1, "", "slurm_load_jobs error: Invalid job id specified\n"),
        (["-j", "0"], 1, "", "squeue: error: Invalid job id: 0\n"),
        (["-j", "abc"], 1, "", "squeue: error: Invalid job id: abc\n"),
        (["-j", "1,x"], 1, "", "squeue: error: Invalid job id: x\n"),
        (["-s", "203"], 1, "", "squeue: error: Invalid job_step id: 203.??\n"),
        (["-t", "foo"], 1, "", "squeue: error: Invalid job state specified: foo\n" + VALID),
        (["-w", "nosuch"], 1, "", "squeue: error: Invalid node name nosuch\n"),
        (["-u", "no-such-user"], 0, HEADER, "squeue: error: Invalid user: no-such-user\n\n"),
        (["-S", "foo"], 1, HEADER, "squeue: error: Invalid sort specification: o\n"),
        (["-S", "b", "-j", "307", "-h", "-o", "%i"], 0, "307\n", "squeue: Invalid sort specification: b\n"),
        (["-i", "0"], 1, "", "squeue: error: --iterate=0\n\n"),
        (["-i", "x"], 1, "", "squeue: error: --iterate=x\n\n"),
        (["-Z"], 1, "", "squeue: invalid option -- 'Z'\nTry \"squeue --help\" for more information\n"),
        (["--foo"], 1, "", "squeue: unrecognized option '--foo'\nTry \"squeue --help\" for more information\n"),
        (["-t"], 1, "", "squeue: option requires an argument -- 't'\nTry \"squeue --help\" for more information\n"),
        (
            ["--no"],
            1,
            "",
            "squeue: option '--no' is ambiguous; possibilities: '--noconvert' '--node' '--nodes' "
            "'--nodelist' '--noheader'\nTry \"squeue --help\" for more information\n",
        ),
        (["-O", "JobID", "-o", "%j"], 1, "", "squeue: error: -o (--format) is incompatible with -O (--Format)\n"),
        (["-o", "%j", "-O", "JobID"], 1, "", "squeue: error: -O (--Format) is incompatible with -o (--format)\n"),
        (
            ["-o", "%j", "-l"],
            1,
            "",
            "squeue: fatal: Options -o(--format) and -l(--long) are mutually exclusive. Please remove one and retry.\n",
        ),
        (["-s", "307.0", "-j307"], 1, "", "squeue: error: Incompatible options --jobs and --steps\n"),
        (
            ["-M", "nosuch"],
            1,
            "",
            "squeue: error: No cluster 'nosuch' known by database.\n"
            "squeue: error: 'nosuch' can't be reached now, or it is an invalid entry for --cluster.  "
            "Use 'sacctmgr list clusters' to see available clusters.\n",
        ),
        (["-V"], 0, "slurm 22.05.8\n", ""),
    ],
)
def test_complaints(queue, argv, code, stdout, stderr):
    answer = ask(run, queue, *argv)
    assert (answer.code, answer.stdout, answer.stderr) == (code, stdout, stderr)


def test_an_operand_too_many_prints_the_usage(queue):
    answer = ask(run, queue, "-j", "307", "311")
    assert answer.code == 1
    assert answer.stderr == "squeue: error: Unrecognized option: 311\n"
    assert answer.stdout.startswith(USAGE_START)


def test_help_and_usage(queue):
    assert ask(run, queue, "--usage", "-Z").stdout.startswith(USAGE_START)
    text = ask(run, queue, "--help").stdout
    assert text.startswith("Usage: squeue [OPTIONS]\n  -A, --account=account(s)        comma separated list of acc")
    assert text.endswith("  --usage                         display a brief summary of squeue options\n")


def test_cluster_name_above_the_table(queue):
    assert ask(run, queue, "-M", "oracle").stdout == "CLUSTER: oracle\n" + DEFAULT
    answer = ask(run, queue, "-M", "oracle,nosuch", "-h", "-j", "307", "-o", "%i")
    assert (answer.code, answer.stdout) == (0, "307\n")
    assert answer.stderr == "squeue: error: No cluster 'nosuch' known by database.\n"


def test_variables_give_way_to_options(queue):
    assert ids(queue, SQUEUE_PARTITION="gpu") == ["316", "308"]
    assert ids(queue, "-t", "R", "-p", "gpu", SQUEUE_STATES="PD") == ["308"]
    assert ask(run, queue, "-h", "-j", "307", SQUEUE_FORMAT="%i|%j").stdout == "307|runner\n"
    assert ask(run, queue, "-h", "-j", "307", SQUEUE_FORMAT2="JobID:8,Name").stdout == "307     runner              \n"
    assert ask(run, queue, "-h", "-j", "307", "-o", "%i", SQUEUE_FORMAT2="JobID:8,Name").stdout == "307\n"
    assert ask(run, queue, "-h", "-j", "317", "-l", SQUEUE_FORMAT="%i").stdout == LONG.splitlines(keepends=True)[2]
    assert ask(run, queue, "-h", "--start", "-p", "gpu", SQUEUE_FORMAT2="jobid").stdout.split()[0:2] == ["316", "gpu"]
    assert ask(run, queue, "-s", "-j", "999", SQUEUE_FORMAT="%j").stdout.split()[0] == "STEPID"
    assert ids(queue, "-t", "PD", "-j", "310_4,310_5", SQUEUE_ARRAY="1", SQUEUE_NAMES="arr") == ["310_4", "310_5"]


def test_array_flag_shows_a_line_for_each_task(queue):
    lines = ids(queue, "-r", "-n", "arr")
    assert lines == [f"310_{index}" for index in (*range(4, 101), 1, 2, 3)]


def test_many_lines_are_printed_in_parts(monkeypatch):
    pauses = []

    async def pause(_call):
        pauses.append(1)

    monkeypatch.setattr(squeue, "_pause", pause)
    queue = TinyQueue()
    queue.add(1, array="0-11999", tasks=IndexSet.parse("0-11999"))
    assert ids(queue, "-r") == [f"1_{index}" for index in range(12_000)]
    assert len(pauses) == 12_000 // squeue.AT_ONCE


def test_long_lists_of_tasks_are_cut():
    queue = TinyQueue()
    spec = "34,150,352,365,416,464,481,533,601,622,700,722,788,799,811,833,855,877,901,933,977,1001,1034"
    queue.add(367, array=spec, tasks=IndexSet.parse(spec), throttle=3)

    def shown(**env: str) -> str:
        return ask(run, queue, "-h", "-o", "%i %K", **env).stdout

    cut = "34,150,352,365,416,464,481,533,601,622,700,722,788,799,811,8...%3"
    assert shown() == f"367_[34,150,352,365,416,464,481 {cut}\n"
    assert shown(SLURM_BITSTR_LEN="0") == f"367_[{spec}%3] {spec}%3\n"
    assert ask(run, queue, "-h", "-o", "%.9i|%.9K|", SLURM_BITSTR_LEN="0").stdout == f"367_[{spec}%3]|34,150,35|\n"
    assert shown(SLURM_BITSTR_LEN="20") == "367_[34,150,352,365,4...%3] 34,150,352,365,4...%3\n"


def test_pending_tasks_with_records_of_their_own_are_folded_in():
    queue = TinyQueue()
    queue.add(583, "w", array="1-6", tasks=IndexSet.parse("4-6"), throttle=1, reason="JobArrayTaskLimit")
    queue.add(584, "w", array="1-6", array_job_id=583, task_id=2, reason="JobHeldUser")
    queue.add(585, "w", array="1-6", array_job_id=583, task_id=3, reason="None")
    queue.add(586, "other", array="1-6", array_job_id=583, task_id=1, reason="JobHeldUser")

    def shown(*argv: str) -> str:
        return ask(run, queue, "-h", "-S", "i", "-o", "%i|%r", *argv).stdout

    assert shown() == "583_1|JobHeldUser\n583_[2-6]|JobArrayTaskLimit,JobHeldUser,None\n"
    apart = "583_1|JobHeldUser\n583_2|JobHeldUser\n583_3|None\n"
    assert shown("--array-unique") == f"{apart}583_[4-6%1]|JobArrayTaskLimit\n"
    assert shown("-r") == apart + "".join(f"583_{index}|JobArrayTaskLimit\n" for index in (4, 5, 6))


def test_the_last_task_that_is_left_of_an_array():
    queue = TinyQueue()
    queue.add(5556, array="1-3", tasks=IndexSet.parse("3"))
    assert ids(queue) == ["5556_[3]"]
    queue.add(5557, array="1-2", tasks=IndexSet.parse("2"), throttle=1)
    queue.add(5558, array="1-2", array_job_id=5557, task_id=1, ran=5, on=("n1",))
    assert ids(queue, "-S", "i") == ["5556_[3]", "5557_1", "5557_2"]
    assert ids(queue, "-j", "5557") == ["5557_2", "5557_1"]


def test_priority_flag_shows_a_line_for_each_partition():
    queue = TinyQueue()
    queue.add(363, partition="gpu,debug")
    assert ask(run, queue, "-h", "-o", "%i %P").stdout == "363 gpu,debug\n"
    assert ask(run, queue, "-h", "-P", "-o", "%i %P").stdout == "363 debug\n363 gpu\n"
    assert ask(run, queue, "-h", "-P", "-p", "gpu", "-o", "%i %P").stdout == "363 gpu\n"
    assert ask(run, queue, "-h", "-P", "-S", "-p", "-o", "%P").stdout == "gpu\ndebug\n"  # the higher tier first


def test_ends_of_waiting_jobs_sort_by_their_limits():
    queue = TinyQueue()
    queue.add(1, ran=5, on=("n1",))  # ends in a year at the latest
    queue.add(2, begin=int(NOW) + 60)  # could go on for ever
    queue.add(3, begin=int(NOW) + 4 * 365 * 86400, time_limit=5)
    queue.add(4, time_limit=5)  # nobody knows when it starts
    assert ids(queue, "-S", "e") == ["4", "1", "3", "2"]


def test_components_of_a_heterogeneous_job():
    queue = TinyQueue()
    for offset in (0, 1):
        queue.add(950 + offset, het_job_id=950, het_job_offset=offset)
    assert ids(queue, "-S", "i") == ["950+0", "950+1"]


def test_steps():
    queue = TinyQueue()
    queue.add(308, "gpujob", ran=11, on=("n3",), partition="gpu")
    queue.add(307, "runner", ran=11, on=("n1",))
    queue.add(321, "arr", array="1-9", array_job_id=310, task_id=1, ran=8, on=("n1",))
    queue.live_steps[307] = [Step(307, 0, "0", "bash", start_time=NOW - 5, node_list="n1", ntasks=2)]
    assert ask(run, queue, "-s").stdout == (
        "         STEPID     NAME PARTITION     USER      TIME NODELIST\n"
        "          307.0     bash     debug    carol      0:05 n1\n"
        "      307.batch    batch     debug    carol      0:11 n1\n"
        "    310_1.batch    batch     debug    carol      0:08 n1\n"
        "      308.batch    batch       gpu    carol      0:11 n3\n"
    )
    assert ask(run, queue, "-h", "-s", "307.0", "-o", "%i %A %S").stdout == "307.0 2 2026-11-24T18:51:46\n"
    assert ask(run, queue, "-h", "-s", "-j", "310_1", "-O", "StepID,StepState:9,NumTasks:2").stdout == (
        "310_1.batch         RUNNING  1 \n"
    )
    everything = ask(run, queue, "-s", "-o", "%all", "-p", "gpu").stdout.splitlines()
    assert everything[0] == "TRES_PER_JOB|STEPID|NAME|TIME_LIMIT|USER|TASKS|TIME|NODELIST|PARTITION|START_TIME|UID|"
    assert everything[1] == "(null)|308.batch|batch|UNLIMITED|carol|1|0:11|n3|gpu|2026-11-24T18:51:40|2003|"
    assert ask(run, queue, "-s", "-h", "-o", "%Z", "-p", "gpu").stderr == (
        "squeue: error: Invalid job step format specification: Z\n"
    )


def test_filters_of_steps():
    queue = TinyQueue()
    queue.add(1, "one", ran=5, on=("n1",))
    queue.add(2, "two", ran=5, on=("n2",), user_id=7, partition="gpu")
    queue.add(3, "array", array="1-2", ran=5, on=("n1",), array_job_id=9, task_id=2)

    def steps(*argv: str) -> str:
        return " ".join(ask(run, queue, "-h", "-s", "-o", "%i", *argv).stdout.split())

    assert steps("-S", "-i") == "9_2.batch 2.batch 1.batch"
    assert steps("-S", "-N,i") == "2.batch 1.batch 9_2.batch"
    assert steps("-u", "7") == steps("-p", "gpu") == steps("-w", "n2") == steps("-j", "2") == "2.batch"
    assert steps("-j", "9_2") == steps("-j", "9") == "9_2.batch"
    assert steps("-n", "batch", "-j", "1") == "1.batch"
    assert steps("-n", "one") == ""


def test_licenses_and_node_lists():
    queue = TinyQueue()
    queue.add(1, licenses="foo:2,bar")
    queue.add(2)
    assert ids(queue, "-L", "bar") == ids(queue, "-L", "x,foo") == ["1"]
    answer = ask(run, queue, "-w", "n[1")
    assert (answer.code, answer.stderr) == (1, "squeue: error: 'n[1' invalid entry for --nodelist\n")


def test_verbose_lists_the_settings(queue):
    text = ask(run, queue, "-v", "-j", "307").stdout
    settings, report = text.split("\n\n\n")
    lines = settings.splitlines()
    assert lines[0] == lines[-1] == "-----------------------------"
    assert lines[1] == "all         = false"
    assert lines[6:8] == ["job_flag    = 1", "jobs        = 307"]
    assert report.startswith("Tue Nov 24 18:51:51 2026\nlast_update_time=0 records=1\n" + HEADER)
    double = ask(run, queue, "-vv", "-h", "-t", "PD,r", "-p", "gpu", "-j", "571,363_1").stdout
    assert "all         = true\n" in double
    assert "verbose     = 2\njob_list[0] = 571\njob_list[1] = 363_1\npart_list[0] = gpu\n" in double
    assert "state_list[0] = PENDING\nstate_list[1] = RUNNING\n" in double


def test_reports_are_repeated_with_a_blank_line_until_the_client_goes(queue, monkeypatch):
    waits = iter([True, False])

    async def still_there(_call, seconds):
        assert seconds == 5
        return next(waits)

    monkeypatch.setattr(Call, "still_there", still_there)
    table = (
        "Tue Nov 24 18:51:51 2026\n"
        + HEADER
        + ("               307     debug   runner    carol  R       0:11      1 n1\n\n")
    )
    assert ask(run, queue, "-i", "5", "-j", "307").stdout == table * 2


def test_a_client_that_has_gone_is_noticed_while_waiting(queue):
    async def waited(closed: list[bool], seconds: float) -> bool:
        answers = iter(closed)
        call = Call("squeue", [], "/", {}, 1, queue, closed=lambda: next(answers))
        return await call.still_there(seconds)

    assert not asyncio.run(waited([True], 1000))
    assert asyncio.run(waited([False], 0))


def test_finished_states_are_shown_when_asked_for(queue):
    assert ask(run, queue, "-t", "all", "-j", "319", "-h").stdout == (
        "               319     debug     fail    carol  F       0:01      1 (NonZeroExitCode)\n"
    )
    assert {state for state in State if state.active} <= {
        State[name] for name in ("CONFIGURING", "RUNNING", "SUSPENDED", "STOPPED", "COMPLETING")
    }

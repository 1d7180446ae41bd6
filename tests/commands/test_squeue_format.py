"""Every letter of --format and every name of --Format, against the recorded answers of the real squeue."""

import pytest

from shim.commands.squeue import run
from shim.commands.squeue.columns import ALL_JOB_LETTERS, BY_LETTER, BY_NAME
from shim.job.states import State
from tests.commands.recorded import recorded_queue
from tests.commands.tinyqueue import NOW, TinyQueue, ask

# heading, running job 307, pending task 310_50, waiting job 311, failed job 319
LETTERS = {
    "a": "ACCOUNT|(null)|(null)|(null)|(null)",
    "b": "TRES_PER_NODE|N/A|N/A|N/A|N/A",
    "c": "MIN_CPUS|2|1|1|1",
    "d": "MIN_TMP_DISK|0|0|0|0",
    "e": "END_TIME|2026-11-24T19:21:40|N/A|N/A|2026-11-24T18:51:42",
    "f": "FEATURES|(null)|(null)|(null)|(null)",
    "g": "GROUP|carol|carol|carol|carol",
    "h": "OVER_SUBSCRIBE|OK|OK|OK|OK",
    "i": "JOBID|307|310_50|311|319",
    "j": "NAME|runner|arr|dep|fail",
    "k": "COMMENT|a comment|(null)|(null)|(null)",
    "l": "TIME_LIMIT|30:00|5:00|UNLIMITED|365-00:00:00",
    "m": "MIN_MEMORY|500M|100M|100M|100M",
    "n": "REQ_NODES||||",
    "o": "COMMAND|/home/carol/w/sl.sh|(null)|(null)|(null)",
    "p": "PRIORITY|0.00000023283064|0.00000023283064|0.00000023283064|0.00000023283064",
    "q": "QOS|normal|normal|normal|normal",
    "r": "REASON|None|JobArrayTaskLimit|Dependency|NonZeroExitCode",
    "s": "||||",
    "t": "ST|R|PD|PD|F",
    "u": "USER|carol|carol|carol|carol",
    "v": "RESERVATION|(null)|(null)|(null)|(null)",
    "w": "WCKEY|(null)|(null)|(null)|(null)",
    "x": "EXC_NODES||||",
    "y": "NICE|0|0|0|0",
    "z": "S:C:T|*:*:*|*:*:*|*:*:*|*:*:*",
    "A": "JOBID|307|310|311|319",
    "B": "EXEC_HOST|n1|n/a|n/a|n2",
    "C": "CPUS|4|1|1|1",
    "D": "NODES|1|1|1|1",
    "E": "DEPENDENCY|(null)|(null)|afterok:307(unfulfilled)|(null)",
    "F": "ARRAY_JOB_ID|307|310|311|319",
    "G": "GROUP|2003|2003|2003|2003",
    "H": "SOCKETS_PER_NODE|*|*|*|*",
    "I": "CORES_PER_SOCKET|*|*|*|*",
    "J": "THREADS_PER_CORE|*|*|*|*",
    "K": "ARRAY_TASK_ID|N/A|50|N/A|N/A",
    "L": "TIME_LEFT|29:49|5:00|UNLIMITED|364-23:59:59",
    "M": "TIME|0:11|0:00|0:00|0:01",
    "N": "NODELIST|n1|||n2",
    "O": "CONTIGUOUS|0|0|0|0",
    "P": "PARTITION|debug|debug|debug|debug",
    "Q": "PRIORITY|1000|1000|1000|1000",
    "R": "NODELIST(REASON)|n1|(JobArrayTaskLimit)|(Dependency)|(NonZeroExitCode)",
    "S": "START_TIME|2026-11-24T18:51:40|N/A|N/A|2026-11-24T18:51:41",
    "T": "STATE|RUNNING|PENDING|PENDING|FAILED",
    "U": "UID|2003|2003|2003|2003",
    "V": "SUBMIT_TIME|2026-11-24T18:51:31|2026-11-24T18:51:31|2026-11-24T18:51:31|2026-11-24T18:51:31",
    "W": "LICENSES|(null)|(null)|(null)|(null)",
    "X": "CORE_SPEC|N/A|N/A|N/A|N/A",
    "Y": "SCHEDNODES|(null)|(null)|(null)|(null)",
    "Z": "WORK_DIR|/home/carol/w|/home/carol/w|/home/carol/w|/home/carol/w",
}
# heading, running job 307, pending task 310_50, failed job 319
NAMES = {
    "Account": "ACCOUNT|(null)|(null)|(null)",
    "AccrueTime": "ACCRUE_TIME|N/A|N/A|N/A",
    "admin_comment": "ADMIN_COMMENT|(null)|(null)|(null)",
    "AllocNodes": "ALLOC_NODES|localhost|localhost|localhost",
    "AllocSID": "ALLOC_SID|0|0|0",
    "ArrayJobID": "ARRAY_JOB_ID|307|310|319",
    "ArrayTaskID": "ARRAY_TASK_ID|N/A|50|N/A",
    "AssocID": "ASSOC_ID|0|0|0",
    "BatchFlag": "BATCH_FLAG|1|1|1",
    "BatchHost": "EXEC_HOST|n1|n/a|n2",
    "BoardsPerNode": "BOARDS_PER_NODE|0|0|0",
    "BurstBuffer": "BURST_BUFFER|(null)|(null)|(null)",
    "BurstBufferState": "BURST_BUFFER_STATE|(null)|(null)|(null)",
    "Cluster": "CLUSTER|oracle|oracle|oracle",
    "ClusterFeature": "CLUSTER_FEATURES|(null)|(null)|(null)",
    "Command": "COMMAND|/home/carol/w/sl.sh|(null)|(null)",
    "Comment": "COMMENT|a comment|(null)|(null)",
    "Contiguous": "CONTIGUOUS|0|0|0",
    "Container": "CONTAINER|(null)|(null)|(null)",
    "Cores": "CORES_PER_SOCKET|*|*|*",
    "CoreSpec": "CORE_SPEC|N/A|N/A|N/A",
    "cpus-per-task": "CPUS_PER_TASK|2|1|1",
    "cpus-per-tres": "CPUS_PER_TRES|N/A|N/A|N/A",
    "Deadline": "DEADLINE|N/A|N/A|N/A",
    "DelayBoot": "DELAY_BOOT|0:00|0:00|0:00",
    "Dependency": "DEPENDENCY|(null)|(null)|(null)",
    "DerivedEC": "DERIVED_EC|0|0|0",
    "EligibleTime": "ELIGIBLE_TIME|N/A|N/A|N/A",
    "EndTime": "END_TIME|2026-11-24T19:21:40|N/A|2026-11-24T18:51:42",
    "exit_code": "EXIT_CODE|0|0|768",
    "Feature": "FEATURES|(null)|(null)|(null)",
    "GroupId": "GROUP|2003|2003|2003",
    "GroupName": "GROUP|carol|carol|carol",
    "HetJobID": "HET_JOB_ID|N/A|N/A|N/A",
    "HetJobIDSet": "HET_JOB_ID_SET|N/A|N/A|N/A",
    "HetJobOffset": "HET_JOB_OFFSET|N/A|N/A|N/A",
    "JobArrayID": "JOBID|307|310_50|319",
    "JobID": "JOBID|307|310|319",
    "LastSchedEval": "LAST_SCHED_EVAL|N/A|N/A|N/A",
    "Licenses": "LICENSES|(null)|(null)|(null)",
    "MaxCPUs": "MAX_CPUS|4|1|1",
    "MaxNodes": "MAX_NODES|1|1|1",
    "MCSLabel": "MCSLABEL|(null)|(null)|(null)",
    "mem-per-tres": "MEM_PER_TRES|N/A|N/A|N/A",
    "MinCpus": "MIN_CPUS|2|1|1",
    "MinMemory": "MIN_MEMORY|500M|100M|100M",
    "MinTime": "TIME_MIN|0:00|0:00|0:00",
    "MinTmpDisk": "MIN_TMP_DISK|0|0|0",
    "Name": "NAME|runner|arr|fail",
    "Network": "NETWORK|(null)|(null)|(null)",
    "Nice": "NICE|0|0|0",
    "NodeList": "NODELIST|n1||n2",
    "NTPerBoard": "NTASKS_PER_BOARD|0|0|0",
    "NTPerCore": "NTASKS_PER_CORE|N/A|N/A|N/A",
    "NTPerNode": "NTASKS_PER_NODE|0|0|0",
    "NTPerSocket": "NTASKS_PER_SOCKET|N/A|N/A|N/A",
    "NumCPUs": "CPUS|4|1|1",
    "NumNodes": "NODES|1|1|1",
    "NumTasks": "TASKS|2|1|1",
    "Origin": "ORIGIN|NA|NA|NA",
    "OriginRaw": "ORIGIN_RAW|NA|NA|NA",
    "OverSubscribe": "OVER_SUBSCRIBE|OK|OK|OK",
    "Partition": "PARTITION|debug|debug|debug",
    "PendingTime": "PENDING_TIME|9|20|10",
    "PreemptTime": "PREEMPT_TIME|N/A|N/A|N/A",
    "Prefer": "PREFER|(null)|(null)|(null)",
    "Priority": "PRIORITY|0.00000023283064|0.00000023283064|0.00000023283064",
    "PriorityLong": "PRIORITY|1000|1000|1000",
    "Profile": "PROFILE|NotSet|NotSet|NotSet",
    "QOS": "QOS|normal|normal|normal",
    "Reason": "REASON|None|JobArrayTaskLimit|NonZeroExitCode",
    "ReasonList": "NODELIST(REASON)|n1|(JobArrayTaskLimit)|(NonZeroExitCode)",
    "Reboot": "REBOOT|0|0|0",
    "ReqNodes": "REQ_NODES|||",
    "ReqSwitch": "REQ_SWITCH|0|0|0",
    "Requeue": "REQUEUE|1|1|1",
    "Reservation": "RESERVATION|(null)|(null)|(null)",
    "ResizeTime": "RESIZE_TIME|N/A|N/A|N/A",
    "RestartCnt": "RESTART_COUNT|0|0|0",
    "SchedNodes": "SCHEDNODES|(null)|(null)|(null)",
    "SCT": "S:C:T|*:*:*|*:*:*|*:*:*",
    "SelectJobInfo": "|||",
    "SiblingsActive": "ACTIVE_SIBLINGS|NA|NA|NA",
    "SiblingsActiveRaw": "ACTIVE_SIBLINGS_RAW|NA|NA|NA",
    "SiblingsViable": "VIABLE_SIBLINGS|NA|NA|NA",
    "SiblingsViableRaw": "VIALBLE_SIBLINGS_RAW|NA|NA|NA",
    "Sockets": "SOCKETS_PER_NODE|*|*|*",
    "SPerBoard": "SOCKETS_PER_BOARD|0|0|0",
    "StartTime": "START_TIME|2026-11-24T18:51:40|N/A|2026-11-24T18:51:41",
    "State": "STATE|RUNNING|PENDING|FAILED",
    "StateCompact": "ST|R|PD|F",
    "STDERR": "STDERR|/home/carol/w/slurm-307.out|/home/carol/w/slurm-310.out|/home/carol/w/slurm-319.out",
    "STDIN": "STDIN|/dev/null|/dev/null|/dev/null",
    "STDOUT": "STDOUT|/home/carol/w/slurm-307.out|/home/carol/w/slurm-310.out|/home/carol/w/slurm-319.out",
    "SubmitTime": "SUBMIT_TIME|2026-11-24T18:51:31|2026-11-24T18:51:31|2026-11-24T18:51:31",
    "System_comment": "SYSTEM_COMMENT|(null)|(null)|(null)",
    "Threads": "THREADS_PER_CORE|*|*|*",
    "TimeLeft": "TIME_LEFT|29:49|5:00|364-23:59:59",
    "TimeLimit": "TIME_LIMIT|30:00|5:00|365-00:00:00",
    "TimeUsed": "TIME|0:11|0:00|0:01",
    "Tres-Alloc": "TRES_ALLOC|cpu=4,mem=100M,node=1,billing=4|cpu=1,mem=100M,node=1,billing=1"
    "|cpu=1,mem=100M,node=1,billing=1",
    "Tres-Bind": "TRES_BIND|N/A|N/A|N/A",
    "Tres-Freq": "TRES_FREQ|N/A|N/A|N/A",
    "Tres-Per-Job": "TRES_PER_JOB|N/A|N/A|N/A",
    "Tres-Per-Node": "TRES_PER_NODE|N/A|N/A|N/A",
    "Tres-Per-Socket": "TRES_PER_SOCKET|N/A|N/A|N/A",
    "Tres-Per-Task": "TRES_PER_TASK|N/A|N/A|N/A",
    "UserId": "UID|2003|2003|2003",
    "UserName": "USER|carol|carol|carol",
    "Wait4Switch": "WAIT4SWITCH|0:00|0:00|0:00",
    "WCKey": "WCKEY|(null)|(null)|(null)",
    "WorkDir": "WORK_DIR|/home/carol/w|/home/carol/w|/home/carol/w",
}


@pytest.fixture(scope="module")
def queue() -> TinyQueue:
    return recorded_queue()


@pytest.mark.parametrize("letter", sorted(LETTERS))
def test_letter(queue, letter):
    answer = ask(run, queue, "-t", "all", "-S", "i", "-j", "307,310_50,311,319", "-o", f"%{letter}|")
    assert answer.stdout.replace("\n", "") == LETTERS[letter] + "|"
    assert (answer.code, answer.stderr) == (0, "")


@pytest.mark.parametrize("name", sorted(NAMES))
def test_name(queue, name):
    answer = ask(run, queue, "-t", "all", "-S", "i", "-j", "307,310_50,319", "-O", f"{name}:|")
    assert answer.stdout.replace("\n", "") == NAMES[name] + "|"
    assert (answer.code, answer.stderr) == (0, "")


def test_all_letters_and_names_are_tested():
    assert "".join(sorted(BY_LETTER)) == "".join(sorted(LETTERS)) == "".join(sorted(ALL_JOB_LETTERS))
    assert set(BY_NAME) == {name.lower() for name in NAMES}


@pytest.mark.parametrize(
    ("text", "heading", "row", "unknown"),
    [
        (
            "%.18i %.9P %.8j %.8u %.2t %.10M %.6D %R",
            "             JOBID PARTITION     NAME     USER ST       TIME  NODES NODELIST(REASON)",
            "               307     debug   runner    carol  R       0:11      1 n1",
            "",
        ),
        ("%.8i|%8j|%.8j|", "   JOBID|NAME    |    NAME|", "     307|runner  |  runner|", ""),
        ("%5i|%.3j|%3j|", "JOBID|NAM|NAM|", "307  |run|run|", ""),
        ("%020i|%-8j|%+8j", "JOBID               |%-8j|%+8j", "307                 |%-8j|%+8j", "-+"),
        ("%i%j", "JOBIDNAME", "307runner", ""),
        ("no specifiers", "no specifiers", "no specifiers", ""),
        ("%", "", "", ""),
        ("", "", "", ""),
        ("%i%%", "JOBID", "307", ""),
        ("%10", "%10", "%10", " "),
        (r"%i\t%j", r"JOBID\tNAME", r"307\trunner", ""),
        ("% i", "% i", "% i", "_"),
        ("%.i", "JOBID", "307", ""),
        ("%0i", "JOBID", "307", ""),
        ('%i,%j;"%u"', 'JOBID,NAME;"USER"', '307,runner;"carol"', ""),
        ("%2t%100j", "STNAME" + " " * 96, "R runner" + " " * 94, ""),
        ("%%i|%%T", "JOBID|STATE", "307|RUNNING", ""),
        ("100%i", "100JOBID", "100307", ""),
    ],
)
def test_percent_formats(queue, text, heading, row, unknown):
    answer = ask(run, queue, "-j", "307", "-o", text)
    assert answer.stdout == f"{heading}\n{row}\n"
    letters = {"_": " ", " ": ""}
    assert answer.stderr == "".join(
        f"squeue: error: Invalid job format specification: {letters.get(letter, letter)}\n" for letter in unknown
    )


@pytest.mark.parametrize(
    ("text", "row", "unknown"),
    [
        ("JobID:8,Name", "307     runner              ", ""),
        ("JobID:^,Name:4,State:-12,UserName:|", "307^runnRUNNING carol|", ""),
        ("jobid:.8,nodelist:.1,nodelist:1", "     307n1n", ""),
        ("nosuchfield", "", "nosuchfield"),
        ("JobID:5,nosuch:9,State:3", "307  RUN", "nosuch"),
        ("JobID:5, State:3", "307  ", " State"),
        ("jobid:.,name:###|###", "307runner###|###", ""),
    ],
)
def test_long_formats(queue, text, row, unknown):
    answer = ask(run, queue, "-h", "-j", "307", "-O", text)
    assert answer.stdout == f"{row}\n"
    assert answer.stderr == (f"squeue: error: Invalid job format specification: {unknown}\n" if unknown else "")


def test_what_is_cut_and_what_sticks_out(queue):
    """Texts are cut to their column; durations and node lists stick out, the headings of node lists too."""
    answer = ask(run, queue, "-S", "i", "-j", "309,311", "-o", "%.3M|%.3l|%.3N|%.3R|%.3Y|%.3S|%.3j|%.3D|")
    assert answer.stdout == (
        "TIM|TIM|NODELIST|NODELIST(REASON)|SCHEDNODES|STA|NAM|NOD|\n"
        "0:11|1:00:00|n[1-2]|n[1-2]|(null)|202|a_v|  2|\n"
        "0:00|UNL|   |(De|(null)|N/A|dep|  1|\n"
    )


def test_to_the_left_everything_is_cut(queue):
    answer = ask(run, queue, "-S", "i", "-j", "309,311", "-o", "%3M|%3l|%3N|%3R|%3Y|%3S|%3k|%6k|")
    assert answer.stdout == (
        "TIM|TIM|NOD|NOD|SCH|STA|COM|COMMEN|\n"
        "0:1|1:0|n[1|n[1|   |202|   |(null)|\n"
        "0:0|UNL|   |(De|   |N/A|   |(null)|\n"
    )


def test_start_has_a_format_of_its_own(queue):
    assert ask(run, queue, "--start", "-O", "jobid", "-h").stdout == ask(run, queue, "--start", "-h").stdout
    assert ask(run, queue, "--start", "-o", "%i", "-h", "-p", "gpu").stdout == "316\n"


def test_widths_count_bytes():
    queue = TinyQueue()
    queue.add(1, "täst-ü")  # eight bytes
    queue.add(2, "äöü")
    assert ask(run, queue, "-h", "-S", "i", "-o", "%8j|%.8j|%.5j|").stdout == (
        "täst-ü|täst-ü|täst|\näöü  |  äöü|äö\udcc3|\n"
    )


def test_all_fields(queue):
    heading, row = ask(run, queue, "-j", "307", "-o", "%all").stdout.splitlines()
    assert heading == "|".join(LETTERS[letter].split("|")[0] for letter in ALL_JOB_LETTERS)
    assert row == "|".join(LETTERS[letter].split("|")[1] for letter in ALL_JOB_LETTERS)


def test_memory_is_converted_unless_it_is_not_to_be():
    queue = TinyQueue()
    queue.add(1, mem_per_node=2048, tmp=1536)
    queue.add(2, mem_per_cpu=1000000)
    queue.add(3, mem_per_node=0)
    shown = ("-h", "-S", "i", "-o", "%m %d")
    assert ask(run, queue, *shown).stdout == "2G 1.50G\n1000000M 0\n0 0\n"
    assert ask(run, queue, *shown, "--noconvert").stdout == "2048M 1536M\n1000000M 0\n0 0\n"


def test_requests_show_up_in_their_columns():
    queue = TinyQueue()
    queue.add(
        571,
        mem_per_node=1536,
        nodelist="n1,n2",
        exclude="n4",
        nodes_min=2,
        nodes_max=3,
        ntasks=4,
        cpus_per_task=2,
        ntasks_per_node=2,
        time_limit=1564,
        time_min=60,
        deadline=1924992000,
        contiguous=True,
        sockets_per_node=1,
        cores_per_socket=2,
        threads_per_core=1,
        requeue=False,
        nice=7,
        wckey="wk",
        std_out="/x/%x-%j.out",
        std_err="e.%j",
        licenses="foo:2",
        core_spec=1,
    )
    answer = ask(run, queue, "-h", "-o", "%m %n %x %C %c %l %O %z %y %w %W %X")
    assert answer.stdout == "1.50G n[1-2] n4 8 4 1-02:04:00 1 1:2:1 7 wk foo:2 1\n"
    names = "MinTime: ,Deadline: ,Requeue: ,STDOUT: ,STDERR: ,MaxNodes: ,NumTasks: ,tres-alloc: "
    answer = ask(run, queue, "-h", "-O", names)
    assert answer.stdout == (
        "1:00:00 2031-01-01T00:00:00 0 /x/%x-%j.out /home/carol/w/e.%j 3 4 cpu=8,mem=3G,node=2,billing=8 \n"
    )


def test_generic_resources():
    queue = TinyQueue()
    queue.add(
        1,
        gpus="a100:2",
        gpus_per_node="a100:1",
        cpus_per_gpu=1,
        mem_per_gpu=100,
        nodes_min=2,
        extra={"gpu_bind": "closest", "gpu_freq": "low"},
    )
    queue.add(2, gres="gpu:a100:1,nvme:2", gpus_per_task="1", ntasks=1)
    queue.add(3, gres="gpu")
    names = "tres-per-job,tres-per-node,tres-per-task,cpus-per-tres,mem-per-tres,tres-bind,tres-freq"
    answer = ask(run, queue, "-h", "-S", "i", "-O", names.replace(",", ": ,") + ": ")
    assert answer.stdout == (
        "gres:gpu:a100:2 gres:gpu:a100:1 N/A gres:gpu:1 gres:gpu:100 gpu:closest gpu:low \n"
        "N/A gres:gpu:a100:1,gres:nvme:2 gres:gpu:1 N/A N/A N/A N/A \n"
        "N/A gres:gpu N/A N/A N/A N/A N/A \n"
    )


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"exclusive": "exclusive"}, "NO"),
        ({"exclusive": "user"}, "USER"),
        ({"exclusive": "mcs"}, "MCS"),
        ({"oversubscribe": True}, "YES"),
        ({}, "OK"),
    ],
)
def test_oversubscribe(fields, shown):
    queue = TinyQueue()
    queue.add(1, **fields)
    assert ask(run, queue, "-h", "-o", "%h").stdout == f"{shown}\n"


def test_expected_start_and_end():
    """A waiting job shows when it may begin at the earliest; NONE ends a job that has no limit."""
    queue = TinyQueue()
    queue.add(1, begin=int(NOW) + 60, time_limit=5)
    queue.add(2, eligible_time=NOW + 60)
    queue.add(3, eligible_time=NOW - 60)
    queue.add(4, ran=5, on=("n1",))
    queue.add(5, start_time=NOW - 5, end_time=NOW - 5, state=State.CANCELLED)
    answer = ask(run, queue, "-h", "-t", "all", "-S", "i", "-o", "%S %e")
    assert answer.stdout == (
        "2026-11-24T18:52:51 2026-11-24T18:57:51\n"
        "2026-11-24T18:52:51 NONE\n"
        "N/A N/A\n"
        "2026-11-24T18:51:46 NONE\n"
        "2026-11-24T18:51:46 2026-11-24T18:51:46\n"
    )


@pytest.mark.parametrize(
    ("wanted", "shown"),
    [
        ("%s", "1795546300"),
        ("standard", "2026-11-24T18:51:40"),
        ("%H:%M", "18:51"),
    ],
)
def test_time_format_of_the_caller(queue, wanted, shown):
    assert ask(run, queue, "-h", "-j", "307", "-o", "%S", SLURM_TIME_FORMAT=wanted).stdout == f"{shown}\n"


def test_time_zone_of_the_caller(queue):
    assert ask(run, queue, "-h", "-j", "307", "-o", "%S", TZ="Asia/Tokyo").stdout == "2026-11-25T03:51:40\n"

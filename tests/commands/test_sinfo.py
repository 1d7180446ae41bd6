"""sinfo prints partitions and nodes exactly as real Slurm 22.05.8 did, in the same situations."""
# ruff: noqa: W291 - trailing blanks are part of the output

import getpass
import json
import os

import pytest

from shim.commands.sinfo import run
from shim.commands.sinfo.columns import COLUMNS
from tests.commands.lab import Answer, Lab

IDLE = {
    "": """\
PARTITION AVAIL  TIMELIMIT  NODES  STATE NODELIST
debug*       up   infinite      4   idle n[1-4]
gpu          up 2-00:00:00      2   idle n[3-4]
""",
    "-h": """\
debug*       up   infinite      4   idle n[1-4]
gpu          up 2-00:00:00      2   idle n[3-4]
""",
    "-N": """\
NODELIST   NODES PARTITION STATE 
n1             1    debug* idle  
n2             1    debug* idle  
n3             1    debug* idle  
n3             1       gpu idle  
n4             1    debug* idle  
n4             1       gpu idle  
""",
    "-l": """\
Tue Nov 24 19:14:09 2026
PARTITION AVAIL  TIMELIMIT   JOB_SIZE ROOT OVERSUBS     GROUPS  NODES       STATE NODELIST
debug*       up   infinite 1-infinite   no       NO        all      4        idle n[1-4]
gpu          up 2-00:00:00 1-infinite   no       NO        all      2        idle n[3-4]
""",
    "-N -l": """\
Tue Nov 24 19:14:09 2026
NODELIST   NODES PARTITION       STATE CPUS    S:C:T MEMORY TMP_DISK WEIGHT AVAIL_FE REASON              
n1             1    debug*        idle 8       1:8:1   8000        0      1   (null) none                
n2             1    debug*        idle 8       1:8:1   8000        0      1   (null) none                
n3             1    debug*        idle 8       1:8:1   8000        0      1     a100 none                
n3             1       gpu        idle 8       1:8:1   8000        0      1     a100 none                
n4             1    debug*        idle 8       1:8:1   8000        0      1     h100 none                
n4             1       gpu        idle 8       1:8:1   8000        0      1     h100 none                
""",
    "-s": """\
PARTITION AVAIL  TIMELIMIT   NODES(A/I/O/T) NODELIST
debug*       up   infinite          0/4/0/4 n[1-4]
gpu          up 2-00:00:00          0/2/0/2 n[3-4]
""",
    "-N -s": """\
PARTITION AVAIL  TIMELIMIT   NODES(A/I/O/T) NODELIST
debug*       up   infinite          0/1/0/1 n1
debug*       up   infinite          0/1/0/1 n2
debug*       up   infinite          0/1/0/1 n3
gpu          up 2-00:00:00          0/1/0/1 n3
debug*       up   infinite          0/1/0/1 n4
gpu          up 2-00:00:00          0/1/0/1 n4
""",
    "-R": "REASON               USER      TIMESTAMP           NODELIST\n",
    "-Rl": "Tue Nov 24 19:14:09 2026\nREASON               USER         TIMESTAMP           STATE  NODELIST\n",
    "-p gpu": """\
PARTITION AVAIL  TIMELIMIT  NODES  STATE NODELIST
gpu          up 2-00:00:00      2   idle n[3-4]
""",
    "-p nosuch": "PARTITION AVAIL  TIMELIMIT  NODES  STATE NODELIST\n",
    "-n n1": """\
PARTITION AVAIL  TIMELIMIT  NODES  STATE NODELIST
debug*       up   infinite      1   idle n1
gpu          up 2-00:00:00      0    n/a 
""",
    "-n nosuch": """\
PARTITION AVAIL  TIMELIMIT  NODES  STATE NODELIST
debug*       up   infinite      0    n/a 
gpu          up 2-00:00:00      0    n/a 
""",
    "-N -n n1": "NODELIST   NODES PARTITION STATE \nn1             1    debug* idle  \n",
    "-N -t down": "NODELIST   NODES PARTITION STATE \n",
    "-h -n nosuch -o %N": "",
    "-h -n nosuch -o %R": "debug\ngpu\n",
    "-h -d": "debug*       up   infinite      0    n/a \ngpu          up 2-00:00:00      0    n/a \n",
    "-h -r": "debug*       up   infinite      4   idle n[1-4]\ngpu          up 2-00:00:00      2   idle n[3-4]\n",
    "-h -S -P": "gpu          up 2-00:00:00      2   idle n[3-4]\ndebug*       up   infinite      4   idle n[1-4]\n",
    "-h -S D,P": "gpu          up 2-00:00:00      2   idle n[3-4]\ndebug*       up   infinite      4   idle n[1-4]\n",
    "-h -S foo": "debug*       up   infinite      4   idle n[1-4]\ngpu          up 2-00:00:00      2   idle n[3-4]\n",
    "-h -N -S -N -o %N": "n4\nn4\nn3\nn3\nn2\nn1\n",
    "-o %P|%a|": "PARTITION|AVAIL|\ndebug*|up|\ngpu|up|\n",
    "-h -o %P|%f|": "debug*|(null)|\ndebug*|a100|\ndebug*|h100|\ngpu|a100|\ngpu|h100|\n",
    "-h -o %R|%l|%L": "debug|infinite|n/a\ngpu|2-00:00:00|1:00:00\n",
    "-h -o %C|%A|%F|%D|%N": "0/32/0/32|0/4|0/4/0/4|4|n[1-4]\n",
    "-h -o %20N|%.6D": "n[1-4]              |     4\n",
    "-o %P|%10P|%.10P|%5N|%.3t": (
        "PARTITION|PARTITION | PARTITION|NODEL|STA\n"
        "debug*|debug*    |    debug*|n[1-4|idl\ngpu|gpu       |       gpu|n[3-4|idl\n"
    ),
    "-h -o %s|%g|%h|%r|%p|%w|%z|%X|%Y|%Z|%B|%M|%S|%I|%V|%v|%E|%u|%H|%U -p gpu": (
        "1-infinite|all|NO|no|1|1|1:8:1|1|8|1|UNLIMITED|OFF|all|1|N/A|22.05.8|none|Unknown|Unknown|Unknown\n"
    ),
    "-h -n nosuch -p gpu -o %a|%c|%m|%n|%t|%w|%z|%A|%C|%F|%G|%E|%N|%R": (
        "up|0|0||n/a|0|0:0:0|0/0|0/0/0/0|0/0/0/0|(null)|none||gpu\n"
    ),
    "-o abc": "abc\nabc\n",
    "-O Partition": "PARTITION           \ndebug*              \ngpu                 \n",
    "-O partition:5,nodelist:.10,statecompact:|": "PARTI  NODELISTSTATE|\ndebu*    n[1-4]idle|\ngpu      n[3-4]idle|\n",
    "-O partition:0,nodelist": "PARTITIONNODELIST            \ndebug*n[1-4]              \ngpun[3-4]              \n",
    "-h -O NodeList,CPUsState,Gres": (
        "n[1-2]              0/16/0/16           (null)              \n"
        "n3                  0/8/0/8             gpu:a100:4          \n"
        "n4                  0/8/0/8             gpu:h100:4          \n"
    ),
    "-T": "No reservations in the system\n",
    "-M oracle -h -o %P": "debug*\ngpu\n",
    "-M oracle -o %P": "CLUSTER: oracle\nPARTITION\ndebug*\ngpu\n",
    "-V": "slurm 22.05.8\n",
    "foo -h -o %R": "debug\ngpu\n",
}


def sinfo(lab: Lab, text: str, **env: str) -> Answer:
    return lab.ask(run, "sinfo", *text.split(), **env)


@pytest.mark.parametrize("text", IDLE)
def test_idle_cluster(lab: Lab, text: str) -> None:
    assert sinfo(lab, text) == Answer(IDLE[text], "", 0)


@pytest.fixture
def busy(lab: Lab) -> Lab:
    """The recorded load: one job on n1 and n2, all of n3 with two GPUs."""
    lab.submit(nodes_min=2, ntasks=3)
    lab.submit(exclusive="exclusive", partition="gpu", gres="gpu:2", nodelist="n3")
    return lab


BUSY = {
    "": """\
PARTITION AVAIL  TIMELIMIT  NODES  STATE NODELIST
debug*       up   infinite      2    mix n[1-2]
debug*       up   infinite      1  alloc n3
debug*       up   infinite      1   idle n4
gpu          up 2-00:00:00      1  alloc n3
gpu          up 2-00:00:00      1   idle n4
""",
    "-s": """\
PARTITION AVAIL  TIMELIMIT   NODES(A/I/O/T) NODELIST
debug*       up   infinite          3/1/0/4 n[1-4]
gpu          up 2-00:00:00          1/1/0/2 n[3-4]
""",
    "-h -N -o %N|%t|%C|%R": (
        "n1|mix|2/6/0/8|debug\nn2|mix|1/7/0/8|debug\nn3|alloc|8/0/0/8|debug\nn3|alloc|8/0/0/8|gpu\n"
        "n4|idle|0/8/0/8|debug\nn4|idle|0/8/0/8|gpu\n"
    ),
    "-h -t alloc,mix -o %N|%t": "n[1-2]|mix\nn3|alloc\n",
    "-h -t alloc -o %N|%t": "n[1-2]|mix\nn3|alloc\n",
    "-h -t mix -o %N|%t": "n[1-2]|mix\n",
    "-h -t idle -o %N": "n4\n",
    "-h -o %n|%C|%G": "vm|3/13/0/16|(null)\nvm|8/0/0/8|gpu:a100:4\nvm|0/8/0/8|gpu:h100:4\n",
    "-h -o %T|%N": "mixed|n[1-2]\nallocated|n3\nidle|n4\n",
    "-O nodehost,statelong,allocmem,memory": (
        "HOSTNAMES           STATE               ALLOCMEM            MEMORY              \n"
        "vm                  mixed               200                 8000                \n"
        "vm                  mixed               100                 8000                \n"
        "vm                  allocated           800                 8000                \n"
        "vm                  idle                0                   8000                \n"
    ),
    "-O GresUsed:30,NodeHost -h": (
        "gpu:0                         vm                  \n"
        "gpu:a100:4(IDX:0-3)           vm                  \n"
        "gpu:h100:0(IDX:N/A)           vm                  \n"
    ),
}


@pytest.mark.parametrize("text", BUSY)
def test_busy_cluster(busy: Lab, text: str) -> None:
    assert sorted(sinfo(busy, text).stdout.splitlines()) == sorted(BUSY[text].splitlines())


def test_rows_are_ordered_by_partition_and_state(busy: Lab) -> None:
    assert sinfo(busy, "").stdout == BUSY[""]


def test_all_fields(busy: Lab) -> None:
    lines = sinfo(busy, "-o %all").stdout.splitlines()
    assert lines[0] == (
        "AVAIL|ACTIVE_FEATURES|CPUS|TMP_DISK|FREE_MEM|AVAIL_FEATURES|GROUPS|OVERSUBSCRIBE|TIMELIMIT|MEMORY|HOSTNAMES|"
        "NODE_ADDR|PRIO_TIER|ROOT|JOB_SIZE|STATE|USER|VERSION|WEIGHT|S:C:T|NODES(A/I) |MAX_CPUS_PER_NODE |"
        "CPUS(A/I/O/T) |NODES |REASON |NODES(A/I/O/T) |GRES |TIMESTAMP |PRIO_JOB_FACTOR |DEFAULTTIME |PREEMPT_MODE |"
        "NODELIST |CPU_LOAD |PARTITION |PARTITION |ALLOCNODES |STATE |USER |CLUSTER |SOCKETS |CORES |THREADS "
    )
    assert len(lines) == 1 + 5
    assert sinfo(busy, "-O All").stdout.splitlines()[0] == lines[0]
    last = lines[-1].split("|")
    assert last[:4] + last[5:21] == [
        "up", "h100", "8", "0", "h100", "all", "NO", "2-00:00:00", "8000", "vm", "127.0.0.1", "1", "no", "1-infinite",
        "idle", "Unknown", "22.05.8", "1", "1:8:1", "0/1 ",
    ]  # fmt: skip


def test_every_field_has_a_value_for_every_row(busy: Lab) -> None:
    names = [name for column in COLUMNS for name in column.names]
    answer = sinfo(busy, f"-N -h -O {','.join(f'{name}:x' for name in names)}")
    assert (answer.stderr, answer.stdout.count("\n")) == ("", 6)


# -- drained nodes -----------------------------------------------------------------------------------------------------


@pytest.fixture
def drained(lab: Lab) -> Lab:
    """n1 is full and drains, n2 half full, n3 is empty and drained, n4 down."""
    lab.submit(nodelist="n1", ntasks=8)
    lab.submit(nodelist="n2", ntasks=2)
    for node in ("n1", "n2", "n3"):
        lab.do(lambda name=node: lab.queue.set_node_state(name, "DRAIN", "why is it so long a one"))  # type: ignore[misc]
    lab.do(lambda: lab.queue.set_node_state("n4", "DOWN", "broken"))
    return lab


DRAINED = {
    "-h": (
        "debug*       up   infinite      2   drng n[1-2]\ndebug*       up   infinite      1  drain n3\n"
        "debug*       up   infinite      1   down n4\ngpu          up 2-00:00:00      1  drain n3\n"
        "gpu          up 2-00:00:00      1   down n4\n"
    ),
    "-h -s": (
        "debug*       up   infinite          2/0/2/4 n[1-4]\ngpu          up 2-00:00:00          0/0/2/2 n[3-4]\n"
    ),
    "-h -o %C|%A|%F|%t|%N": (
        "10/0/6/16|2/0|2/0/0/2|drng|n[1-2]\n0/0/8/8|0/0|0/0/1/1|drain|n3\n0/0/8/8|0/0|0/0/1/1|down|n4\n"
    ),
    "-h -o %C|%A|%F": "10/0/22/32|2/0|2/0/2/4\n",
    "-h -o %T": "draining\ndrained\ndown\n",
    "-h -t idle -o %N": "n3\n",
    "-h -t alloc -o %N": "n[1-2]\n",
    "-h -t mix -o %N": "",
    "-h -t drain -o %N|%t": "n[1-2]|drng\nn3|drain\n",
    "-h -t drained -o %N": "n3\n",
    "-h -t drng -o %N": "n[1-2]\n",
    "-h -t down -o %N": "n4\n",
    "-h -t down,idle -o %N|%t": "n3|drain\nn4|down\n",
    "-h -t idle&drain -o %N": "n3\n",
    "-h -t alloc&drain -o %N": "n[1-2]\n",
    "-h -t all -o %N": "n[1-4]\n",
    "-h -t unk,maint,comp,resv,no_respond -o %N": "",
    "-h -O statecomplete,nodelist": (
        "allocated+drain     n[1-2]              \nidle+drain          n3                  \n"
        "down                n4                  \n"
    ),
}


@pytest.mark.parametrize("text", DRAINED)
def test_drained_nodes(drained: Lab, text: str) -> None:
    assert sorted(sinfo(drained, text).stdout.splitlines()) == sorted(DRAINED[text].splitlines())


def test_reasons(drained: Lab) -> None:
    user, long = getpass.getuser(), f"{getpass.getuser()}({os.getuid()})"
    assert sinfo(drained, "-R").stdout == (
        "REASON               USER      TIMESTAMP           NODELIST\n"
        f"why is it so long a  {user:<9} 2026-11-24T19:14:09 n[1-3]\n"
        f"broken               {user:<9} 2026-11-24T19:14:09 n4\n"
    )
    assert sinfo(drained, "-R -l").stdout == (
        "Tue Nov 24 19:14:09 2026\n"
        "REASON               USER         TIMESTAMP           STATE  NODELIST\n"
        f"why is it so long a  {long:<12} 2026-11-24T19:14:09 drng   n[1-2]\n"
        f"why is it so long a  {long:<12} 2026-11-24T19:14:09 drain  n3\n"
        f"broken               {long:<12} 2026-11-24T19:14:09 down   n4\n"
    )
    assert sinfo(drained, "-R -h -t drain").stdout.endswith(" n[1-3]\n")


# -- variables, errors, JSON -------------------------------------------------------------------------------------------


def test_variables(lab: Lab) -> None:
    assert sinfo(lab, "-h", SINFO_PARTITION="gpu").stdout == IDLE["-p gpu"].partition("\n")[2]
    assert sinfo(lab, "-h -p debug -o %R", SINFO_PARTITION="gpu").stdout == "debug\n"
    assert sinfo(lab, "-h -a -o %R", SINFO_PARTITION="gpu").stdout == "debug\ngpu\n"
    assert sinfo(lab, "", SINFO_FORMAT="%P %D").stdout == "PARTITION NODES\ndebug* 4\ngpu 2\n"
    assert sinfo(lab, "-N", SINFO_FORMAT="%P %D").stdout == IDLE["-N"]
    assert sinfo(lab, "-h -o %R", SINFO_SORT="-P").stdout == "gpu\ndebug\n"
    both = sinfo(lab, "", SINFO_ALL="1", SINFO_PARTITION="gpu")
    assert both == Answer(
        "",
        "sinfo: error: Conflicting options, SINFO_ALL and SINFO_PARTITION, specified. "
        "Please choose one or the other.\n",
        1,
    )


@pytest.mark.parametrize(
    ("text", "stdout", "stderr", "code"),
    [
        ("-t foo", "", 'sinfo: error: Bad state string: "foo"\nsinfo: error: valid states: unknown,down,', 1),
        ("--foo", "", "sinfo: unrecognized option '--foo'\nTry \"sinfo --help\" for more information\n", 1),
        ("-i", "", "sinfo: option requires an argument -- 'i'\nTry \"sinfo --help\" for more information\n", 1),
        ("-i abc", "", "sinfo: error: Error: invalid entry for --iterate=abc\n", 1),
        ("-a -p gpu", "", "sinfo: error: Conflicting options, -a and -p, specified. Please choose one or", 1),
        ("-l -o %P", "", "sinfo: fatal: Options -o(--format) and -l(--long) are mutually exclusive.", 1),
        ("-M foo", "", "sinfo: error: No cluster 'foo' known by database.\nsinfo: error: 'foo' can't be", 1),
        ("-h -o %P|%i|", "debug*|%i|\ngpu|%i|\n", "Invalid node format specification: i\n", 0),
        ("-O foo", "\n\n", "sinfo: error: Invalid job format specification: foo\n", 0),
    ],
)
def test_errors(lab: Lab, text: str, stdout: str, stderr: str, code: int) -> None:
    answer = sinfo(lab, text)
    assert (answer.stdout, answer.code) == (stdout, code)
    assert answer.stderr.startswith(stderr)


def test_other_names_for_long_partitions_widen_their_column(lab: Lab) -> None:
    lab.ask(_scontrol(), "scontrol", "create", "partitionname=a-long-partition", "nodes=n1")
    lines = sinfo(lab, "").stdout.splitlines()
    assert lines[0] == "PARTITION        AVAIL  TIMELIMIT  NODES  STATE NODELIST"
    assert lines[3] == "a-long-partition    up   infinite      1   idle n1"


def _scontrol() -> object:
    from shim.commands.scontrol import run as scontrol

    return scontrol


def test_json(busy: Lab) -> None:
    document = json.loads(sinfo(busy, "--json").stdout)
    assert list(document) == ["meta", "errors", "nodes"]
    assert document["meta"]["plugin"] == {"type": "openapi/v0.0.38", "name": "Slurm OpenAPI v0.0.38"}
    n3 = document["nodes"][2]
    assert list(n3)[:6] == ["architecture", "burstbuffer_network_address", "boards", "boot_time", "comment", "cores"]
    shown = {
        key: n3[key]
        for key in ("name", "state", "state_flags", "gres", "gres_used", "partitions", "alloc_cpus", "alloc_memory",
                    "idle_cpus", "tres", "tres_used", "features")
    }  # fmt: skip
    assert shown == {
        "name": "n3", "state": "allocated", "state_flags": [], "gres": "gpu:a100:4", "gres_used": "gpu:a100:4(IDX:0-3)",
        "partitions": ["debug", "gpu"], "alloc_cpus": 8, "alloc_memory": 800, "idle_cpus": 0, "features": "a100",
        "tres": "cpu=8,mem=8000M,billing=8,gres/gpu=4,gres/gpu:a100=4",
        "tres_used": "cpu=8,mem=800M,gres/gpu=4,gres/gpu:a100=4",
    }  # fmt: skip
    assert sinfo(busy, "--yaml").stdout.startswith("%YAML 1.1\n--- !!map\n!!str meta: !!map\n")


def test_help(lab: Lab) -> None:
    assert sinfo(lab, "--usage").stdout.startswith("Usage: sinfo [-abdelNRrsTv] [-i seconds] [-t states]")
    assert "Help options:" in sinfo(lab, "--help").stdout


def test_verbose(lab: Lab) -> None:
    text = sinfo(lab, "-v -h -o %N -p gpu -n n3 -t idle -S N").stdout
    assert text.startswith("-----------------------------\ndead        = false\nexact       = 0\nfiltering   = true\n")
    assert "\nnodes       = n3\n" in text and "\nverbose     = 1\n" in text
    assert text.endswith("\nn3\n")


def test_json_of_newer_releases(busy: Lab) -> None:
    entries = json.loads(sinfo(busy, "--json=v0.0.40").stdout)["sinfo"]
    places = {(entry["partition"]["name"], entry["nodes"]["nodes"][0]): entry for entry in entries}
    assert sorted(places) == [
        ("debug", "n1"), ("debug", "n2"), ("debug", "n3"), ("debug", "n4"), ("gpu", "n3"), ("gpu", "n4"),
    ]  # fmt: skip
    n3 = places["gpu", "n3"]
    assert n3["node"]["state"] == ["ALLOCATED"]
    assert (n3["cpus"]["allocated"], n3["cpus"]["idle"], n3["cpus"]["total"]) == (8, 0, 8)
    assert n3["gres"] == {"total": "gpu:a100:4", "used": "gpu:a100:4(IDX:0-3)"}
    idle = places["gpu", "n4"]["nodes"]
    assert (idle["allocated"], idle["idle"], idle["other"], idle["total"]) == (0, 1, 0, 1)

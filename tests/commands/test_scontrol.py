"""scontrol's words, switches and prompt; nodes and partitions."""

import pytest

from shim.commands.scontrol import run
from shim.commands.scontrol.verbs import VERBS, find_verb
from shim.commands.sinfo import run as sinfo
from tests.commands.lab import Answer, Lab


def scontrol(lab: Lab, text: str, stdin: bytes = b"") -> Answer:
    return lab.ask(run, "scontrol", *text.split(), stdin=stdin)


@pytest.mark.parametrize(
    ("text", "stdout", "stderr", "code"),
    [
        ("foo", "", "invalid keyword: foo\n", 1),
        ("sh job", "", "invalid keyword: sh\n", 1),
        ("HOLD", "", "too few arguments for keyword:HOLD\n", 1),
        ("requeue", "", "too few arguments for keyword:requeue\n", 1),
        ("ping x", "", "too many arguments for keyword:ping\n", 1),
        ("top 1 2", "", "too many arguments for keyword:top\n", 1),
        ("version x", "slurm 22.05.8\n", "too many arguments for version keyword\n", 1),
        ("version", "slurm 22.05.8\n", "", 0),
        ("-V", "slurm 22.05.8\n", "", 0),
        ("u", "", "too few arguments for u keyword\n", 1),
        ("create", "", "too few arguments for create keyword\n", 1),
        ("pidinfo", "", "missing argument for keyword:pidinfo\n", 1),
        ("errnumstr 2017", "Invalid job id specified\n", "", 0),
        ("errnumstr 0", "No error\n", "", 0),
        ("errnumstr x", "", "numeric arguments required for keyword:errnumstr\n", 1),
        ("details", "", "", 0),
        ("completing", "", "", 0),
        ("delete foo=1", "", "Invalid deletion entity: foo=1\n", 1),
        ("delete foo", "",
         "scontrol: error: Proper format is 'delete <ENTITY>=<ID>' or 'delete <ENTITY> <ID>'\n", 1),
        ("--foo", "", 'scontrol: unrecognized option \'--foo\'\nTry "scontrol --help" for more information\n', 1),
        ("--json show job", "",
         'scontrol: unrecognized option \'--json\'\nTry "scontrol --help" for more information\n', 1),
        ("-Q show job 999", "", "", 1),
        ("reboot n1", "", "scontrol: error: Requested operation not supported on this system\n", 1),
    ],
)  # fmt: skip
def test_words(lab: Lab, text: str, stdout: str, stderr: str, code: int) -> None:
    assert scontrol(lab, text) == Answer(stdout, stderr, code)


def test_every_word_can_be_shortened_as_in_slurm() -> None:
    assert {verb.word: verb for verb in VERBS}["requeuehold"] is find_verb("requeueho")
    shortened = {
        word: verb.word
        for word in (
            "u",
            "uh",
            "uho",
            "d",
            "n",
            "res",
            "rel",
            "req",
            "hold",
            "holdu",
            "se",
            "setdebugf",
            "wa",
            "e",
            "up",
        )
        if (verb := find_verb(word))
    }
    assert shortened == {
        "u": "update", "uho": "uhold", "d": "details", "n": "notify", "res": "resume", "rel": "release",
        "req": "requeue", "hold": "hold", "holdu": "holdu", "se": "setdebug", "setdebugf": "setdebugflags",
        "wa": "wait_job", "up": "update",
    }  # fmt: skip


def test_help_lists_the_commands(lab: Lab) -> None:
    text = scontrol(lab, "--help").stdout
    assert "Valid <COMMAND> values are:" in text
    assert scontrol(lab, "help") == Answer(text, "", 0)
    assert all(f"\n     {verb.word}" in text for verb in VERBS if verb.word not in {"holdu"})


def test_prompt(lab: Lab) -> None:
    answer = scontrol(lab, "", b"show hostnames n[1-2]\n\n!!\nfoo\noneliner\nquit\nping\n")
    assert answer.stdout == (
        "scontrol: show hostnames n[1-2]\nn1\nn2\nscontrol: \nscontrol: !!\nn1\nn2\nscontrol: foo\n"
        "scontrol: oneliner\nscontrol: quit\n"
    )
    assert (answer.stderr, answer.code) == ("invalid keyword: foo\n", 1)
    assert scontrol(lab, "", b"version") == Answer("scontrol: version\nslurm 22.05.8\nscontrol: \n", "", 0)
    assert scontrol(lab, "") == Answer("scontrol: \n", "", 0)


def test_shutdown_and_reconfigure_reach_the_controller(lab: Lab) -> None:
    asked: list[str] = []
    lab.queue.on_shutdown = lambda: asked.append("shutdown")
    lab.queue.on_reconfigure = lambda: asked.append("reconfigure")
    for word in ("reconfigure", "shutdown"):
        assert scontrol(lab, word) == Answer("", "", 0)
    assert asked == ["reconfigure", "shutdown"]


# -- nodes -------------------------------------------------------------------------------------------------------------


def test_drain_and_resume(lab: Lab) -> None:
    assert scontrol(lab, "update nodename=n[1-2] state=drain reason=testing") == Answer("", "", 0)
    assert lab.ask(sinfo, "sinfo", "-h", "-p", "debug").stdout == (
        "debug*       up   infinite      2  drain n[1-2]\ndebug*       up   infinite      2   idle n[3-4]\n"
    )
    assert lab.submit(nodelist="n1").pending
    assert scontrol(lab, "update nodename=n1 reason=other") == Answer("", "", 0)
    assert lab.ask(sinfo, "sinfo", "-h", "-R", "-o", "%E %N").stdout == "other n1\ntesting n2\n"
    assert scontrol(lab, "update nodename=n[1-2] state=resume") == Answer("", "", 0)
    assert "State=IDLE " in scontrol(lab, "show node n2").stdout
    assert lab.executor.running


@pytest.mark.parametrize(
    ("text", "stderr"),
    [
        ("nodename=n4 state=drain",
         "You must specify a reason when DOWNING or DRAINING a node. Request denied\n"),
        ("nodename=n9 state=drain reason=x", "slurm_update error: Invalid node name specified\n"),
        ("nodename=n4 foo=1", "Update of this parameter is not supported: foo=1\nRequest aborted\n"),
        ("nodename=n4 state=resume", "slurm_update error: Invalid node state specified\n"),
        ("nodename=n4", "No changes specified\n"),
        ("nodename=n4 state=foo reason=x",
         "Invalid input: state=foo\nRequest aborted\nValid states are: DOWN DRAIN IDLE RESUME UNDRAIN\n"
         "Not all states are valid given a node's prior state\n"),
    ],
)  # fmt: skip
def test_refused_changes_of_nodes(lab: Lab, text: str, stderr: str) -> None:
    assert scontrol(lab, f"update {text}") == Answer("", stderr, 1)


# -- partitions --------------------------------------------------------------------------------------------------------


def test_life_of_a_partition(lab: Lab) -> None:
    assert scontrol(lab, "create partitionname=tt nodes=n[1-2] maxtime=60") == Answer("", "", 0)
    text = scontrol(lab, "show partition tt").stdout
    assert "MaxTime=01:00:00" in text and "Nodes=n[1-2]" in text and "State=UP" in text
    job = lab.submit(partition="tt")
    assert job.node_list == "n1"
    in_use = scontrol(lab, "delete partitionname=tt")
    assert in_use.stderr == "delete_partition partitionname=tt: Partition is in use\n"
    lab.end(job.job_id)
    changed = scontrol(lab, "update partitionname=tt MaxTime=-1 State=DOWN MaxNodes=2 DefaultTime=30 AllowGroups=ALL")
    assert changed == Answer("", "", 0)
    assert lab.ask(sinfo, "sinfo", "-h", "-p", "tt").stdout == "tt         down   infinite      2   idle n[1-2]\n"
    assert lab.submit(partition="tt").pending
    lab.do(lambda: lab.queue.cancel(max(lab.queue.jobs.values(), key=lambda j: j.job_id), user_id=0))
    assert scontrol(lab, "delete partition tt") == Answer("", "", 0)
    assert scontrol(lab, "show partition tt").stdout == "Partition tt not found\n"


def test_another_default_partition(lab: Lab) -> None:
    assert scontrol(lab, "update partition=gpu default=yes") == Answer("", "", 0)
    assert lab.ask(sinfo, "sinfo", "-h", "-o", "%P").stdout == "debug\ngpu*\n"


@pytest.mark.parametrize(
    ("text", "stderr"),
    [
        ("create partitionname=debug nodes=n1",
         "Error creating the partition: Invalid partition name specified\n"),
        ("create partitionname=x nodes=n9", "Error creating the partition: Invalid node name specified\n"),
        ("create foo=1", "scontrol: error: Invalid creation entity: foo=1\n"),
        ("update partitionname=gpu foo=1",
         "scontrol: error: Update of this parameter is not supported: foo=1\n\n"
         "scontrol: error: Request aborted\nslurm_update error: No error\n"),
        ("update partitionname=gpu maxtime=abc",
         "scontrol: error: Invalid input maxtime=abc\nslurm_update error: No error\n"),
        ("update partitionname=gpu state=foo",
         "scontrol: error: Invalid input: state=foo\n"
         "scontrol: error: Acceptable State values are UP, DOWN, DRAIN and INACTIVE\nslurm_update error: No error\n"),
        ("update partitionname=nosuch maxtime=1", "slurm_update error: Invalid partition name specified\n"),
        ("update partitionname=gpu allowgroups=staff",
         "slurm_update error: Requested operation not supported on this system\n"),
        ("delete partitionname=nosuch",
         "delete_partition partitionname=nosuch: Invalid partition name specified\n"),
    ],
)  # fmt: skip
def test_refused_changes_of_partitions(lab: Lab, text: str, stderr: str) -> None:
    assert scontrol(lab, text) == Answer("", stderr, 1)


# -- switches ----------------------------------------------------------------------------------------------------------


def test_verbose_counts_records(lab: Lab) -> None:
    text = scontrol(lab, "-v show part gpu").stdout
    assert text.startswith("last_update_time=2026-11-24T19:14:09, records=2\nPartitionName=gpu\n")
    assert scontrol(lab, "-Q show part gpu").stdout == text.partition("\n")[2]
    assert scontrol(lab, "-v show step").stdout.endswith("records=0\nNo job steps in the system\n")


def test_other_clusters_and_users(lab: Lab) -> None:
    job = lab.submit(hold=True)
    assert scontrol(lab, "-M oracle show hostnames n1") == Answer("n1\n", "", 0)
    assert scontrol(lab, "-M foo ping").stderr.startswith("scontrol: error: No cluster 'foo' known by database.\n")
    nobody = scontrol(lab, "-u no-such-user hold 1")
    assert nobody == Answer("", 'scontrol: error: --uid="no-such-user" invalid\n', 0)
    lab.become(2001)
    denied = scontrol(lab, f"--uid=2002 update jobid={job.job_id} comment=x")
    assert (denied.code, job.request.comment) == (1, "")

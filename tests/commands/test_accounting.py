"""sprio, sshare, sacctmgr and sdiag, as clients read them."""

import pytest

from shim.commands.sacctmgr import run as run_sacctmgr
from shim.commands.sdiag import run as run_sdiag
from shim.commands.sprio import run as run_sprio
from shim.commands.sshare import run as run_sshare
from tests.commands.lab import Answer, Lab


@pytest.fixture
def shares(lab: Lab) -> Lab:
    """A queue of one user (root) with an account."""
    lab.become(0)
    object.__setattr__(lab.queue.config, "default_account", "proj")
    return lab


# -- sprio -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def waiting(lab: Lab) -> Lab:
    """The recorded queue: one job has all nodes, five wait, of which one is held."""
    lab.submit(nodes_min=4, exclusive="exclusive")
    for request in ({"nice": 10}, {"nice": 20}, {"partition": "gpu,debug"}, {"hold": True}, {"array": "1-3"}):
        lab.submit(**request)
    for job in lab.queue.jobs.values():
        job.user_name = "alice"
    return lab


SPRIO = {
    "": """\
          JOBID PARTITION   PRIORITY       SITE        AGE  PARTITION
              2 debug            990          0          0       1000
              3 debug            980          0          0       1000
              4 gpu             1000          0          0       1000
              4 debug           1000          0          0       1000
              6 debug           1000          0          0       1000
""",
    "-l -j 2": (
        "          JOBID PARTITION     USER   PRIORITY       SITE        AGE      ASSOC  FAIRSHARE    JOBSIZE"
        "  PARTITION        QOS        NICE                 TRES\n"
        "              2 debug        alice        990          0          0          0          0          0"
        "       1000          0          10                     \n"
    ),
    "-n -j 3": (
        "          JOBID PARTITION PRIORITY   AGE        PARTITION \n"
        "              3 debug     0.00000022 0.0000000  1.0000000 \n"
    ),
    "-w": (
        "          JOBID PARTITION   PRIORITY       SITE        AGE  PARTITION\n"
        "        Weights                               1          0       1000\n"
    ),
    "-h -S -Y -o %i|%Y|%r": "4|1000|gpu\n4|1000|debug\n6|1000|debug\n2|990|debug\n3|980|debug\n",
    "-h -p gpu -o %i": "4\n",
    "-j 1": "Unable to find jobs matching user/id(s) specified\n",
}


@pytest.mark.parametrize("text", SPRIO)
def test_priorities(waiting: Lab, text: str) -> None:
    assert waiting.ask(run_sprio, "sprio", *text.split()) == Answer(SPRIO[text], "", 0)


def test_sprio_says_what_it_does_not_know(waiting: Lab) -> None:
    odd = waiting.ask(run_sprio, "sprio", "-j", "2", "-o", "%i|%n|%Y")
    assert odd == Answer("JOBID|PRIORITY\n2|990\n", "sprio: error: Invalid job format specification: n\n", 0)
    nobody = waiting.ask(run_sprio, "sprio", "-u", "no-such-user")
    assert (nobody.stderr, nobody.stdout.count("\n")) == ("sprio: error: Invalid user: no-such-user\n\n", 1)
    assert waiting.ask(run_sprio, "sprio", "-j", "abc") == Answer("", "sprio: error: Invalid job id: abc\n", 1)
    operand = waiting.ask(run_sprio, "sprio", "x")
    assert operand.stderr == "sprio: error: Unrecognized option: x\n"
    assert operand.stdout.startswith("Usage: sprio ")


# -- sshare ------------------------------------------------------------------------------------------------------------


def test_shares(shares: Lab) -> None:
    assert shares.ask(run_sshare, "sshare").stdout == (
        "Account                    User  RawShares  NormShares    RawUsage  EffectvUsage  FairShare \n"
        "-------------------- ---------- ---------- ----------- ----------- ------------- ---------- \n"
        "root                                          0.000000           0      1.000000            \n"
        " proj                                    1    1.000000           0      0.000000            \n"
        "  proj                     root          1    1.000000           0      0.000000   1.000000 \n"
    )


def test_usage_is_what_jobs_held(shares: Lab) -> None:
    job = shares.submit(ntasks=3)
    shares.time += 20
    shares.end(job.job_id)
    answer = shares.ask(run_sshare, "sshare", "-n", "-P", "-o", "account,rawusage,effectvusage")
    assert answer.stdout == "root|60|1.000000\n proj|60|1.000000\n  proj|60|1.000000\n"


def test_forms_that_clients_use(shares: Lab) -> None:
    account = shares.ask(run_sshare, "sshare", "-U", "--format", "Account%256", "--noheader")
    assert account.stdout == " " * 252 + "proj \n"
    exporter = shares.ask(run_sshare, "sshare", "-n", "-P", "-o", "account,fairshare")
    assert exporter.stdout == "root|\n proj|\n  proj|1.000000\n"
    named = shares.ask(run_sshare, "sshare", "-h", "-A", "proj", "-o", "account")
    assert named.stdout == f"{'proj':<20} \n{' proj':<20} \n"
    unknown = shares.ask(run_sshare, "sshare", "-o", "foo")
    assert unknown == Answer("", 'sshare: error: Invalid field requested: "foo"\n', 1)


# -- sacctmgr ----------------------------------------------------------------------------------------------------------


SACCTMGR = {
    "-n -s list user root format=account%10": "      proj \n",
    "show user root withassoc format=account": "   Account \n---------- \n      proj \n",
    "show user root format=account": "   Account \n---------- \n           \n",
    "show user": (
        "      User   Def Acct     Admin \n---------- ---------- --------- \n      root       proj Administ+ \n"
    ),
    "show user nosuch -n": "",
    "-n -P show assoc where user=root format=account,partition,qos": "proj||normal\n",
    "show associations where users=root format=user -p": "User|\nroot|\n",
    "-P list qos format=name,maxwall": "Name|MaxWall\nnormal|\n",
    "show tres type=gres": (
        "    Type            Name     ID \n-------- --------------- ------ \n"
        "    gres             gpu   1001 \n    gres        gpu:a100   1002 \n    gres        gpu:h100   1003 \n"
    ),
    "-n -P show cluster format=cluster,controlhost": "oracle|127.0.0.1\n",
    "show account -n -P": "proj|proj|proj\nroot|root|root\n",
    "version": "slurm 22.05.8\n",
}


@pytest.mark.parametrize("text", SACCTMGR)
def test_accounting_records(shares: Lab, text: str) -> None:
    assert shares.ask(run_sacctmgr, "sacctmgr", *text.split()) == Answer(SACCTMGR[text], "", 0)


@pytest.mark.parametrize(
    ("text", "stderr"),
    [
        ("add user x", "sacctmgr: error: changing the accounting database is not supported by this controller\n"),
        ("show events", "sacctmgr: error: listing events is not supported by this controller\n"),
        ("", "sacctmgr: error: a prompt is not supported by this controller\n"),
        ("foo", "invalid keyword: foo\n"),
        ("show user format=foo", "Unknown field 'foo'\n"),
        ("show user foo=1", " Unknown condition: foo=1\n Use keyword 'set' to modify value\n"),
    ],
)
def test_what_sacctmgr_refuses(shares: Lab, text: str, stderr: str) -> None:
    assert shares.ask(run_sacctmgr, "sacctmgr", *text.split()) == Answer("", stderr, 1)


def test_unknown_entities(shares: Lab) -> None:
    answer = shares.ask(run_sacctmgr, "sacctmgr", "show", "foo")
    assert answer.stderr.startswith('No valid entity in list command\nInput line must include "Account", ')


# -- sdiag -------------------------------------------------------------------------------------------------------------


def test_counts(lab: Lab) -> None:
    lab.queue.begun = lab.time - 60
    done, failed, cancelled = (lab.submit() for _ in range(3))
    lab.submit(hold=True)
    lab.submit()
    lab.end(done.job_id)
    lab.end(failed.job_id, 1 << 8)
    lab.do(lambda: lab.queue.cancel(cancelled, user_id=0))
    lab.end(cancelled.job_id, 15)
    text = lab.ask(run_sdiag, "sdiag").stdout
    counts = dict(line.split(":", 1) for line in text.splitlines() if line.startswith("Jobs "))
    assert {name: int(value) for name, value in counts.items()} == {
        "Jobs submitted": 5, "Jobs started": 4, "Jobs completed": 1, "Jobs canceled": 1, "Jobs failed": 1,
        "Jobs pending": 1, "Jobs running": 1,
    }  # fmt: skip
    refused = lab.ask(run_sdiag, "sdiag", "--reset")
    assert (refused.stdout, refused.code) == ("", 1)

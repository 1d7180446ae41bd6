"""The wire protocols of PMI, spoken by tasks of a real step."""

import textwrap

import pytest

from shim.guest.pmi import mapping
from tests.steps.conftest import Job

PMI1 = """
import os, socket
wire = socket.socket(fileno=int(os.environ["PMI_FD"])).makefile("rw")
rank, size = int(os.environ["PMI_RANK"]), int(os.environ["PMI_SIZE"])
def ask(line):
    wire.write(line + "\\n"); wire.flush()
    return wire.readline().strip()
assert ask("cmd=init pmi_version=1 pmi_subversion=1") == "cmd=response_to_init pmi_version=1 pmi_subversion=1 rc=0"
space = ask("cmd=get_my_kvsname").split("kvsname=")[1]
assert space == os.environ["PMI_JOBID"], space
assert ask(f"cmd=put kvsname={space} key=k{rank} value=from {rank}").startswith("cmd=put_result rc=0")
assert ask("cmd=barrier_in") == "cmd=barrier_out rc=0"
assert ask(f"cmd=get kvsname={space} key=k{size - 1 - rank}").endswith(f"value=from {size - 1 - rank}")
assert "rc=-1" in ask(f"cmd=get kvsname={space} key=nosuch")
print(ask(f"cmd=get kvsname={space} key=PMI_process_mapping").split("value=")[1])
assert ask("cmd=finalize") == "cmd=finalize_ack rc=0"
"""

PMI2 = """
import os, socket
wire = socket.socket(fileno=int(os.environ["PMI_FD"])).makefile("rwb")
rank, size = int(os.environ["PMI_RANK"]), int(os.environ["PMI_SIZE"])
wire.write(b"cmd=init pmi_version=2 pmi_subversion=0\\n"); wire.flush()
assert wire.readline() == b"cmd=response_to_init pmi_version=2 pmi_subversion=0 rc=0\\n"
def ask(text):
    wire.write(b"%6d" % len(text) + text.encode()); wire.flush()
    return wire.read(int(wire.read(6))).decode()
assert f";rank={rank};size={size};" in ask(f"cmd=fullinit;pmirank={rank};threaded=FALSE;")
assert ask("cmd=kvs-put;key=k%d;value=a;;b%d;" % (rank, rank)) == "cmd=kvs-put-response;rc=0;"
assert ask("cmd=kvs-fence;thrid=7;") == "cmd=kvs-fence-response;thrid=7;rc=0;"
other = size - 1 - rank
assert ask(f"cmd=kvs-get;srcid={other};key=k{other};") == f"cmd=kvs-get-response;found=TRUE;value=a;;b{other};rc=0;"
if rank == 0:
    ask("cmd=info-putnodeattr;key=n;value=1;")
else:
    assert ask("cmd=info-getnodeattr;key=n;wait=TRUE;") == "cmd=info-getnodeattr-response;found=TRUE;value=1;rc=0;"
assert "found=FALSE" in ask("cmd=info-getjobattr;key=nosuch;")
print(ask("cmd=info-getjobattr;key=PMI_process_mapping;").split("value=")[1])
ask("cmd=finalize;")
"""


@pytest.mark.parametrize(("program", "answer"), [(PMI1, "(vector,(0,1,2))"), (PMI2, "(vector,(0,1,2));rc=0;")])
def test_ranks_find_one_another(job: Job, program: str, answer: str) -> None:
    script = f"cat > ask.py <<'P'\n{textwrap.dedent(program)}\nP\nsrun --mpi=pmi2 python3 ask.py; echo rc=$?"
    assert job(script, "-n2").splitlines() == [answer, answer, "rc=0"]


def test_what_is_not_there_is_said(job: Job) -> None:
    assert job("srun --mpi=foo true; echo rc=$?", "-n1").splitlines() == [
        "srun: error: Couldn't find the specified plugin name for mpi/foo looking at all files",
        "srun: error: cannot find mpi plugin for mpi/foo",
        "srun: error: MPI: Cannot create context for mpi/foo",
        "srun: error: MPI: Unable to load any plugin",
        "srun: error: Invalid MPI type 'foo', --mpi=list for acceptable types",
        "rc=1",
    ]


def test_process_mapping() -> None:
    assert mapping([(0, 1), (2, 3)]) == "(vector,(0,2,2))"
    assert mapping([(0, 1, 2), (3,)]) == "(vector,(0,1,3),(1,1,1))"
    assert mapping([(0, 2), (1, 3)]) == "(vector,(0,2,1),(0,2,1))"

"""srun --mpi=pmix: real MPI programs, started by srun itself (Open MPI's library, called from Python)."""

import ctypes
import re
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from shim.commands.stepping.mpi import check_mpi
from shim.executor.dstack.carriers import Task
from shim.executor.dstack.errors import NotExpressible
from shim.executor.dstack.steps import write
from shim.executor.local import processes
from shim.guest import pmix_library
from shim.options.joboption import Complaint
from tests.shim import FOUR_NODES, Answer, Shim, kill, shim_in, wait_until
from tests.steps.test_lives import lines_of, read_line

MPI = """\
import ctypes, os, signal, sys
mpi = ctypes.CDLL("libmpi.so.40", ctypes.RTLD_GLOBAL)
def of(name): return ctypes.byref(ctypes.c_char.in_dll(mpi, "ompi_mpi_" + name))
world, number, total = of("comm_world"), of("int"), of("op_sum")
mpi.MPI_Init(None, None)
rank, size, got, local = ctypes.c_int(), ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
mpi.MPI_Comm_rank(world, ctypes.byref(rank))
mpi.MPI_Comm_size(world, ctypes.byref(size))
me, many = rank.value, size.value
"""
RING = """\
mpi.MPI_Sendrecv(ctypes.byref(rank), 1, number, (me + 1) % many, 0,
                 ctypes.byref(got), 1, number, (me - 1) % many, 0, world, None)
neighbour = got.value
mpi.MPI_Allreduce(ctypes.byref(rank), ctypes.byref(got), 1, number, total, world)
node = ctypes.c_void_p()
mpi.MPI_Comm_split_type(world, 0, 0, of("info_null"), ctypes.byref(node))
mpi.MPI_Comm_size(node, ctypes.byref(local))
print(f"{me} of {many}, after {neighbour}, sum {got.value}, {local.value} on {os.environ['SLURMD_NODENAME']}")
mpi.MPI_Finalize()
"""
SHARED = """\
shared = {line.split()[-1] for line in open("/proc/self/maps") if "segment" in line}
print(*sorted(shared), sep="\\n", flush=True)
"""
UNTIL_ALL_ARE_THERE = "mpi.MPI_Barrier(world)\n"
LASTS = "print('lasts', flush=True)\nsignal.pause()\n"
ABORT = UNTIL_ALL_ARE_THERE + "if me == 1: mpi.MPI_Abort(world, 7)\nsignal.pause()\n"
DIE = UNTIL_ALL_ARE_THERE + "if me == 1: os.kill(os.getpid(), signal.SIGKILL)\nsignal.pause()\n"


def is_there(name: str) -> bool:
    """Whether this machine has a library."""
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


needs_pmix = pytest.mark.skipif(not is_there(pmix_library.NAME), reason="apt install libpmix2")
needs_mpi = pytest.mark.skipif(
    not is_there(pmix_library.NAME) or not Path("/usr/bin/ompi_info").exists(), reason="apt install openmpi-bin"
)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shim]:
    folder = tmp_path_factory.mktemp("pmix")
    (folder / "tmp").mkdir()
    with shim_in(folder, f'tmp_dir = "{folder / "tmp"}"\nmpi_default = "pmix"\n{FOUR_NODES}') as it:
        yield it


def mpi_run(lab: Shim, program: str, *options: str) -> Answer:
    """Run a program under srun."""
    return lab.run("srun", *options, "python3", "-c", MPI + program)


def said(text: str) -> list[str]:
    """The lines of srun and slurmstepd; those of Open MPI are its own affair."""
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:]+", "TIME", re.sub(r"(STEP |StepId=|pmix\.)\d+", r"\1J", text))
    return [line for line in text.splitlines() if "slurmstepd: " in line or line.startswith("srun: ")]


def left_behind(lab: Shim) -> list[str]:
    """What is still in the folder for temporary files."""
    return [path.name for path in (lab.folder / "tmp").iterdir()]


@needs_mpi
def test_ranks_find_one_another_on_two_nodes(lab: Shim) -> None:
    answer = mpi_run(lab, RING, "-N2", "-n3", "--mpi=pmix")
    assert (answer.code, answer.err) == (0, ""), str(answer)
    assert sorted(answer.out.splitlines()) == [
        "0 of 3, after 2, sum 3, 2 on n1",
        "1 of 3, after 0, sum 3, 2 on n1",
        "2 of 3, after 1, sum 3, 1 on n2",
    ]
    assert left_behind(lab) == []


@needs_mpi
def test_components_of_a_call_are_one_world(lab: Shim) -> None:
    program = ["python3", "-c", MPI + RING]
    answer = lab.run("srun", "--mpi=pmix", "-n1", *program, ":", "-n2", *program)
    assert sorted(re.findall(r"^\d of \d", answer.out, re.MULTILINE)) == ["0 of 3", "1 of 3", "2 of 3"], str(answer)


@needs_mpi
def test_the_default_of_the_site(lab: Shim) -> None:
    assert "MpiDefault              = pmix\n" in lab.run("scontrol", "show", "config").out
    assert mpi_run(lab, RING, "-n1").out == "0 of 1, after 0, sum 0, 1 on n1\n"
    assert lab.run("srun", "sh", "-c", "echo $SLURM_MPI_TYPE").out == "pmix\n"
    assert lab.run("srun", "sh", "-c", "echo $SLURM_MPI_TYPE", SLURM_MPI_TYPE="pmi2").out == "pmi2\n"
    assert lab.run("srun", "--mpi=none", "sh", "-c", "env", SLURM_MPI_TYPE="pmi2").out.count("MPI") == 0


@needs_mpi
def test_abort_ends_the_step(lab: Shim) -> None:
    answer = mpi_run(lab, ABORT, "-N2", "-n3", "--mpi=pmix")
    assert answer.code == 7, str(answer)
    assert "MPI_ABORT was invoked on rank 1" in answer.err
    assert sorted(said(answer.err)) == [
        "slurmstepd: error: *** STEP J.0 ON n1 CANCELLED AT TIME ***",
        "srun: Job step aborted: Waiting up to 32 seconds for job step to finish.",
        "srun: error: n1: task 0: Killed",
        "srun: error: n1: task 1: Exited with exit code 7",
        "srun: error: n2: task 2: Killed",
    ]
    assert left_behind(lab) == []


@needs_mpi
def test_a_rank_that_dies_ends_the_step(lab: Shim) -> None:
    answer = mpi_run(lab, DIE, "-N2", "-n3", "--mpi=pmix", "-l")
    assert answer.code == 137, str(answer)
    handler = "mpi/pmix_v4: _errhandler: n1 [0]: pmixp_client_v2.c:211: Error handler invoked: status = -61"
    assert sorted(said(answer.err)) == [
        "0: slurmstepd: error:  " + handler + ", source = [slurm.pmix.J.0:1]",
        "0: slurmstepd: error: *** STEP J.0 ON n1 CANCELLED AT TIME ***",
        "srun: Job step aborted: Waiting up to 32 seconds for job step to finish.",
        "srun: error: n1: task 0: Killed",
        "srun: error: n1: task 1: Killed",
        "srun: error: n2: task 2: Killed",
    ]


@needs_mpi
def test_emulated_nodes_share_no_memory_and_leave_none(lab: Shim) -> None:
    for nodes in (1, 2):
        ranks = 2 * nodes
        answer = mpi_run(lab, UNTIL_ALL_ARE_THERE + SHARED + DIE, f"-N{nodes}", "--ntasks-per-node=2", "-l")
        paths = [line.split(": ") for line in answer.out.splitlines()]
        shared = {rank: {path for who, path in paths if who == rank} for rank, _ in paths}
        assert len(shared) == ranks, str(answer)
        assert len(set.union(*shared.values())) == ranks
        assert {len(mine) for mine in shared.values()} == {2}
        assert not [path for _, path in paths if Path(path).exists()]


@needs_pmix
def test_a_task_that_is_no_rank_may_fail(lab: Shim) -> None:
    script = "[ $SLURM_PROCID = 1 ] && exit 3; echo $PMIX_NAMESPACE $PMIX_RANK $SLURM_PMIX_MAPPING_SERV"
    answer = lab.run("srun", "--mpi=pmix_v4" if "pmix_v4" in plugins(lab) else "--mpi=pmix", "-n2", "sh", "-c", script)
    assert re.fullmatch(r"slurm\.pmix\.\d+\.0 0 \(vector,\(0,1,2\)\)\n", answer.out), str(answer)
    assert (answer.err, answer.code) == ("srun: error: n1: task 1: Exited with exit code 3\n", 3)


@needs_pmix
def test_the_list(lab: Shim) -> None:
    first, pmix, none, pmi2, last = plugins(lab).splitlines()
    assert (first, pmix, none, pmi2) == ("MPI plugin types are...", "\tpmix", "\tnone", "\tpmi2")
    assert re.fullmatch(r"specific pmix plugin versions available: pmix_v[45]", last)


def plugins(lab: Shim) -> str:
    """What --mpi=list says."""
    return lab.run("srun", "--mpi=list").out


@needs_mpi
@pytest.mark.parametrize("victim", ["srun", "server"])
def test_the_server_ends_with_its_step(lab: Shim, victim: str) -> None:
    step = lab.popen("srun", "--mpi=pmix", "-n1", "python3", "-c", MPI + LASTS)
    assert read_line(step) == "lasts"
    (folder,) = left_behind(lab)
    server = server_of(step.pid)
    if victim == "srun":
        step.kill()
        lines_of(step)
    else:
        kill(server.pid)
        _, err, code = lines_of(step)
        assert (err[0], code) == ("srun: error: the PMIx server of the step has ended", 137)
    wait_until(lambda: not left_behind(lab) and not processes.alive(server.pid, server.start), f"the end of {folder}")


def server_of(client: int) -> processes.Process:
    """The process that serves an srun: not one of its tasks."""
    (found,) = [one for one in processes.children(client) if processes.is_service(one.pid)]
    return found


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pmix_library, "NAME", "libpmix.so.not-there")
    with pytest.raises(Complaint) as refusal:
        check_mpi({"mpi": "pmix"}, "none")
    assert "error: cannot find mpi plugin for mpi/pmix" in refusal.value.lines
    with pytest.raises(Complaint) as listing:
        check_mpi({"mpi": "list"}, "none")
    assert listing.value.output == "MPI plugin types are...\n\tnone\n\tpmi2\n"


@needs_pmix
def test_an_unknown_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pmix_library, "_KNOWN", ("3",))
    with pytest.raises(Complaint) as refusal:
        check_mpi({"mpi": "pmix"}, "none")
    (line,) = refusal.value.lines
    assert re.fullmatch(r"error: --mpi=pmix: libpmix\.so\.2 is OpenPMIx [45]\S*; 4\.2 and 5 are known here", line)


def test_refused_on_dstack(tmp_path: Path) -> None:
    with pytest.raises(NotExpressible) as refusal:
        write(tmp_path / "step", {"pmi": "pmix"}, {}, cast(Task, None))
    assert str(refusal.value) == "--mpi: pmi2 and pmix are not there on dstack; use mpirun inside the job"

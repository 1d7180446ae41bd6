"""MPICH's mpiexec inside a two-node job starts its proxies with srun."""

from support import finish, nodes_resolve, script

host = "" if nodes_resolve() else "-localhost 127.0.0.1 "
log = finish(
    script(
        "job.sh", f"mpiexec {host}-n 4 python -m mpi4py.bench helloworld", "-N 2 --ntasks-per-node=2 --mem-per-cpu=300M"
    )
)
assert sorted(line.split()[5] for line in log.splitlines() if "of 4" in line) == ["0", "1", "2", "3"], log

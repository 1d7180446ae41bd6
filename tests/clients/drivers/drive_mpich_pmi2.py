"""MPI ranks started by srun itself, which answers their PMI-2 questions."""

from support import finish, script

command = "srun --mpi=pmi2 -n 2 python -m mpi4py.bench helloworld"
log = finish(script("job.sh", command, "-N 1 --ntasks-per-node=2 --mem-per-cpu=300M"))
assert sorted(line.split()[5] for line in log.splitlines() if "of 2" in line) == ["0", "1"], log

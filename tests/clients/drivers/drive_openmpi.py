"""Open MPI's mpirun inside a job reads the allocation from SLURM_ variables and starts its daemons with srun."""

import re
import sys

from support import environment, finish, script

# Without these mpirun refuses to be run by root; they mean nothing to it otherwise.
environment(OMPI_ALLOW_RUN_AS_ROOT=1, OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1)
nodes = int(sys.argv[1])
tasks = 2 * nodes
command = "mpirun --oversubscribe sh -c 'echo rank $OMPI_COMM_WORLD_RANK of $OMPI_COMM_WORLD_SIZE'"
log = finish(script("job.sh", command, f"-N {nodes} --ntasks-per-node=2 --mem-per-cpu=200M"))
ranks = re.findall(rf"^rank (\d+) of {tasks}$", log, re.MULTILINE)
assert sorted(map(int, ranks)) == list(range(tasks)), ranks

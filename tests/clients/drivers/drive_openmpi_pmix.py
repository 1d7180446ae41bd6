"""MPI ranks started by srun itself on two nodes, which answers their PMIx questions; MPI_Abort ends all of them."""

import re
import sys

from support import finish, script

python = sys.argv[1]
bench = f"srun --mpi=pmix {python} -m mpi4py.bench"
abort = f"srun --mpi=pmix {python} -c 'from mpi4py import MPI; MPI.COMM_WORLD.rank == 1 and MPI.COMM_WORLD.Abort(3)'"
body = f"{bench} helloworld\n{bench} ringtest -l 20 -n 100\n{abort}; echo ended $?"
log = finish(script("job.sh", body, "-N 2 --ntasks-per-node=2 --mem-per-cpu=300M"))
assert sorted(re.findall(r"^Hello, World! I am process (\d) of 4", log, re.MULTILINE)) == ["0", "1", "2", "3"], log
assert re.search(r"^time for 20 loops = .* \(4 processes, 100 bytes\)", log, re.MULTILINE), log
assert "ended 3" in log.splitlines(), log

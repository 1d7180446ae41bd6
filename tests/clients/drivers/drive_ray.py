"""Ray as its manual starts it: a head and a worker by concurrent srun steps on two nodes of one job."""

from pathlib import Path

from support import environment, finish, nodes_resolve, script

PROGRAM = """
import ray
import time

ray.init(address="auto")
while len(ray.nodes()) < 2:
    time.sleep(0.5)

@ray.remote
def square(number):
    return number * number

assert ray.get([square.remote(number) for number in range(4)]) == [0, 1, 4, 9]
open("nodes", "w").write(str(len(ray.nodes())))
"""
ADDRESS = '$(srun --nodes=1 --ntasks=1 -w "$head" hostname --ip-address)' if nodes_resolve() else "127.0.0.1"
COMMAND = f"""
nodes=($(scontrol show hostnames "$SLURM_JOB_NODELIST"))
head=${{nodes[0]}}
address={ADDRESS}
port=$((20000 + SLURM_JOB_ID % 10000))
srun --nodes=1 --ntasks=1 -w "$head" ray start --head --node-ip-address=$address --port=$port --num-cpus=1 \\
    --object-store-memory=80000000 --include-dashboard=false --temp-dir=/tmp/ray.$SLURM_JOB_ID --block &
until python -c "import socket; socket.create_connection(('$address', $port))" 2>/dev/null; do sleep 0.5; done
srun --nodes=1 --ntasks=1 -w "${{nodes[1]}}" ray start --address $address:$port --num-cpus=1 \\
    --object-store-memory=80000000 --block &
RAY_ADDRESS=$address:$port python program.py
status=$?
rm -rf /tmp/ray.$SLURM_JOB_ID
exit $status
"""

Path("program.py").write_text(PROGRAM)
environment(RAY_USAGE_STATS_ENABLED=0)
finish(script("job.sh", COMMAND, "-N 2 --ntasks-per-node=1 --cpus-per-task=1 --mem-per-cpu=2000M"))
assert Path("nodes").read_text() == "2"

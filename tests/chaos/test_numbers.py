"""Numbers beyond all reason, wherever a number may stand: a clear answer, and nothing is harmed."""

import shlex

import pytest

from tests.shim import Shim

COMMANDS = """
sbatch -H --nice=N; sbatch -H --priority=N; sbatch -H --acctg-freq=N; sbatch -H --ntasks=N; sbatch -H --time=N
sbatch -H --time-min=N; sbatch -H --mem=N; sbatch -H --mem-per-cpu=N; sbatch -H --array=N; sbatch -H --array=1-5%N
sbatch -H --array=1-N:N; sbatch -H --gres=gpu:N; sbatch -H --gpus=N; sbatch -H --dependency=afterok:N
sbatch -H --dependency=after:1+N; sbatch -H --begin=now+N; sbatch -H --begin=now+Ndays; sbatch -H --deadline=now+N
sbatch -H --signal=N; sbatch -H --signal=USR1@N; sbatch -H --nodes=N; sbatch -H --switches=N; sbatch -H -m plane=N
sbatch -H --nodelist=a[N]; sbatch -H --core-spec=N; sbatch -H --ntasks-per-node=N; sbatch -H --cpus-per-task=N
sbatch -H --tmp=N; sbatch -H --exclude=n[1-N]; sbatch -H --licenses=a:N; sbatch -H --mincpus=N; sbatch -H -B N:N:N
sbatch -H --get-user-env=N; sbatch -H --uid=N; sbatch -H --gid=N; sbatch -H --output=%Nj
squeue -j N; squeue -j 1_N; squeue -o %Ni; squeue -O jobid:N; squeue -u N; squeue -s N.N; squeue --start -j 1_N
sinfo -o %NP; sinfo -O partition:N; sinfo -n n[1-N]; scancel N; scancel 1_[N]; scancel -s N 1; scancel -u N
sacct -j N; sacct -j N_N.N; sacct -o jobid%N; sacct -S now-N; sacct -E now+N; sacct -u N; sacct -g N; sacct -N n[N]
scontrol show job N; scontrol show step N.N; scontrol hold N; scontrol requeue N; scontrol top N; scontrol notify N x
scontrol show node n[N]; scontrol show hostnames n[1-N]; scontrol show hostlist nN; scontrol suspend N
scontrol update jobid=1 priority=N; scontrol update jobid=1 timelimit=N; scontrol update jobid=1 nice=N
scontrol update jobid=1 minmemorynode=N; scontrol update jobid=1 numcpus=N; scontrol update jobid=1 starttime=now+N
scontrol update jobid=1 arraytaskthrottle=N; scontrol update jobid=1 dependency=afterok:N; scontrol wait_job N
scontrol update jobname=x userid=N priority=1; scontrol listpids N; scontrol pidinfo N; sstat -j N; sattach N.N
srun -n N true; srun -t N true; srun --jobid=N true; salloc -n N true; salloc --immediate=1 -w n[N] true
"""


@pytest.mark.parametrize("number", ["2147483648", "4294967296", "9223372036854775808", "1" * 5000], ids=len)
def test_no_number_does_harm(shim: Shim, number: str) -> None:
    assert shim.submit("--hold", "--wrap", "true") == 1
    controller = shim.controller
    for command in map(shlex.split, COMMANDS.replace(";", "\n").strip().splitlines()):
        wrap = ["--wrap", "true"] if command[0] == "sbatch" else []
        answer = shim.run(*(word.replace("N", number) for word in command), *wrap)
        assert "internal error" not in answer.err, command
        assert "Traceback" not in answer.err, command
    assert shim.controller == controller
    assert shim.wait(shim.submit("--wrap", "true")) == "COMPLETED"

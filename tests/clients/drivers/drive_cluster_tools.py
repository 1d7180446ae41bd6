"""cluster_tools: an executor's single submission, and its map as an array, watched by sacct."""

import os
from pathlib import Path

import cluster_tools
from support import environment, partition


def square(number: int) -> int:
    return number * number


def task(_: int) -> str | None:
    return os.environ.get("SLURM_ARRAY_TASK_ID")


def main() -> None:
    environment(PYTHONPATH=Path(__file__).parent)  # where the workers find the functions
    resources = {"time": "00:03:00", "mem": "300M", "partition": partition()}
    with cluster_tools.get_executor("slurm", job_resources=resources, job_name="client", debug=True) as executor:
        assert executor.submit(square, 7).result() == 49
        assert list(executor.map(square, [1, 2, 3])) == [1, 4, 9]
        assert sorted(future.result() for future in executor.map_to_futures(task, [0, 1, 2])) == ["0", "1", "2"]


if __name__ == "__main__":
    main()

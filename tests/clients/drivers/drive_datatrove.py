"""datatrove: SlurmPipelineExecutor runs its tasks as an array, and a second pipeline behind it by a dependency."""

import os
from pathlib import Path

from datatrove.data import Document, DocumentsPipeline
from datatrove.executor import SlurmPipelineExecutor
from support import partition, until


class Count:
    """A pipeline step that leaves one file for each rank."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __call__(self, data: DocumentsPipeline, rank: int, world_size: int) -> list[Document]:
        from pathlib import Path

        Path(self.folder, f"rank.{rank}.of.{world_size}").write_text("")
        return []


def executor(folder: str, tasks: int, depends: SlurmPipelineExecutor | None = None) -> SlurmPipelineExecutor:
    Path(folder).mkdir()
    return SlurmPipelineExecutor(
        job_name=folder,
        pipeline=[Count(str(Path.cwd() / folder))],
        tasks=tasks,
        time="00:03:00",
        partition=partition(),
        cpus_per_task=1,
        mem_per_cpu_gb=1,
        logging_dir=str(Path.cwd() / f"{folder}.logs"),
        depends=depends,
        qos="normal",
        venv_path=None,
        env_command=f"export PATH={os.environ['PATH']}",
        randomize_start_duration=0,
    )


def main() -> None:
    first = executor("first", 3)
    executor("second", 1, depends=first).run()
    until(lambda: Path("second", "rank.0.of.1").exists(), 90)
    assert sorted(path.name for path in Path("first").iterdir()) == ["rank.0.of.3", "rank.1.of.3", "rank.2.of.3"]


if __name__ == "__main__":
    main()

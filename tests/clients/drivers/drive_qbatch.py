"""qbatch: a list of commands becomes an array of chunks."""

from pathlib import Path

from support import partition, run_client, until

Path("commands").write_text("".join(f"echo {number} > made.{number}\n" for number in range(5)))
run_client(
    "qbatch", "-b", "slurm", "-c", "2", "-j", "1", "-w", "00:03:00", "--mem", "100M", "--queue", partition(), "commands"
)
until(lambda: len(list(Path().glob("made.*"))) == 5)
assert [Path(f"made.{number}").read_text() for number in range(5)] == [f"{number}\n" for number in range(5)]

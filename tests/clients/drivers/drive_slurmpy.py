"""slurmpy: a script with variables, and one behind it by a dependency, logged by %J."""

from pathlib import Path

from slurmpy import Slurm
from support import partition, until

client = Slurm("client", {"partition": partition(), "time": "00:03:00", "mem": "100M"}, date_in_name=False)
first = client.run("echo $word > first", cmd_kwargs={"word": "hello"})
second = client.run("cat first > second", depends_on=[first])
until(lambda: Path("second").exists() and Path("second").read_text() == "hello\n")
logs = {path.name.split(".", 1)[1] for path in Path("logs").iterdir()}
assert logs == {f"{job}.{kind}" for job in (first, second) for kind in ("out", "err")}, logs

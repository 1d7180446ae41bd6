"""myqueue: a task, one that depends on it, and one that fails."""

from pathlib import Path

from support import partition, run_client, until

CONFIGURATION = f"""
config = {{
    "scheduler": "slurm",
    "nodes": [("{partition()}", {{"cores": 8, "memory": "8G"}})],
    "serial_python": "/usr/bin/env python3",
}}
"""
# The first takes a while: myqueue overlooks the end of a task that is done before its ID has been written down.
TASKS = {
    "first.py": "import time; time.sleep(2); open('first.made', 'w').close()",
    "second.py": "open('first.made'); open('second.made', 'w').close()",
    "bad.py": "import time; time.sleep(2); raise SystemExit(3)",
}


def states() -> str:
    return run_client("mq", "list", "-c", "ns", "-s", "qhrdFCMT")


Path(".myqueue").mkdir()
Path(".myqueue/config.py").write_text(CONFIGURATION)
for name, body in TASKS.items():
    Path(name).write_text(f"{body}\n")
run_client("mq", "submit", "first.py", "-R", "1:1h")
run_client("mq", "submit", "second.py", "-R", "1:1h", "-d", "first.py")
run_client("mq", "submit", "bad.py", "-R", "1:1h")
until(Path("second.made").exists)
until(lambda: "done: 2, FAILED: 1" in states())

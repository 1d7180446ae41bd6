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
TASKS = {
    "first.py": "open('first.made', 'w').close()",
    "second.py": "open('first.made'); open('second.made', 'w').close()",
    "bad.py": "raise SystemExit(3)",
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

"""What came of trying a client, and the file that keeps it."""

import json
from dataclasses import dataclass
from pathlib import Path

RESULTS = Path(__file__).parent / "results.json"


@dataclass(frozen=True)
class Outcome:
    """One client on one cluster as one kind of user (`root` or `user`)."""

    client: str
    version: str
    exercises: str
    cluster: str
    user: str
    passed: bool
    seconds: float

    def __str__(self) -> str:
        verdict = "PASS" if self.passed else "FAIL"
        where = f"on {self.cluster} as {self.user} ({self.seconds:.0f} s)"
        return f"{verdict} {self.client} {self.version} {where}: {self.exercises}"


def read(path: Path = RESULTS) -> dict:
    """What the file knows: for each client its version, what was exercised, and the outcomes by cluster and user."""
    return json.loads(path.read_text()) if path.exists() else {}


def record(outcome: Outcome, path: Path = RESULTS) -> None:
    """Put the outcome into the file, which keeps what it knows of other clients, clusters and users."""
    kept = read(path)
    row = kept.setdefault(outcome.client, {"runs": {}})
    row.update(version=outcome.version, exercises=outcome.exercises)
    row["runs"].setdefault(outcome.cluster, {})[outcome.user] = "pass" if outcome.passed else "fail"
    path.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n")

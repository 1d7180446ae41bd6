"""Make the answers of two clusters comparable: job numbers, times, names of the machine and its user.

Every replacement keeps the width of what it replaces wherever Slurm prints it in a column.
"""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Callable, Sequence

VERSION = re.compile(r"\bslurm(?:-wlm)? (22\.05\.8)\b")
STEPD = re.compile(r"\bslurmstepd(?:-[\w.-]+)?:")
ISO_TIME = re.compile(r"\b(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\b")
LONG_DATE = re.compile(r"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}")
SPOOL = re.compile(r"/\S*/(slurm_script)\b")
STATES = "R|CG|S|CD|F|CA|TO|RUNNING|COMPLETI|COMPLETED|COMPLETE|CANCELLE|FAILED|TIMEOUT"
RUNNING_FOR = re.compile(rf"( (?:{STATES}) +)([0-5]?\d:[0-5]\d)(?= +(?:\d|UNLIMITED|INVALID))")
SECONDS = re.compile(r"\b00:00:[0-5]\d\b")
SESSION = re.compile(r"(?<=AllocNode:Sid=)\S+")
SCHEDULER = re.compile(r"(?<=Scheduler=)(?:Main|Backfill(?:\(\w+\))?)")
LOAD = re.compile(r"\b(CPULoad|FreeMem|LastBusyTime|BootTime|SlurmdStartTime)=\S+")
RECENT = datetime.timedelta(days=3)


@dataclasses.dataclass(frozen=True)
class Place:
    """What names one cluster's answers carry that another's do not."""

    directory: str
    first_job_id: int
    user: str
    uid: int
    home: str
    host: str


class Normaliser:
    """Rewrites the outputs of one scenario; the numbering of its jobs goes on from step to step."""

    def __init__(
        self,
        place: Place,
        masks: Sequence[tuple[str, str]] = (),
        now: datetime.datetime | None = None,
        renumber: bool = True,
    ) -> None:
        self.place = place
        self.masks = [(re.compile(pattern, re.MULTILINE), text) for pattern, text in masks]
        self.now = now or datetime.datetime.now()
        self.jobs: dict[int, int] = {}
        first = str(place.first_job_id)
        number = rf"{first[:2]}\d{{{len(first) - 2}}}"
        self.job_number = re.compile(rf"(?<![\d.])0*{number}(?!\d)")
        self.rules: list[Callable[[str], str]] = [
            self.rename_places,
            *([self.renumber_jobs] if renumber else []),
            self.level_times,
            self.level_user,
            self.level_machine,
            self.apply_masks,
        ]

    def __call__(self, text: str) -> str:
        """The text as any cluster would have written it."""
        for rule in self.rules:
            text = rule(text)
        return text

    def rename_places(self, text: str) -> str:
        """The scenario's directory, the user's home and the daemon's spool directory."""
        text = SPOOL.sub(r"SPOOL/\1", text)
        return text.replace(self.place.directory, "/CASE").replace(self.place.home + "/", "/HOME/")

    def renumber_jobs(self, text: str) -> str:
        """Count jobs in the order in which they are first mentioned, with as many digits as before."""
        return self.job_number.sub(self.renumber_one, text)

    def renumber_one(self, match: re.Match[str]) -> str:
        number = self.jobs.setdefault(int(match[0]), len(self.jobs) + 1)
        return "J" + str(number).zfill(len(match[0]) - 1)

    def level_times(self, text: str) -> str:
        """Clock times near the present and durations below a minute."""
        text = ISO_TIME.sub(self.level_time, text)
        text = LONG_DATE.sub("Day Mon DD HH:MM:SS YYYY", text)
        text = RUNNING_FOR.sub(lambda match: match[1] + "0:00".rjust(len(match[2])), text)
        return SECONDS.sub("00:00:00", text)

    def level_time(self, match: re.Match[str]) -> str:
        try:
            moment = datetime.datetime.fromisoformat(match[1])
        except ValueError:
            return match[1]
        return "YYYY-MM-DDTHH:MM:SS" if abs(moment - self.now) < RECENT else match[1]

    def level_user(self, text: str) -> str:
        """The user who runs the test becomes alice, uid 2001, in columns of the same width."""
        user, uid = re.escape(self.place.user), self.place.uid
        text = re.sub(rf"\b{user}\({uid}\)", "alice(2001)", text)
        text = re.sub(rf"\bby {uid}\b", "by 2001", text)
        if self.place.user == "alice":
            return text
        return re.sub(rf"(  +|(?<![\w/])){user}(?![\w/])( *)", self.level_name, text)

    def level_name(self, match: re.Match[str]) -> str:
        before, after = match[1], match[2]
        spare = len("alice") - len(self.place.user)
        if before:
            return " " * max(len(before) - spare, 1) + "alice" + after
        return "alice" + (" " * max(len(after) - spare, 1) if after else "")

    def level_machine(self, text: str) -> str:
        """Version, host name, load and whatever else tells one machine from another."""
        text = VERSION.sub(r"slurm \1", text)
        text = STEPD.sub("slurmstepd:", text)
        text = SESSION.sub("HOST:SID", text)
        text = SCHEDULER.sub("SCHED", text)
        text = LOAD.sub(r"\1=VALUE", text)
        return re.sub(rf"(?<![\w/.-]){re.escape(self.place.host)}(?![\w/.-])", "HOST", text)

    def apply_masks(self, text: str) -> str:
        """What the scenario itself declares as varying."""
        for pattern, replacement in self.masks:
            text = pattern.sub(replacement, text)
        return text

"""Points in time as Slurm's commands print them (slurm_make_time_str; SLURM_TIME_FORMAT in their man pages)."""

import time
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

ISO = "%Y-%m-%dT%H:%M:%S"


class TimeFormat:
    """Writes epoch seconds in the caller's time zone (TZ) and format (SLURM_TIME_FORMAT).

    The format is ``standard``, ``relative``, or any text with a ``%`` for strftime(3). Anything else is an error that
    does not stop a command: ``error`` then holds the line to print, and times are written as usual.
    """

    __slots__ = ("_pattern", "_zone", "error")

    def __init__(self, env: Mapping[str, str]) -> None:
        wanted = env.get("SLURM_TIME_FORMAT", "")
        self.error = ""
        self._zone = zone_named(env.get("TZ", ""))
        self._pattern = ISO
        if wanted == "relative" or "%" in wanted:
            self._pattern = wanted
        elif wanted not in {"", "standard"}:
            self.error = f"invalid SLURM_TIME_FORMAT = '{wanted}'"

    def __call__(self, epoch: float, none: str = "Unknown") -> str:
        """Return the time as text; ``none`` where there is no time yet (0)."""
        if not epoch:
            return none
        return _written(int(epoch), self._pattern, self._zone) if self._pattern != "relative" else self._relative(epoch)

    def _relative(self, epoch: float) -> str:
        pattern = _relative_pattern(
            datetime.fromtimestamp(epoch, self._zone), datetime.fromtimestamp(time.time(), self._zone)
        )
        return _written(int(epoch), pattern, self._zone)


def plain_date(env: Mapping[str, str]) -> TimeFormat:
    """Dates as ctime(3) writes them, whatever SLURM_TIME_FORMAT says: when a report was made, what it looks at."""
    return TimeFormat({"SLURM_TIME_FORMAT": "%a %b %d %H:%M:%S %Y", "TZ": env.get("TZ", "")})


@lru_cache(maxsize=64)
def zone_named(name: str) -> ZoneInfo | None:
    """Return the zone TZ names; None is the controller's own, which also serves names that are unknown."""
    try:
        return ZoneInfo(name.lstrip(":")) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


@lru_cache(maxsize=4096)
def _written(epoch: int, pattern: str, zone: ZoneInfo | None) -> str:
    if zone is None:
        return time.strftime(pattern, time.localtime(epoch))
    # strftime's %s would take the clock's reading for the controller's local time
    return datetime.fromtimestamp(epoch, zone).strftime(pattern.replace("%s", str(epoch)))


def _relative_pattern(when: datetime, now: datetime) -> str:
    """Return the strftime pattern that suits the distance from today (slurm_make_time_str, ``relative``)."""
    distance = (when.date() - now.date()).days
    near = {-1: "Ystday %H:%M", 0: "%H:%M:%S", 1: "Tomorr %H:%M"}
    if distance in near:
        return near[distance]
    if abs(distance) > 365:
        return "%-d %b %Y"
    return "%a %H:%M" if -1 <= distance <= 6 else "%-d %b %H:%M"

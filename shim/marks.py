"""How an srun that has tasks, and the supervisor of the batch script above it, know each other."""

from _signal import SIGRTMIN  # type: ignore[import-not-found]

JOB_OVER: int = SIGRTMIN
"""Tells an srun that its batch script is over: it ends its tasks as at a scancel."""

JOB_FAILED: int = SIGRTMIN + 1
"""The same where the script has failed, which the notice about the step tells of."""

SRUN = b"srun"
"""What such an srun calls itself (proc(5), /proc/pid/comm)."""

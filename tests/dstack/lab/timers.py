"""`python -P timers.py SCALE ARGS…` is `dstack server ARGS…` with the timers of its pipelines scaled.

Nothing of the server is changed on disk, and nothing but the intervals in memory: how often it looks, not what it does.
"""

import sys
from typing import Any


def scale_timers(scale: float) -> None:
    """Scale the intervals of all background pipelines, and its patience with lost hosts, before it makes them."""
    from dstack._internal.server.background.pipeline_tasks import base, jobs_running
    from dstack._internal.server.background.pipeline_tasks.runs import pending

    pipeline_init, fetcher_init = base.Pipeline.__init__, base.Fetcher.__init__

    def make_pipeline(self: Any, *args: Any, min_processing_interval: Any, **kwargs: Any) -> None:
        pipeline_init(self, *args, min_processing_interval=min_processing_interval * scale, **kwargs)

    def make_fetcher(self: Any, *args: Any, **kwargs: Any) -> None:
        fetcher_init(self, *args, **kwargs | {"queue_check_delay": scale})

    base.Pipeline.__init__ = make_pipeline
    base.Fetcher.__init__ = make_fetcher
    base.Fetcher._DEFAULT_FETCH_DELAYS = [delay * scale for delay in base.Fetcher._DEFAULT_FETCH_DELAYS]
    jobs_running.JOB_DISCONNECTED_RETRY_TIMEOUT *= scale
    pending._PENDING_RETRY_DELAYS = [delay * scale for delay in pending._PENDING_RETRY_DELAYS]


def main() -> None:
    from dstack._internal.server import bootstrap

    bootstrap.set_up_process()  # must precede the import of anything else of dstack
    from dstack._internal.cli.main import main as dstack

    scale_timers(float(sys.argv[1]))
    sys.argv = ["dstack", "server", *sys.argv[2:]]
    dstack()


if __name__ == "__main__":
    main()

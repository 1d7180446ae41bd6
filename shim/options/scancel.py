"""The options of scancel (scancel man page, OPTIONS), in the order in which getopt_long meets them."""

from shim.options.option import Argument, Effect, Option


def _filter(name: str, metavar: str, short: str = "", *aliases: str, note: str = "") -> Option:
    return Option(name=name, short=short, argument=Argument.REQUIRED, metavar=metavar, aliases=aliases, note=note)


OPTIONS = (
    _filter("account", "account", "A"),
    Option(name="batch", short="b"),
    Option(name="ctld", local=Effect.IGNORED, dstack=Effect.IGNORED, note="the controller sends all signals anyway"),
    _filter("cluster", "string", "M", "clusters", note="there is one cluster"),
    Option(name="full", short="f"),
    Option(name="help"),
    Option(
        name="hurry", short="H", local=Effect.IGNORED, dstack=Effect.IGNORED, note="no burst buffer has data to stage"
    ),
    Option(name="interactive", short="i", note="the end of the answers is a no; Slurm goes on asking"),
    Option(name="me"),
    _filter("name", "job_name", "n", "jobname"),
    _filter("nodelist", "hosts", "w"),
    _filter("partition", "partition_name", "p"),
    _filter("qos", "qos", "q"),
    Option(name="quiet", short="Q"),
    _filter("reservation", "reservation_name", "R"),
    Option(
        name="sibling",
        argument=Argument.REQUIRED,
        metavar="cluster_name",
        local=Effect.IGNORED,
        dstack=Effect.IGNORED,
        note="there is no federation",
    ),
    _filter(
        "signal", "signal_name", "s", note="on dstack in shared mode only: in upload mode dstack delivers no signals"
    ),
    _filter("state", "job_state_name", "t"),
    Option(name="usage"),
    _filter("user", "user_name", "u"),
    Option(name="verbose", short="v"),
    Option(name="version", short="V"),
    _filter("wckey", "wckey"),
)

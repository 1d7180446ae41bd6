"""The options of scontrol (scontrol man page, OPTIONS), in the order its help lists them."""

from shim.options.option import Argument, Effect, Option

_ONE_CLUSTER = "there is one cluster and no federation"


def _no_effect(name: str, short: str = "", note: str = _ONE_CLUSTER) -> Option:
    return Option(name=name, short=short, local=Effect.IGNORED, dstack=Effect.IGNORED, note=note)


OPTIONS = (
    _no_effect("all", "a", "no partition is hidden"),
    Option(name="details", short="d"),
    _no_effect("federation"),
    _no_effect("future", "F", "there are no nodes in state FUTURE"),
    Option(name="help", short="h"),
    _no_effect("hide", "", "no partition is hidden"),
    _no_effect("local"),
    Option(name="clusters", short="M", argument=Argument.REQUIRED, metavar="cluster_name", aliases=("cluster",)),
    Option(name="oneliner", short="o"),
    Option(name="quiet", short="Q"),
    _no_effect("sibling"),
    Option(name="uid", short="u", argument=Argument.REQUIRED, metavar="uid"),
    Option(name="usage"),
    Option(name="verbose", short="v"),
    Option(name="version", short="V"),
    Option(name="yaml", note="show job: what dstack is told to run; not in Slurm"),
)

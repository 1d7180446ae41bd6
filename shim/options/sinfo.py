"""The options of sinfo (sinfo man page, OPTIONS), in the order its help lists them."""

from shim.options.option import Argument, Effect, Option, dump_option

_ONE_CLUSTER = "there is one cluster and no federation"


def _taking(name: str, short: str, metavar: str, note: str = "", aliases: tuple[str, ...] = ()) -> Option:
    return Option(name=name, short=short, argument=Argument.REQUIRED, metavar=metavar, note=note, aliases=aliases)


def _no_effect(name: str, note: str) -> Option:
    return Option(name=name, local=Effect.IGNORED, dstack=Effect.IGNORED, note=note)


OPTIONS = (
    Option(name="all", short="a", note="no partition is hidden; it lifts SINFO_PARTITION"),
    Option(name="dead", short="d"),
    Option(name="exact", short="e"),
    _no_effect("federation", _ONE_CLUSTER),
    Option(name="noheader", short="h"),
    _no_effect("hide", "no partition is hidden"),
    _taking("iterate", "i", "seconds"),
    dump_option("json"),
    _no_effect("local", _ONE_CLUSTER),
    Option(name="long", short="l"),
    _taking("clusters", "M", "names", _ONE_CLUSTER, aliases=("cluster",)),
    _taking("nodes", "n", "nodes"),
    _no_effect("noconvert", "sizes of memory are in megabytes anyway"),
    Option(name="Node", short="N"),
    _taking("format", "o", "format"),
    _taking("Format", "O", "format"),
    _taking("partition", "p", "partition"),
    Option(name="responding", short="r"),
    Option(name="list-reasons", short="R"),
    Option(name="summarize", short="s"),
    _taking("sort", "S", "fields"),
    _taking("states", "t", "node_state"),
    Option(name="reservation", short="T"),
    Option(name="verbose", short="v"),
    Option(name="version", short="V"),
    dump_option("yaml"),
    Option(name="help"),
    Option(name="usage"),
)

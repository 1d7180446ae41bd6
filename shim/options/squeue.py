"""The options of squeue (squeue man page, OPTIONS), in the order in which getopt_long meets them."""

from shim.options.option import Argument, Effect, Option, dump_option

_ONE_CLUSTER = "there is one cluster and no federation"


def _list(name: str, short: str, metavar: str, *aliases: str, note: str = "") -> Option:
    return Option(name=name, short=short, argument=Argument.REQUIRED, metavar=metavar, aliases=aliases, note=note)


def _without_effect(name: str, note: str, short: str = "", *aliases: str) -> Option:
    return Option(name=name, short=short, aliases=aliases, local=Effect.IGNORED, dstack=Effect.IGNORED, note=note)


OPTIONS = (
    _list("accounts", "A", "account_list", "account"),
    _without_effect("all", "no partition is hidden", "a"),
    Option(name="array", short="r"),
    Option(name="array-unique"),
    _list("cluster", "M", "cluster_name", "clusters", note=_ONE_CLUSTER),
    _list("Format", "O", "output_format"),
    _list("format", "o", "output_format"),
    _without_effect("federation", _ONE_CLUSTER),
    Option(name="help"),
    _without_effect("hide", "no partition is hidden"),
    _list("iterate", "i", "seconds"),
    Option(name="jobs", short="j", argument=Argument.OPTIONAL, metavar="job_id_list"),
    dump_option("json"),
    _without_effect("local", _ONE_CLUSTER),
    Option(name="long", short="l"),
    _list("licenses", "L", "license_list"),
    Option(name="me"),
    _list("name", "n", "name_list"),
    Option(name="noconvert"),
    _list("node", "w", "hostlist", "nodes", "nodelist"),
    Option(name="noheader", short="h"),
    Option(name="only-job-state", note="of newer releases; the other fields are shown as well"),
    _list("partitions", "p", "part_list", "partition"),
    Option(name="priority", short="P"),
    _list("qos", "q", "qos_list"),
    _list("reservation", "R", "reservation_name"),
    _without_effect("sib", _ONE_CLUSTER, "", "sibling"),
    _list("sort", "S", "sort_list"),
    Option(name="start"),
    Option(name="steps", short="s", argument=Argument.OPTIONAL, metavar="step_list"),
    _list("states", "t", "state_list"),
    Option(name="usage"),
    _list("user", "u", "user_list", "users"),
    Option(name="verbose", short="v"),
    Option(name="version", short="V"),
    dump_option("yaml"),
)

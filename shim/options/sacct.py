"""The options of sacct (sacct man page, OPTIONS), in the order its help lists them."""

from shim.options.option import Argument, Effect, Option, dump_option

_ONE_CLUSTER = "there is one cluster and no federation"


def _taking(name: str, short: str = "", metavar: str = "", note: str = "", aliases: tuple[str, ...] = ()) -> Option:
    return Option(name=name, short=short, argument=Argument.REQUIRED, metavar=metavar, note=note, aliases=aliases)


def _no_effect(name: str, short: str = "", note: str = _ONE_CLUSTER) -> Option:
    return Option(name=name, short=short, local=Effect.IGNORED, dstack=Effect.IGNORED, note=note)


def _refused(name: str, short: str, note: str, argument: Argument = Argument.NONE) -> Option:
    return Option(name=name, short=short, argument=argument, local=Effect.REFUSED, dstack=Effect.REFUSED, note=note)


OPTIONS = (
    Option(name="allusers", short="a"),
    _taking("accounts", "A", "account_list"),
    Option(name="brief", short="b"),
    Option(name="batch-script", short="B"),
    _refused("completion", "c", "there is no job completion log, as in Slurm without one"),
    _taking("delimiter", metavar="characters"),
    Option(name="duplicates", short="D"),
    Option(name="helpformat", short="e"),
    _taking("endtime", "E", "end_time"),
    Option(name="env-vars"),
    _no_effect("federation"),
    _taking("flags", "F", "flag_list"),
    _refused("file", "f", "there is no accounting file to read", Argument.REQUIRED),
    _taking("group", "g", "gid_or_group_list", aliases=("gid",)),
    Option(name="help", short="h"),
    _taking("nnodes", "i", "min[-max]"),
    _taking("ncpus", "I", "min[-max]"),
    _taking("jobs", "j", "job[.step]"),
    dump_option("json"),
    _taking("timelimit-min", "k", "limit"),
    _taking("timelimit-max", "K", "limit"),
    _no_effect("local"),
    Option(name="long", short="l"),
    _no_effect("allclusters", "L"),
    _taking("clusters", "M", "cluster_list", aliases=("cluster",)),
    Option(name="noheader", short="n"),
    _no_effect("noconvert", note="sizes of memory are in the largest unit that fits, as in Slurm"),
    _taking("nodelist", "N", "node_list"),
    _taking("name", metavar="jobname_list"),
    _taking("format", "o", "fields", aliases=("fields",)),
    Option(name="parsable", short="p"),
    Option(name="parsable2", short="P"),
    _taking("qos", "q", "qos_list"),
    _taking("partition", "r", "part_list"),
    _taking("reason", metavar="reason_list"),
    _taking("state", "s", "state_list"),
    _taking("starttime", "S", "start_time"),
    Option(name="truncate", short="T"),
    _taking("user", "u", "uid_or_user_list", aliases=("uid",)),
    _taking("units", metavar="KMGTP"),
    Option(name="usage"),
    _no_effect("use-local-uid", note="users are those of this machine anyway"),
    Option(name="verbose", short="v"),
    Option(name="version", short="V"),
    _taking("wckeys", "W", "wckey_list"),
    Option(name="whole-hetjob", argument=Argument.OPTIONAL, metavar="yes|no"),
    _taking("associations", "x", "assoc_list"),
    Option(name="allocations", short="X"),
    dump_option("yaml"),
)

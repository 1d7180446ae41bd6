"""The options of sstat, sprio, sshare, sacctmgr, sdiag, sattach, sbcast and strigger (their man pages, OPTIONS)."""

from shim.options.option import Argument, Effect, Option

_ONE_CLUSTER = "there is one cluster and no federation"


def _taking(
    name: str, short: str = "", metavar: str = "", note: str = "", effect: Effect = Effect.HONOURED,
    aliases: tuple[str, ...] = (),
) -> Option:  # fmt: skip
    return Option(
        name=name, short=short, argument=Argument.REQUIRED, metavar=metavar, aliases=aliases, local=effect,
        dstack=effect, note=note,
    )  # fmt: skip


def _refused(name: str, short: str, note: str, argument: Argument = Argument.NONE, metavar: str = "") -> Option:
    return Option(
        name=name,
        short=short,
        argument=argument,
        metavar=metavar,
        local=Effect.REFUSED,
        dstack=Effect.REFUSED,
        note=note,
    )


def _no_effect(name: str, short: str = "", note: str = _ONE_CLUSTER) -> Option:
    return Option(name=name, short=short, local=Effect.IGNORED, dstack=Effect.IGNORED, note=note)


_CLUSTERS = _taking("clusters", "M", "names", _ONE_CLUSTER, aliases=("cluster",))
_HELP = (Option(name="help"), Option(name="usage"))
_VERSION = Option(name="version", short="V")
_VERBOSE = _no_effect("verbose", "v", "there is nothing more to tell")

SSTAT = (
    Option(name="allsteps", short="a"),
    Option(name="helpformat", short="e"),
    Option(name="help", short="h"),
    Option(name="pidformat", short="i"),
    _taking("jobs", "j", "job[.step]"),
    Option(name="noheader", short="n"),
    _no_effect("noconvert", note="sizes of memory are in kilobytes anyway"),
    _taking("format", "o", "fields", aliases=("fields",)),
    Option(name="parsable", short="p"),
    Option(name="parsable2", short="P"),
    Option(name="usage"),
    _VERBOSE,
    _VERSION,
)

SPRIO = (
    _no_effect("federation"),
    Option(name="noheader", short="h"),
    _taking("jobs", "j", "job_id_list"),
    _no_effect("local"),
    Option(name="long", short="l"),
    _CLUSTERS,
    Option(name="norm", short="n"),
    _taking("format", "o", "format"),
    _no_effect("sibling"),
    _taking("partition", "p", "partition_list"),
    _taking("sort", "S", "fields"),
    _taking("user", "u", "user_list", aliases=("users",)),
    _VERBOSE,
    _VERSION,
    Option(name="weights", short="w"),
    *_HELP,
)

SSHARE = (
    Option(name="all", short="a"),
    _taking("accounts", "A", "account_list"),
    Option(name="helpformat", short="e"),
    Option(name="noheader", short="n"),
    Option(short="h", note="as --noheader"),
    Option(name="long", short="l"),
    Option(name="partition", short="m"),
    _CLUSTERS,
    _taking("format", "o", "fields"),
    Option(name="parsable", short="p"),
    Option(name="parsable2", short="P"),
    _taking("users", "u", "user_list", aliases=("uid", "user")),
    Option(name="Users", short="U"),
    _VERBOSE,
    _VERSION,
    *_HELP,
)

SACCTMGR = (
    Option(name="help", short="h"),
    Option(name="immediate", short="i", note="there is nothing to commit", local=Effect.IGNORED, dstack=Effect.IGNORED),
    Option(name="noheader", short="n"),
    _no_effect("oneliner", "o", "each record is one line anyway"),
    Option(name="parsable", short="p"),
    Option(name="parsable2", short="P"),
    _no_effect("quiet", "Q", "there is nothing to be quiet about"),
    _no_effect("readonly", "r", "nothing can be changed"),
    Option(name="associations", short="s"),
    Option(name="usage"),
    _VERBOSE,
    _VERSION,
)

SDIAG = (
    Option(name="all", short="a", note="as without it", local=Effect.IGNORED, dstack=Effect.IGNORED),
    _CLUSTERS,
    _refused("reset", "r", "the counts are those of the job table"),
    _no_effect("sort-by-id", "i", "calls are not counted"),
    _no_effect("sort-by-time", "t", "calls are not counted"),
    _no_effect("sort-by-time2", "T", "calls are not counted"),
    _VERSION,
    Option(name="help", short="h"),
    Option(name="usage"),
)

_NO_ATTACHING = "only --layout is answered"

SATTACH = (
    *(
        _taking(f"{stream}-filter", "", "task", _NO_ATTACHING, Effect.IGNORED)
        for stream in ("input", "output", "error")
    ),
    _no_effect("label", "l", _NO_ATTACHING),
    Option(name="layout"),
    _no_effect("quiet", "Q", _NO_ATTACHING),
    _VERBOSE,
    _VERSION,
    Option(name="help", short="h"),
    Option(name="usage", short="u"),
)

SBCAST = (
    Option(name="compress", short="C", argument=Argument.OPTIONAL, metavar="library", local=Effect.IGNORED,
           dstack=Effect.REFUSED, note="files do not travel"),
    _taking("exclude", "", "path_list", "shared libraries are not sent", Effect.IGNORED),
    Option(name="force", short="f"),
    _taking("fanout", "F", "num", "files do not travel", Effect.IGNORED),
    _taking("jobid", "j", "jobid[+offset][.step]"),
    _refused("send-libs", "", "shared libraries are not sent", Argument.OPTIONAL, "yes|no"),
    Option(name="preserve", short="p"),
    _taking("size", "s", "size", "files do not travel", Effect.IGNORED),
    _taking("timeout", "t", "seconds", "files do not travel", Effect.IGNORED),
    _VERBOSE,
    _VERSION,
    *_HELP,
)  # fmt: skip

_NO_TRIGGERS = "there are no triggers"

STRIGGER = (
    _refused("set", "", _NO_TRIGGERS),
    Option(name="get", note=_NO_TRIGGERS),
    _refused("clear", "", _NO_TRIGGERS),
    *(
        _no_effect(name, short, _NO_TRIGGERS)
        for name, short in (
            ("down", "d"), ("drained", "D"), ("fail", "F"), ("fini", "f"), ("idle", "I"), ("noheader", "N"),
            ("quiet", "Q"), ("reconfig", "r"), ("time", "t"), ("up", "u"),
        )
    ),
    *(
        _taking(name, short, metavar, _NO_TRIGGERS, Effect.IGNORED)
        for name, short, metavar in (
            ("clusters", "M", "names"), ("flags", "", "flag"), ("id", "i", "id"), ("jobid", "j", "id"),
            ("offset", "o", "seconds"), ("program", "p", "path"), ("user", "", "user_name_or_id"),
        )
    ),
    Option(
        name="node", short="n", argument=Argument.OPTIONAL, metavar="host", local=Effect.IGNORED,
        dstack=Effect.IGNORED, note=_NO_TRIGGERS,
    ),
    _VERBOSE,
    _VERSION,
    *_HELP,
)  # fmt: skip

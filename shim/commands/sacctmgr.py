"""sacctmgr: ``show`` and ``list`` of what accounting there is; nothing of it can be changed (sacctmgr man page)."""

from collections.abc import Callable
from dataclasses import dataclass

from shim.commands.arguments import Arguments, read_arguments, refuse
from shim.commands.associations import QOS, ROOT, association
from shim.commands.call import Call, Exit
from shim.commands.display.printfields import PrintField, UnknownField, delimited, in_columns, print_columns
from shim.commands.display.version import version_line
from shim.commands.help import help_text
from shim.options.accounting import SACCTMGR

Row = dict[str, str]
"""A record by the names of its fields in lower case."""


def _field(heading: str, width: int, name: str = "") -> PrintField[Row]:
    key = name or heading.lower()
    return PrintField(heading, width, lambda row: row.get(key, ""))


_LIMITS = {
    "grpjobs": _field("GrpJobs", 7),
    "grptres": _field("GrpTRES", 13),
    "grpsubmit": _field("GrpSubmit", 9),
    "grpwall": _field("GrpWall", 11),
    "grptresmins": _field("GrpTRESMins", 13),
    "maxjobs": _field("MaxJobs", 7),
    "maxtres": _field("MaxTRES", 13),
    "maxtrespernode": _field("MaxTRESPerNode", 14),
    "maxsubmit": _field("MaxSubmit", 9),
    "maxwall": _field("MaxWall", 11),
    "maxtresmins": _field("MaxTRESMins", 13),
    "maxnodes": _field("MaxNodes", 8),
    "maxcpus": _field("MaxCPUs", 8),
    "maxcpumins": _field("MaxCPUMins", 11),
}
_ASSOCIATION = {
    "cluster": _field("Cluster", 10),
    "account": _field("Account", 10),
    "user": _field("User", 10),
    "partition": _field("Partition", 10),
    "share": _field("Share", 9),
    "fairshare": _field("Share", 9),
    "priority": _field("Priority", 10),
    **_LIMITS,
    "qos": _field("QOS", 20),
    "defaultqos": _field("Def QOS", 9),
    "grptresrunmins": _field("GrpTRESRunMin", 13),
    "id": _field("ID", 6),
    "parentname": _field("Par Name", 10, "parent"),
}
_ASSOCIATION_DEFAULT = (
    "cluster,account,user,partition,share,priority,grpjobs,grptres,grpsubmit,grpwall,grptresmins,maxjobs,maxtres,"
    "maxtrespernode,maxsubmit,maxwall,maxtresmins,qos,defaultqos,grptresrunmins"
)


@dataclass(frozen=True)
class Entity:
    """Something that can be listed: the fields it has, those shown by default, and where its records come from."""

    name: str
    least: int
    fields: dict[str, PrintField[Row]]
    default: str
    rows: Callable[[Call], list[Row]]
    with_associations: str = ""  # the fields shown with -s or WithAssoc

    def field(self, name: str) -> PrintField[Row] | None:
        """A field by its name, of which the beginning is enough."""
        return self.fields.get(name) or next((f for key, f in self.fields.items() if key.startswith(name)), None)


def _associations(call: Call) -> list[Row]:
    own = association(call.queue)
    every = {"cluster": own.cluster, "share": "1", "qos": QOS}
    return [
        {**every, "account": ROOT, "id": "1"},
        {**every, "account": own.account, "parent": ROOT, "id": "2"},
        _user_association(call),
    ]


def _user_association(call: Call) -> Row:
    own = association(call.queue)
    return {
        "cluster": own.cluster, "account": own.account, "user": own.user, "share": "1", "qos": QOS, "id": "3",
        "defaultaccount": own.account, "adminlevel": "Administrator",
    }  # fmt: skip


def _accounts(call: Call) -> list[Row]:
    own = association(call.queue)
    names = dict.fromkeys((own.account, ROOT))
    return [{"account": name, "description": name, "organization": name} for name in names]


def _clusters(call: Call) -> list[Row]:
    return [{
        "cluster": association(call.queue).cluster, "controlhost": "127.0.0.1", "controlport": "0", "rpc": "9728",
        "share": "1", "qos": QOS,
    }]  # fmt: skip


def _qos(_: Call) -> list[Row]:
    every = {"priority": "0", "gracetime": "00:00:00", "preemptmode": "cluster", "usagefactor": "1.000000"}
    return [{"name": QOS, **every}]


def _tres(call: Call) -> list[Row]:
    """The resources that are tracked, with the numbers Slurm gives them."""
    names = ["cpu", "mem", "energy", "node", "billing", "fs/disk", "vmem", "pages"]
    rows = [(name, number) for number, name in enumerate(names, 1)]
    gres = dict.fromkeys(name for node in call.queue.nodes for name in node.gres)
    kinds = dict.fromkeys(kind for node in call.queue.nodes for kind in node.gpu_types)
    gpus = ["gpu", *(f"gpu:{kind}" for kind in kinds if kind)] if kinds else []
    rows += [(f"gres/{name}", number) for number, name in enumerate([*gpus, *gres], 1001)]
    return [
        {"type": text.partition("/")[0], "name": text.partition("/")[2], "id": str(number)} for text, number in rows
    ]


ENTITIES = (
    Entity(
        "account", 3,
        {"account": _field("Account", 10), "description": _field("Descr", 20, "description"),
         "organization": _field("Org", 20, "organization")},
        "account,description,organization", _accounts,
    ),
    Entity("association", 2, _ASSOCIATION, _ASSOCIATION_DEFAULT, _associations),
    Entity(
        "cluster", 2,
        {"cluster": _field("Cluster", 10), "controlhost": _field("ControlHost", 15),
         "controlport": _field("ControlPort", 12), "rpc": _field("RPC", 5), "share": _field("Share", 9), **_LIMITS,
         "qos": _field("QOS", 20), "defaultqos": _field("Def QOS", 9)},
        "cluster,controlhost,controlport,rpc,share,grpjobs,grptres,grpsubmit,maxjobs,maxtres,maxsubmit,maxwall,qos,"
        "defaultqos", _clusters,
    ),
    Entity(
        "qos", 1,
        {"name": _field("Name", 10), "priority": _field("Priority", 10), "gracetime": _field("GraceTime", 10),
         "preempt": _field("Preempt", 10), "preemptexempttime": _field("PreemptExemptTime", 19),
         "preemptmode": _field("PreemptMode", 11), "flags": _field("Flags", 40),
         "usagethreshold": _field("UsageThres", 10), "usagefactor": _field("UsageFactor", 11),
         "grptres": _field("GrpTRES", 13), "grptresmins": _field("GrpTRESMins", 13),
         "grptresrunmins": _field("GrpTRESRunMin", 13), "grpjobs": _field("GrpJobs", 7),
         "grpsubmit": _field("GrpSubmit", 9), "grpwall": _field("GrpWall", 11), "maxtres": _field("MaxTRES", 13),
         "maxtrespernode": _field("MaxTRESPerNode", 14), "maxtresmins": _field("MaxTRESMins", 13),
         "maxwall": _field("MaxWall", 11), "maxtrespu": _field("MaxTRESPU", 13), "maxjobspu": _field("MaxJobsPU", 9),
         "maxsubmitpu": _field("MaxSubmitPU", 11), "maxtrespa": _field("MaxTRESPA", 13),
         "maxjobspa": _field("MaxJobsPA", 9), "maxsubmitpa": _field("MaxSubmitPA", 11),
         "mintres": _field("MinTRES", 13)},
        "name,priority,gracetime,preempt,preemptexempttime,preemptmode,flags,usagethreshold,usagefactor,grptres,"
        "grptresmins,grptresrunmins,grpjobs,grpsubmit,grpwall,maxtres,maxtrespernode,maxtresmins,maxwall,maxtrespu,"
        "maxjobspu,maxsubmitpu,maxtrespa,maxjobspa,maxsubmitpa,mintres", _qos,
    ),
    Entity(
        "tres", 2, {"type": _field("Type", 8), "name": _field("Name", 15), "id": _field("ID", 6)}, "type,name,id",
        _tres,
    ),
    Entity(
        "user", 1,
        {"user": _field("User", 10), "defaultaccount": _field("Def Acct", 10, "defaultaccount"),
         "adminlevel": _field("Admin", 9, "adminlevel"), **_ASSOCIATION},
        "user,defaultaccount,adminlevel", lambda call: [_user_association(call)],
        "user,defaultaccount,adminlevel,cluster,account,partition,share,priority,maxjobs,maxnodes,maxcpus,maxsubmit,"
        "maxwall,maxcpumins,qos,defaultqos",
    ),
)  # fmt: skip
_CHANGES = ("add", "archive", "clear", "create", "delete", "dump", "load", "modify", "reconfigure", "remove",
            "shutdown")  # fmt: skip
_OTHERS = ("configuration", "events", "federations", "problems", "resources", "reservations", "runawayjobs", "stats",
           "transactions", "wckeys")  # fmt: skip


async def run(call: Call) -> int:
    """Run one call of sacctmgr."""
    try:
        arguments = read_arguments(call, SACCTMGR)
        _perform(call, arguments)
    except Exit as end:
        return end.code
    return 0


def _perform(call: Call, arguments: Arguments) -> None:
    if not arguments.operands:
        raise refuse(call, "a prompt")
    verb, *words = arguments.operands
    lower = verb.lower()
    if lower == "help":
        call.out(help_text("sacctmgr"))
    elif lower == "version":
        call.out(version_line(call.queue.config) + "\n")
    elif lower in {"show", "list"}:
        _list(call, arguments, words)
    elif any(word.startswith(lower) for word in _CHANGES):
        raise refuse(call, "changing the accounting database")
    else:
        call.err(f"invalid keyword: {verb}")
        raise Exit(1)


def _list(call: Call, arguments: Arguments, words: list[str]) -> None:
    name, *conditions = words or [""]
    lower = name.lower()
    entity = next(
        (e for e in ENTITIES if len(lower) >= e.least and (e.name.startswith(lower) or lower == f"{e.name}s")), None
    )
    if entity is None:
        if lower and any(other.startswith(lower) for other in _OTHERS):
            raise refuse(call, f"listing {lower}")
        call.err(
            'No valid entity in list command\nInput line must include "Account", "Association", "Cluster", '
            '"Configuration",\n"Event", "Federation", "Problem", "QOS", "Resource", "Reservation",\n"RunAwayJobs", '
            '"Stats", "Transaction", "TRES", "User", or "WCKey"'
        )
        raise Exit(1)
    text, rows = entity.default, entity.rows(call)
    if entity.with_associations:
        if "associations" in arguments.flags or "withassoc" in map(str.lower, conditions):
            text = entity.with_associations
        else:  # only the record itself then, whatever fields are asked for
            rows = [{key: row[key] for key in entity.default.split(",") if key in row} for row in rows]
    for condition in conditions:
        key, equals, value = condition.partition("=")
        if key.lower() == "format":
            text = value
        elif equals or key.lower() not in {"where", "withassoc", "set"}:
            rows = _matching(call, entity, rows, key, value if equals else None)
    _print(call, arguments, entity, text, rows)


def _matching(call: Call, entity: Entity, rows: list[Row], key: str, value: str | None) -> list[Row]:
    """The rows that a condition lets through: ``user=alice,bob``, or a name alone."""
    first = next(iter(entity.fields))
    name = first if value is None else key.lower().rstrip("s")
    names = {"name": first, "accounts": "account"}
    name = names.get(name, name)
    known = next((field for field in entity.fields if field.startswith(name)), None)
    if known is None:
        call.err(f" Unknown condition: {key}={value}\n Use keyword 'set' to modify value")
        raise Exit(1)
    wanted = (key if value is None else value).split(",")
    return [row for row in rows if row.get(known, "") in wanted]


def _print(call: Call, arguments: Arguments, entity: Entity, text: str, rows: list[Row]) -> None:
    try:
        columns = print_columns(text, (), entity.field)
    except UnknownField as error:
        call.err(f"Unknown field '{error}'")
        raise Exit(1) from None
    header = "noheader" not in arguments.flags
    if arguments.flags & {"parsable", "parsable2"}:
        call.out(delimited(columns, rows, header=header, last="parsable2" not in arguments.flags))
    else:
        call.out(in_columns(columns, rows, header=header))

"""sshare: shares and usage of the account and its user (sshare man page)."""

from dataclasses import dataclass

from shim.commands.arguments import Arguments, read_arguments
from shim.commands.associations import ROOT, association
from shim.commands.call import Call, Exit
from shim.commands.display.clusters import own_cluster
from shim.commands.display.printfields import (
    PrintField,
    UnknownField,
    delimited,
    in_columns,
    names_in_lines,
    print_columns,
    shortened,
)
from shim.options.accounting import SSHARE


@dataclass(frozen=True)
class Row:
    """One association: an account, or with ``user`` a user of it. ``usage`` in CPU seconds."""

    cluster: str
    account: str
    user: str
    depth: int
    number: int
    usage: int

    @property
    def is_root(self) -> bool:
        """True for the account above all others, which has no share of anything."""
        return self.account == ROOT and not self.user

    @property
    def effective(self) -> float:
        """Its part of all usage: there is nobody else."""
        return 1.0 if self.usage or self.is_root else 0.0


FIELDS: tuple[PrintField[Row], ...] = (
    PrintField("Account", 20, lambda row: " " * row.depth + row.account, left=True),
    PrintField("Cluster", 10, lambda row: row.cluster),
    PrintField("EffectvUsage", 13, lambda row: f"{row.effective:.6f}"),
    PrintField("FairShare", 10, lambda row: "1.000000" if row.user else ""),
    PrintField("GrpTRESMins", 30, lambda _: ""),
    PrintField("GrpTRESRaw", 30, lambda row: f"cpu={row.usage // 60}"),
    PrintField("ID", 6, lambda row: row.number),
    PrintField("LevelFS", 10, lambda row: ("1.000000" if row.usage else "inf") if not row.is_root else ""),
    PrintField("NormShares", 11, lambda row: "1.000000" if not row.is_root else "0.000000"),
    PrintField("NormUsage", 11, lambda row: f"{row.effective:.6f}" if not row.is_root else ""),
    PrintField("Partition", 12, lambda _: ""),
    PrintField("RawShares", 10, lambda row: "1" if not row.is_root else ""),
    PrintField("RawUsage", 11, lambda row: row.usage),
    PrintField("TRESRunMins", 30, lambda _: ""),
    PrintField("User", 10, lambda row: row.user),
)
"""In the order of ``--helpformat``."""

_DEFAULT = "account,user,rawshares,normshares,rawusage,effectvusage,fairshare"
_LONG = "account,user,rawshares,normshares,rawusage,normusage,effectvusage,fairshare,levelfs,grptresmins,tresrunmins"


async def run(call: Call) -> int:
    """Run one call of sshare."""
    try:
        arguments = read_arguments(call, SSHARE)
        if "helpformat" in arguments.flags:
            call.out(names_in_lines([field.name for field in FIELDS], width=17))
            return 0
        clusters = arguments.given.get("clusters")
        if clusters and not own_cluster(call, clusters, no_header=True):
            return 1
        _report(call, arguments)
    except Exit as end:
        return end.code
    return 0


def _report(call: Call, arguments: Arguments) -> None:
    flags = arguments.flags
    text = arguments.given.get("format", _LONG if "long" in flags else _DEFAULT)
    if "partition" in flags and "format" not in arguments.given:
        text = text.replace("user,", "user,partition,", 1)
    try:
        columns = print_columns(text, FIELDS, lambda name: shortened(name, FIELDS))
    except UnknownField as error:
        call.error(f'Invalid field requested: "{error}"')
        raise Exit(1) from None
    header = not flags & {"noheader", "h"}
    rows = _rows(call, arguments)
    if flags & {"parsable", "parsable2"}:
        call.out(delimited(columns, rows, header=header, last="parsable2" not in flags))
    else:
        call.out(in_columns(columns, rows, header=header))


def _rows(call: Call, arguments: Arguments) -> list[Row]:
    """The root account, the account, and its user; with --accounts from there, with --Users the user alone."""
    own = association(call.queue)
    usage = int(call.queue.table.cpu_seconds())
    accounts = arguments.words("accounts")
    if accounts is not None and own.account not in accounts:
        return []
    root = [] if accounts is not None else [Row(own.cluster, ROOT, "", 0, 1, usage)]
    below = len(root)
    account = Row(own.cluster, own.account, "", below, 2, usage)
    rows = [*root, account]
    users = arguments.words("users")
    wanted = users is None or own.user in users or str(own.user_id) in users
    user = Row(own.cluster, own.account, own.user, below + 1, 3, usage)
    if "Users" in arguments.flags:
        return [Row(own.cluster, own.account, own.user, 0, 3, usage)] if wanted else []
    return [*rows, user] if wanted else rows

"""``scontrol show``: the entities it knows and how each is found (scontrol man page, show)."""

import getpass
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from shim.commands.display.nodes import NodeView
from shim.commands.display.times import TimeFormat
from shim.commands.scontrol import hostlists
from shim.commands.scontrol.session import Session
from shim.commands.scontrol.show_config import show_config
from shim.commands.scontrol.show_jobs import show_jobs, show_steps
from shim.commands.scontrol.show_node import ShownNode, show_node
from shim.commands.scontrol.show_partition import ShownPartition, show_partition
from shim.grammar.errors import GrammarError
from shim.grammar.hostlist import expand_hostlist
from shim.grammar.timelimit import format_dhms
from shim.job.states import State

Shower = Callable[[Session, str | None], None]


@dataclass(frozen=True)
class Entity:
    """Something that ``show`` shows; ``least`` letters of its name are enough."""

    name: str
    least: int
    show: Shower
    empty_id: bool = True  # an empty id means: all of them


def show(session: Session, words: list[str]) -> None:
    """``show <entity> [<id>]``, also written ``show <entity>=<id>``."""
    word, equals, after = words[0].partition("=")
    wanted = after if equals else words[1] if len(words) > 1 else None
    lower = word.lower()
    entity = next((e for e in ENTITIES if e.name.startswith(lower) and len(lower) >= e.least), None)
    if entity is None:
        session.fail(f"invalid entity:{word} for keyword:show ")
        return
    entity.show(session, wanted if wanted or not entity.empty_id else None)


# -- nodes and partitions ----------------------------------------------------------------------------------------------


def _show_nodes(session: Session, text: str | None) -> None:
    views = [NodeView(node) for node in session.queue.nodes]
    session.tell_records(len(views))
    if text is not None:
        by_name = {view.name: view for view in views}
        views = []
        for name in _node_names(session, text):
            if name in by_name:
                views.append(by_name[name])
            else:
                session.exit_code = 1
                session.out(f"Node {name} not found\n")
    elif not views:
        session.out("No nodes in the system\n")
    session.out("".join(show_node(shown) for shown in _shown_nodes(session, views)))


def _shown_nodes(session: Session, views: list[NodeView]) -> Iterator[ShownNode]:
    time, queue = TimeFormat(session.call.env), session.queue
    busy = _last_busy(session)
    for view in views:
        yield ShownNode(
            view=view,
            time=time,
            version=queue.config.version,
            started=queue.begun,
            last_busy=busy.get(view.name, queue.begun),
            owner=getpass.getuser(),
            details=session.details,
            oneliner=session.oneliner,
        )


def _last_busy(session: Session) -> dict[str, float]:
    """When a job last held something of each node, as far as jobs are remembered."""
    now = session.queue.now()
    busy: dict[str, float] = {}
    for job in session.queue.jobs.values():
        for share in job.shares:
            until = now if job.state.active else job.end_time
            busy[share.node] = max(busy.get(share.node, 0), until)
    return busy


def _node_names(session: Session, text: str) -> tuple[str, ...]:
    try:
        return expand_hostlist(text)
    except GrammarError:
        session.fail(f"slurm_load_node error: Invalid node name specified: {text}")
        return ()


def _show_partitions(session: Session, name: str | None) -> None:
    queue = session.queue
    session.tell_records(len(queue.partitions))
    partitions = [p for p in queue.partitions.values() if name in (None, p.name)]
    if name is not None and not partitions:
        session.exit_code = 1
        session.out(f"Partition {name} not found\n")
    elif not partitions:
        session.out("No partitions in the system\n")
    for partition in partitions:
        nodes = [NodeView(node) for node in queue.nodes if partition.name in node.partitions]
        session.out(show_partition(ShownPartition(partition, nodes, session.oneliner)))


def show_completing(session: Session, _words: list[str]) -> None:
    """``completing``: jobs that are ending, and the nodes they still hold."""
    time = TimeFormat(session.call.env)
    for job in sorted(session.queue.running, key=lambda job: job.job_id):
        if job.state is State.COMPLETING:
            session.out(
                f"JobId={job.display_id} EndTime={time(job.end_time)} CompletingTime="
                f"{format_dhms(int(session.queue.now() - job.end_time) if job.end_time else 0)} "
                f"Nodes(COMPLETING)={job.node_list} \n"
            )


# -- what there is none of ---------------------------------------------------------------------------------------------


def _no_associations(session: Session, _text: str | None) -> None:
    session.fail("scontrol: error: showing assoc_mgr is not supported by this controller")


def _none(session: Session, _text: str | None) -> None:
    """Real Slurm prints nothing for these where none are configured."""


def _no_licenses(session: Session, _text: str | None) -> None:
    session.out("No licenses configured in Slurm.\n")


def _no_reservations(session: Session, name: str | None) -> None:
    session.tell_records(0)
    if name is None:
        session.out("No reservations in the system\n")
    else:
        session.exit_code = 1
        session.out(f"Reservation {name} not found\n")


def _no_topology(session: Session, _text: str | None) -> None:
    session.call.error("No topology information available")


def _no_frontend(session: Session, _text: str | None) -> None:
    session.out("No nodes in the system\n")


def _aliases(session: Session, text: str | None) -> None:
    if text is None:
        session.out(" ".join(node.name for node in session.queue.nodes) + "\n")


def _daemons(session: Session, _text: str | None) -> None:
    session.out("slurmctld slurmd\n")


ENTITIES = (
    Entity("aliases", 1, _aliases),
    Entity("assoc_mgr", 2, _no_associations),
    Entity("bbstat", 2, _none),
    Entity("burstbuffer", 2, _none),
    Entity("config", 1, show_config),
    Entity("daemons", 1, _daemons),
    Entity("dwstat", 2, _none),
    Entity("federation", 1, _none),
    Entity("frontend", 2, _no_frontend),
    Entity("hostnames", 5, hostlists.show_hostnames, empty_id=False),
    Entity("hostlist", 5, partial(hostlists.show_hostlist, sort=False), empty_id=False),
    Entity("hostlistsorted", 9, partial(hostlists.show_hostlist, sort=True), empty_id=False),
    Entity("jobs", 1, show_jobs),
    Entity("jobid", 4, show_jobs),
    Entity("licenses", 2, _no_licenses),
    Entity("nodes", 1, _show_nodes),
    Entity("partitions", 2, _show_partitions),
    Entity("partitionname", 10, _show_partitions),
    Entity("reservations", 1, _no_reservations),
    Entity("reservationname", 12, _no_reservations),
    Entity("steps", 2, show_steps),
    Entity("topology", 1, _no_topology),
)
"""In the order in which abbreviations are looked up."""

"""What is checked of the words of a request, when a job is submitted and when it is changed."""

from typing import TYPE_CHECKING

from shim.grammar.constraint import parse_constraint
from shim.grammar.errors import GrammarError
from shim.grammar.hostlist import expand_hostlist
from shim.job.errors import Errno, SlurmError
from shim.job.request import Request
from shim.scheduler.placement import features_named

if TYPE_CHECKING:
    from shim.controller.queue import Queue

WORD_LIMIT = 1024
"""Characters that slurmctld takes for most texts of a job."""
DEPENDENCY_LIMIT = 128 * 1024
PATH_LIMIT = 4096
_LIMITS = {
    "account": WORD_LIMIT,
    "comment": WORD_LIMIT,
    "constraint": WORD_LIMIT,
    "dependency": DEPENDENCY_LIMIT,
    "job_name": WORD_LIMIT,
    "mail_user": WORD_LIMIT,
    "licenses": WORD_LIMIT,
    "partition": WORD_LIMIT,
    "qos": WORD_LIMIT,
    "reservation": WORD_LIMIT,
    "wckey": WORD_LIMIT,
    "std_out": PATH_LIMIT,
    "std_err": PATH_LIMIT,
    "std_in": PATH_LIMIT,
    "work_dir": PATH_LIMIT,
}


def check_lengths(request: Request) -> None:
    """No text may be longer than slurmctld takes it. Raises SlurmError."""
    for name, limit in _LIMITS.items():
        if len(getattr(request, name)) > limit:
            raise SlurmError(Errno.PATHNAME_TOO_LONG)


def check_names(queue: "Queue", request: Request) -> None:
    """Nodes, features, licenses and reservations must exist. Raises SlurmError."""
    wanted, unwanted = _hosts(request.nodelist), _hosts(request.exclude)
    if wanted & unwanted or not {node.name for node in queue.nodes} >= wanted | unwanted:
        raise SlurmError(Errno.INVALID_NODE_NAME)
    if request.reservation:
        raise SlurmError(Errno.RESERVATION_INVALID)
    if request.licenses:
        raise SlurmError(Errno.INVALID_LICENSES)
    if not _known_features(queue, request.constraint):
        raise SlurmError(Errno.INVALID_FEATURE)
    if not _known_features(queue, request.prefer):
        raise SlurmError(Errno.INVALID_FEATURE, text="Invalid preferred feature specification")


def _hosts(text: str) -> set[str]:
    try:
        return set(expand_hostlist(text)) if text else set()
    except GrammarError as error:
        raise SlurmError(Errno.INVALID_NODE_NAME) from error


def _known_features(queue: "Queue", constraint: str) -> bool:
    try:
        features = features_named(parse_constraint(constraint)) if constraint else frozenset()
    except GrammarError:
        return False
    return features <= {feature for node in queue.nodes for feature in node.base.features}

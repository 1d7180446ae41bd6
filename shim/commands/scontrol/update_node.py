"""``scontrol update NodeName=…``: draining nodes, taking them down, and bringing them back."""

from shim.commands.scontrol.session import Session
from shim.commands.scontrol.specification import BadSpecification, pairs, unsupported
from shim.grammar.errors import GrammarError
from shim.grammar.hostlist import expand_hostlist
from shim.job.errors import Errno, SlurmError

_STATES = {"down": "DOWN", "drain": "DRAIN", "resume": "RESUME", "undrain": "UNDRAIN", "idle": "UNDRAIN"}
_NEED_REASON = {"DOWN", "DRAIN"}


def update_nodes(session: Session, words: list[str]) -> None:
    """Change State= and Reason= of nodes. Raises BadSpecification."""
    names, state, reason = "", "", ""
    for pair in pairs(words):
        key, value = pair.key.lower(), pair.value or ""
        if len(key) >= 3 and "nodename".startswith(key):
            names = value
        elif len(key) >= 3 and "state".startswith(key):
            state = _state(pair.written, value)
        elif len(key) >= 3 and "reason".startswith(key):
            reason = value.strip("\"'")
        else:
            raise unsupported(pair)
    if state in _NEED_REASON and not reason:
        raise BadSpecification("You must specify a reason when DOWNING or DRAINING a node. Request denied")
    try:
        known = {node.name: node for node in session.queue.nodes}
        nodes = known if names == "ALL" else expand_hostlist(names)
        if not set(nodes) <= set(known):
            raise SlurmError(Errno.INVALID_NODE_NAME)
        if not state and not reason:
            raise BadSpecification("No changes specified")
        if state == "RESUME" and not all(known[name].drained for name in nodes):
            raise SlurmError(Errno.INVALID_NODE_STATE)
        for name in nodes:
            session.queue.set_node_state(name, state or known[name].drained, reason)
    except GrammarError:
        session.refuse(SlurmError(Errno.INVALID_NODE_NAME), prefix="slurm_update error: ")
    except SlurmError as error:
        session.refuse(error, prefix="slurm_update error: ")


def _state(written: str, value: str) -> str:
    matches = [state for word, state in _STATES.items() if value and word.startswith(value.lower())]
    if not matches:
        raise BadSpecification(
            f"Invalid input: {written}",
            "Request aborted",
            "Valid states are: DOWN DRAIN IDLE RESUME UNDRAIN",
            "Not all states are valid given a node's prior state",
        )
    return matches[0]

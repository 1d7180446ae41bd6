"""What ``squeue -v`` says about its own settings before the report."""

from shim.commands.squeue.query import Query

RULE = "-" * 29


def dump(query: Query) -> str:
    """The settings as squeue lists them, lists item by item."""
    given = query.given
    text = {
        option: given.get(option, "(null)")
        for option in ("jobs", "licenses", "name", "partitions", "reservation", "sort", "states", "steps", "user")
    }
    lines = [
        RULE,
        f"all         = {_flag(query, 'all')}",
        f"array       = {_flag(query, 'array')}",
        f"federation  = {_flag(query, 'federation')}",
        f"format      = {query.format or '(null)'}",
        f"iterate     = {int(query.iterate)}",
        f"job_flag    = {int('jobs' in query.flags)}",
        f"jobs        = {text['jobs']}",
        f"licenses    = {text['licenses']}",
        f"local       = {_flag(query, 'local')}",
        f"names       = {text['name']}",
        f"nodes       = {given.get('node', '')}",
        f"partitions  = {text['partitions']}",
        f"priority    = {_flag(query, 'priority')}",
        f"reservation = {text['reservation']}",
        f"sibling      = {_flag(query, 'sib')}",
        f"sort        = {text['sort']}",
        f"start_flag  = {int('start' in query.flags)}",
        f"states      = {text['states']}",
        f"step_flag   = {int('steps' in query.flags)}",
        f"steps       = {text['steps']}",
        f"users       = {text['user']}",
        f"verbose     = {query.verbose}",
    ]
    if query.verbose > 1:
        lines += _lists(query)
    return "\n".join([*lines, RULE, "", "", ""])


def _flag(query: Query, option: str) -> str:
    if option == "local" and "cluster" in query.given:
        return "true"
    if option == "all" and "partitions" in query.given:
        return "true"
    return "true" if option in query.flags else "false"


def _lists(query: Query) -> list[str]:
    lines = [f"job_list[{index}] = {job}" for index, job in enumerate(query.jobs or ())]
    lines += [
        f"{label}[{index}] = {word}"
        for label, option in (("name_list", "name"), ("licenses_list", "licenses"), ("part_list", "partitions"))
        for index, word in enumerate(query.words(option) or ())
    ]
    if query.all_states:
        lines.append("state_list = all")
    elif query.states is not None:
        names = [state.word for state in query.states]
        lines += [f"state_list[{index}] = {name}" for index, name in enumerate(names)]
    lines += [f"step_list[{index}] = {step}.{step.step}+0" for index, step in enumerate(query.steps or ())]
    lines += [f"user_list[{index}] = {user}" for index, user in enumerate(query.users or ())]
    return lines

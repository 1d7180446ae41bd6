"""strigger: event triggers, of which there are none here (strigger man page)."""

from shim.commands.arguments import read_arguments, refuse
from shim.commands.call import Call, Exit
from shim.options.accounting import STRIGGER


async def run(call: Call) -> int:
    """Run one call of strigger: --get shows that there is none, --set is refused."""
    try:
        modes = read_arguments(call, STRIGGER).flags & {"set", "get", "clear"}
        if len(modes) != 1:
            call.error("You must use exactly one of the following options: --set, --get or --clear")
            return 1
        if "set" in modes:
            raise refuse(call, "setting a trigger")
        if "clear" in modes:
            call.err("slurm_clear_trigger: No such process")
            return 1
    except Exit as end:
        return end.code
    return 0

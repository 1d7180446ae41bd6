"""Values about CPUs and memory: distribution, hints, binding, frequencies (sbatch(1), -m, -B, --hint, --cpu-freq)."""

import re
from collections.abc import Mapping
from typing import Any

from shim.grammar.distribution import INVALID_PLANE, parse_distribution
from shim.grammar.errors import GrammarError
from shim.options.joboption import VALUE_ERROR, Complaint, Reading, Value
from shim.options.values import read_number, text


def _distribution(reading: Reading) -> Mapping[str, Any]:
    try:
        distribution = parse_distribution(reading.given)
    except GrammarError as error:
        before = (f"error: {INVALID_PLANE}",) if error.problem == INVALID_PLANE else ()
        raise reading.invalid(*before) from None
    shown = "plane" if distribution.plane else str(distribution)
    return {"distribution": shown, "plane_size": distribution.plane}


def _show_distribution(fields: Mapping[str, Any]) -> str:
    size = fields["plane_size"]
    return f"plane={size}" if size else str(fields["distribution"])


DISTRIBUTION = Value(_distribution, _show_distribution)

_HINT_HELP = """Application hint options:
    --hint=             Bind tasks according to application hints
        compute_bound   use all cores in each socket
        memory_bound    use only one core in each socket
        [no]multithread [don't] use extra threads with in-core multi-threading
        help            show this help message
"""

HINT = text("hint")


def check_hint(hint: str) -> bool:
    """Whether --hint asks for one thread on each core. Raises Complaint for words that are no hints."""
    words = hint.lower().split(",")
    for word in words:
        if word == "help":
            raise Complaint(code=VALUE_ERROR, output=_HINT_HELP)
        if word not in ("compute_bound", "memory_bound", "multithread", "nomultithread"):
            complaint = f'error: unrecognized --hint argument "{word}", see --hint=help'
            raise Complaint(complaint, code=VALUE_ERROR)
    return "nomultithread" in words


_PARTS = (("sockets_per_node", "first"), ("cores_per_socket", "second"), ("threads_per_core", "third"))


def _extra_node_info(reading: Reading) -> Mapping[str, Any]:
    """``sockets[:cores[:threads]]``; of a range the least counts, ``*`` and nothing leave a part open."""
    fields: dict[str, Any] = {"extra_node_info": True}
    tasks = None
    for (name, ordinal), part in zip(_PARTS, reading.given.split(":"), strict=False):
        number = part.partition("-")[0]
        if number in ("", "*"):
            continue
        fields[name] = _part(number, f"{ordinal} arg of -B")
        tasks = (1 if tasks is None else tasks) * fields[name]
    if tasks is not None and "ntasks" not in reading.fields:
        fields["implicit_ntasks"] = tasks
    return fields


def _part(text: str, where: str) -> int:
    if text == "0":  # taken as it is: it asks for no tasks at all
        return 0
    return read_number(text, where)


def _show_extra_node_info(fields: Mapping[str, Any]) -> str:
    shown = [f":{fields[name]}" for name, _ in _PARTS if fields.get(name) is not None]
    return "".join(shown).removeprefix(":" if "sockets_per_node" in fields else "") or "unset"


EXTRA_NODE_INFO = Value(_extra_node_info, _show_extra_node_info)

_MEM_BIND_HELP = """Memory bind options:
    --mem-bind=         Bind memory to locality domains (ldom)
        nosort          avoid sorting pages at startup
        sort            sort pages at startup
        q[uiet]         quietly bind before task runs (default)
        v[erbose]       verbosely report binding before task runs
        no[ne]          don't bind tasks to memory (default)
        rank            bind by task rank
        local           bind to memory local to processor
        map_mem:<list>  specify a memory binding for each task
                        where <list> is <cpuid1>,<cpuid2>,...<cpuidN>
        mask_mem:<list> specify a memory binding mask for each tasks
                        where <list> is <mask1>,<mask2>,...<maskN>
        help            show this help message
"""
_MEM_BIND_TYPES = {"no": "none", "none": "none", "rank": "rank", "local": "local"}


def _mem_bind(reading: Reading) -> Mapping[str, Any]:
    """Words separated by commas; a list after map_mem or mask_mem takes the rest (slurm_verify_mem_bind)."""
    words = re.split(r",(?![^:]*$)|,(?=[A-Za-z])", reading.given) if ":" in reading.given else reading.given.split(",")
    flags: dict[str, bool] = {}
    kind = ""
    for word in words:
        lower = word.lower()
        if lower == "help":
            raise Complaint(output=_MEM_BIND_HELP)
        if lower in ("q", "quiet", "nosort"):
            flags.pop("verbose" if lower[0] == "q" else "sort", None)
        elif lower in ("v", "verbose", "sort", "p", "prefer"):
            flags[{"v": "verbose", "p": "prefer"}.get(lower, lower)] = True
        elif lower in _MEM_BIND_TYPES:
            kind = _MEM_BIND_TYPES[lower]
        elif lower.startswith(("map_mem", "mask_mem")):
            kind = _mem_list(lower)
        else:
            raise Complaint(f'error: unrecognized --mem-bind argument "{word}"')
    shown = [flag for flag in ("verbose", "prefer", "sort") if flags.get(flag)] + ([kind] if kind else [])
    return {"mem_bind": ",".join(shown)}


def _mem_list(text: str) -> str:
    name, _, numbers = text.partition(":")
    if not numbers:
        raise Complaint(f'error: missing list for "--mem-bind={name}:<list>"')
    digits = "0123456789abcdef" if name == "mask_mem" else "0123456789"
    items = [item.removeprefix("0x") if name == "mask_mem" else item for item in numbers.split(",")]
    for item, given in zip(items, numbers.split(","), strict=True):
        offending = item.strip(digits)[:1]
        if offending:
            raise Complaint(f"error: Failed to validate number: {given}, the offending character is {offending}")
    return f"{name}:{','.join(items)}"


MEM_BIND = Value(_mem_bind, lambda fields: str(fields["mem_bind"] or "unset"))

_FREQUENCIES = ("low", "high", "highm1", "medium")
GOVERNORS = {"ondemand": "OnDemand", "performance": "Performance", "userspace": "UserSpace"}
_OTHER_GOVERNORS = ("conservative", "powersave", "schedutil")


def _cpu_freq(reading: Reading) -> Mapping[str, Any]:
    """``min[-max[:governor]]`` or a governor alone (cpu_freq_verify_cmdline)."""
    speeds, colon, governor = reading.given.partition(":")
    low, dash, high = speeds.partition("-")
    if low.lower() in (*GOVERNORS, *_OTHER_GOVERNORS):
        if colon:
            raise _cpu_freq_error(f"governor cannot be specified twice {low}{{-}}:{governor} in --cpu-freq")
        return {"cpu_freq": _governor(low)}
    shown = _speed(low)
    if dash:
        shown += f"-{_speed(high)}"
        if _rank(high) <= _rank(low):
            raise _cpu_freq_error(f"min cpu-frec ({low}) must be < max cpu-freq ({high})")
    if colon:
        if not dash:
            raise _cpu_freq_error(f"gov on cpu-frec ({governor}) illegal without max")
        shown += f":{_governor(governor)}"
    return {"cpu_freq": shown}


def _cpu_freq_error(line: str) -> Complaint:
    return Complaint(f"error: {line}", "error: Invalid --cpu-freq argument")


def _governor(text: str) -> str:
    if text.lower() in _OTHER_GOVERNORS:
        raise _cpu_freq_error(f"governor of {text} is not allowed in slurm.conf")
    if text.lower() not in GOVERNORS:
        raise _cpu_freq_error(f"illegal governor: {text} on --cpu-freq")
    return GOVERNORS[text.lower()]


def _speed(text: str) -> str:
    if text.lower() in _FREQUENCIES:
        return text.capitalize()
    number = re.match(r"\d+", text)
    if not number or int(number[0]) == 0:
        raise _cpu_freq_error(f'unrecognized --cpu-freq argument "{text}"')
    return str(int(number[0]))


def _rank(text: str) -> int:
    """Frequencies in their order; the named ones lie above all numbers, as in Slurm."""
    names = {"low": 1 << 31, "medium": 2 << 31, "highm1": 3 << 31, "high": 4 << 31}
    return names.get(text.lower()) or int(_speed(text))


CPU_FREQ = Value(_cpu_freq, lambda fields: str(fields["cpu_freq"]))

"""Values about the life of a job: priority, signals, mail, requeueing, limits (sbatch(1))."""

import re
from collections.abc import Mapping
from typing import Any

from shim.grammar.errors import GrammarError
from shim.grammar.mail import MailType, parse_mail_types
from shim.grammar.signal import parse_signal
from shim.options.joboption import VALUE_ERROR, Complaint, Reading, Value
from shim.options.values import INT_MAX, count, read_number, text

_NICE_OFFSET_LIMIT = 2147483645
_PRIORITY_LIMIT = 4294967294


def _leading_number(given: str) -> int:
    """C's strtoll: the number that the text begins with, 0 if it begins with none."""
    match = re.match(r"\s*[+-]?\d+", given, re.ASCII)
    return int(match[0]) if match else 0


def _nice(reading: Reading) -> Mapping[str, Any]:
    adjustment = _leading_number(reading.given) if reading.given else 100
    if abs(adjustment) > _NICE_OFFSET_LIMIT:
        raise Complaint(f"error: Invalid --nice value, out of range (+/- {_NICE_OFFSET_LIMIT})")
    return {"nice": adjustment}


NICE = Value(_nice, text("nice").show)


def _priority(reading: Reading) -> Mapping[str, Any]:
    if reading.given.lower() == "top":
        return {"priority": _PRIORITY_LIMIT - 1, "priority_top": True}
    priority = _leading_number(reading.given)
    if priority < 0:
        raise Complaint("error: Priority must be >= 0")
    if priority >= _PRIORITY_LIMIT:
        raise Complaint(f"error: Priority must be < {_PRIORITY_LIMIT}")
    return {"priority": priority, "priority_top": False}


PRIORITY = Value(_priority, lambda fields: "-3" if fields["priority_top"] else str(fields["priority"]))


def _signal(reading: Reading) -> Mapping[str, Any]:
    try:
        parse_signal(reading.given)
    except GrammarError:
        raise reading.invalid() from None
    return {"signal": reading.given}


def _show_signal(fields: Mapping[str, Any]) -> str:
    shown = str(parse_signal(fields["signal"]))
    return shown if "@" in fields["signal"] else shown.partition("@")[0]


SIGNAL = Value(_signal, _show_signal)


def _mail_type(reading: Reading) -> Mapping[str, Any]:
    """Several options add up, as in 22.05."""
    try:
        events = parse_mail_types(reading.given)
    except GrammarError:
        raise reading.invalid() from None
    for name in reading.fields.get("mail_type", ()):
        events |= MailType[name]
    return {"mail_type": tuple(str(event.name) for event in events)}


MAIL_TYPE = Value(_mail_type, lambda fields: ",".join(fields["mail_type"]) or "NONE")


def _open_mode(reading: Reading) -> Mapping[str, Any]:
    letter = reading.given[:1].lower()
    if letter not in ("a", "t"):
        raise reading.invalid()
    return {"open_mode": letter}


OPEN_MODE = Value(_open_mode, text("open_mode").show)


def _requeue(wanted: bool) -> Value:
    return Value(lambda _: {"requeue": wanted}, lambda fields: "requeue" if fields["requeue"] else "no-requeue")


REQUEUE = _requeue(True)
NO_REQUEUE = _requeue(False)


def _no_kill(reading: Reading) -> Mapping[str, Any]:
    word = reading.given.lower()
    if word not in ("", "set", "off", "no"):
        raise reading.invalid()
    return {"no_kill": word in ("", "set")}


NO_KILL = Value(_no_kill, lambda fields: "set" if fields["no_kill"] else "unset")


def _wait_all_nodes(reading: Reading) -> Mapping[str, Any]:
    number = read_number(reading.given, "--wait-all-nodes", least=0)
    if number > 1:
        raise reading.invalid()
    return {"wait_all_nodes": number}


WAIT_ALL_NODES = Value(_wait_all_nodes, text("wait_all_nodes").show)

_PROFILES = ("Energy", "Lustre", "Network", "Task")


def _profile(reading: Reading) -> Mapping[str, Any]:
    words = reading.given.lower().split(",")
    if "none" in words:
        return {"profile": "None"}
    known = [name for name in _PROFILES if name.lower() in words or words == ["all"]]
    if not known:
        raise Complaint(f"error: invalid --profile={reading.given} option")
    return {"profile": ",".join(known)}


PROFILE = Value(_profile, text("profile").show)


def _acctg_freq(reading: Reading) -> Mapping[str, Any]:
    for item in filter(None, reading.given.split(",")):
        match = re.fullmatch(r"(?:(?:task|energy|network|filesystem)=)?(\d+)", item, re.ASCII | re.IGNORECASE)
        if not match or int(match[1]) > INT_MAX:
            raise Complaint(f"error: Invalid --acctg-freq specification: {item}")
    return {"acctg_freq": reading.given}


ACCTG_FREQ = Value(_acctg_freq, text("acctg_freq").show)


def _get_user_env(reading: Reading) -> Mapping[str, Any]:
    """``[timeout][S|L]``: seconds, and whether su or su - is meant; a login shell is started in either case."""
    match = re.fullmatch(r"([+-]?\d+|)([sSlL]?)", reading.given, re.ASCII)
    if not match:
        raise reading.invalid()
    return {"get_user_env": f"{min(int(match[1] or 0), INT_MAX)}{match[2].upper()}"}


GET_USER_ENV = Value(_get_user_env, text("get_user_env").show)


def _only_root(reading: Reading) -> Mapping[str, Any]:
    """--uid and --gid: one controller serves one user, so nobody can submit for another one."""
    name = reading.option.name
    if reading.place.root:
        raise Complaint(f"error: --{name} is not supported: jobs run as the user who submits them", code=VALUE_ERROR)
    raise Complaint(f"error: --{name} only permitted by root user")


ONLY_ROOT = Value(_only_root, lambda _: "")


def _power(reading: Reading) -> Mapping[str, Any]:
    """Slurm complains about each word it does not know, and goes on."""
    words = [word for word in reading.given.split(",") if word]
    unknown = [word for word in words if word.lower() != "level"]
    notes = tuple(f"error: Ignoring unrecognized power option ({word})" for word in unknown)
    return {"power": "LEVEL" if len(unknown) < len(words) else "", "notes": (*reading.fields.get("notes", ()), *notes)}


POWER = Value(_power, lambda fields: str(fields["power"] or "unset"))


CORE_SPEC = count("asked_core_spec", least=0)
THREAD_SPEC = count("asked_thread_spec")

"""libpmix through ctypes: what a PMIx server needs of it (pmix_common.h, pmix_server.h).

PMIx 4.2 and 5 lay these few structures out alike; other versions are not used. Values are filled in by the library.
"""

from __future__ import annotations

from ctypes import (
    CDLL,
    CFUNCTYPE,
    POINTER,
    Array,
    Structure,
    addressof,
    byref,
    c_bool,
    c_char,
    c_char_p,
    c_int,
    c_size_t,
    c_uint16,
    c_uint32,
    c_uint64,
    c_void_p,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    Fact = bool | int | bytes | list[tuple[bytes, "Fact"]]
    Facts = Sequence[tuple[bytes, Fact]]

NAME = "libpmix.so.2"
"""What PMIx 2 to 5 are called: their clients and servers understand one another."""

SUCCESS = 0
DONE_AT_ONCE = -157  # PMIX_OPERATION_SUCCEEDED: the callback will not be called
NOT_SUPPORTED = -47
NO_MORE_HANDLERS = -334  # PMIX_EVENT_ACTION_COMPLETE

_KNOWN = ("4", "5")
_BOOL, _STRING, _UINT16, _UINT32, _INFO, _ARRAY, _RANK, _REGEX = 1, 3, 13, 14, 24, 39, 40, 49


class Missing(Exception):
    """The library is not installed."""


class Unknown(Exception):
    """The library is of a version that is not known: the text says so."""


class Failed(Exception):
    """The library has failed: the text says at what."""


class Rank(int):
    """A number of the type pmix_rank_t."""


class Short(int):
    """A number of 16 bits."""


class Map(int):
    """Where a list is that PMIx_generate_regex or PMIx_generate_ppn has shortened: its form is the library's own."""


class Proc(Structure):
    """One rank of a namespace (pmix_proc_t)."""

    _fields_ = (("nspace", c_char * 256), ("rank", c_uint32))


class _Info(Structure):
    """A key and its value (pmix_info_t), the value's union unopened."""

    _fields_ = (("key", c_char * 512), ("flags", c_uint32), ("value", c_uint64 * 4))


class _Array(Structure):
    _fields_ = (("type", c_uint16), ("size", c_size_t), ("first", c_void_p))


MODEX_DONE = CFUNCTYPE(None, c_int, c_void_p, c_size_t, c_void_p, c_void_p, c_void_p)
ABORT = CFUNCTYPE(c_int, POINTER(Proc), c_void_p, c_int, c_char_p, c_void_p, c_size_t, c_void_p, c_void_p)
FENCE = CFUNCTYPE(c_int, c_void_p, c_size_t, c_void_p, c_size_t, c_void_p, c_size_t, MODEX_DONE, c_void_p)
CONTROL = CFUNCTYPE(c_int, c_void_p, c_void_p, c_size_t, c_void_p, c_size_t, c_void_p, c_void_p)
HANDLED = CFUNCTYPE(None, c_int, c_void_p, c_size_t, c_void_p, c_void_p, c_void_p)
EVENT = CFUNCTYPE(None, c_size_t, c_int, POINTER(Proc), c_void_p, c_size_t, c_void_p, c_size_t, HANDLED, c_void_p)


class Host(Structure):
    """What the library asks of its host (pmix_server_module_t). What is left out is not supported, to its clients."""

    _fields_ = (
        ("client_connected", c_void_p),
        ("client_finalized", c_void_p),
        ("abort", ABORT),
        ("fence", FENCE),
        ("between", c_void_p * 15),
        ("job_control", CONTROL),
        ("others", c_void_p * 44),  # more than any version has
    )


def library() -> CDLL:
    """The library, if its structures are known. Raises Missing, Unknown."""
    try:
        found = CDLL(NAME)
        found.PMIx_Get_version.restype = c_char_p
    except (OSError, AttributeError) as error:
        raise Missing(str(error)) from None
    if version(found) not in _KNOWN or not hasattr(found, "PMIx_Info_load"):  # which came with 4.2
        raise Unknown(f"{NAME} is {_name(found)}; 4.2 and 5 are known here")
    return found


def version(lib: CDLL) -> str:
    """The first number of its version."""
    return _name(lib).removeprefix("OpenPMIx ").split(".", 1)[0]


def _name(lib: CDLL) -> str:
    return str(lib.PMIx_Get_version().decode(errors="replace")).split(" (", 1)[0]


class Server:
    """The library as a server, one for each process."""

    def __init__(self, lib: CDLL, nspace: bytes) -> None:
        self.lib = lib
        self.nspace = nspace

    def start(self, host: Host, facts: Facts) -> None:
        """Begin to serve. ``host`` must live as long as the process. Raises Failed."""
        infos, count = self._infos(facts)
        self._do("server_init", byref(host), infos, c_size_t(count))

    def hear(self, handler: Any) -> None:
        """Have an ``EVENT`` called for whatever happens that nobody else asked for. Raises Failed."""
        status = self.lib.PMIx_Register_event_handler(None, c_size_t(0), None, c_size_t(0), handler, None, None)
        if status < 0 and status != DONE_AT_ONCE:  # else it is the handler's number
            raise Failed(f"PMIx_Register_event_handler: {self._text(status)}")

    def describe(self, local: int, facts: Facts) -> None:
        """Tell of the job that the clients are of. Raises Failed."""
        infos, count = self._infos(facts)
        self._do("server_register_nspace", self.nspace, c_int(local), infos, c_size_t(count), None, None)

    def admit(self, rank: int, user: int, group: int) -> None:
        """Let a client in that is to come. Raises Failed."""
        proc = Proc(self.nspace, rank)
        self._do("server_register_client", byref(proc), c_uint32(user), c_uint32(group), None, None, None)

    def variables(self, rank: int) -> dict[bytes, bytes]:
        """What leads a client here. Raises Failed."""
        found = POINTER(c_char_p)()
        self._do("server_setup_fork", byref(Proc(self.nspace, rank)), byref(found))
        pairs: dict[bytes, bytes] = {}
        at = 0
        while text := found[at]:
            name, _, value = text.partition(b"=")
            pairs[name] = value
            at += 1
        return pairs

    def end(self) -> None:
        """Serve no more: what clients have asked to be removed after them is removed (PMIX_REGISTER_CLEANUP)."""
        self.lib.PMIx_server_finalize()

    def regex(self, texts: Sequence[str]) -> Map:
        """Names of nodes, shortened. Raises Failed."""
        return self._shortened("generate_regex", ",".join(texts))

    def ppn(self, texts: Sequence[str]) -> Map:
        """The ranks of each node, shortened. Raises Failed."""
        return self._shortened("generate_ppn", ";".join(texts))

    def _shortened(self, function: str, text: str) -> Map:
        found = c_void_p()
        self._do(function, text.encode(), byref(found))
        return Map(found.value or 0)

    def _infos(self, facts: Facts) -> tuple[Array[_Info], int]:
        infos = (_Info * len(facts))()
        for info, (key, fact) in zip(infos, facts, strict=True):
            self._load(info, key, fact)
        return infos, len(facts)

    def _load(self, info: _Info, key: bytes, fact: Fact) -> None:
        if isinstance(fact, list):
            inner, count = self._infos(fact)
            self._put(info, key, byref(_Array(_INFO, count, addressof(inner))), _ARRAY)
        elif isinstance(fact, bool):
            self._put(info, key, byref(c_bool(fact)), _BOOL)
        elif isinstance(fact, bytes):
            self._put(info, key, fact, _STRING)
        elif isinstance(fact, Map):
            self._put(info, key, c_void_p(fact), _REGEX)
        elif isinstance(fact, Short):
            self._put(info, key, byref(c_uint16(fact)), _UINT16)
        else:
            self._put(info, key, byref(c_uint32(fact)), _RANK if isinstance(fact, Rank) else _UINT32)

    def _put(self, info: _Info, key: bytes, data: Any, kind: int) -> None:
        self._do("Info_load", byref(info), key, data, c_uint16(kind))

    def _do(self, function: str, *arguments: Any) -> None:
        status = getattr(self.lib, f"PMIx_{function}")(*arguments)
        if status not in (SUCCESS, DONE_AT_ONCE):
            raise Failed(f"PMIx_{function}: {self._text(status)}")

    def _text(self, status: int) -> str:
        self.lib.PMIx_Error_string.restype = c_char_p
        return str((self.lib.PMIx_Error_string(status) or b"").decode(errors="replace"))

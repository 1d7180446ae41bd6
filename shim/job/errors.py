"""Slurm's own error numbers and texts: what the controller answers when it refuses something."""

from enum import Enum


class Errno(Enum):
    """A Slurm error: its number (slurm_errno.h; scancel exits with its low byte) and its text."""

    SUCCESS = (0, "No error")
    UNEXPECTED_MSG = (1000, "Unexpected message received")
    COMMUNICATIONS = (1800, "Unable to contact slurm controller (connect failure)")
    INVALID_PARTITION_NAME = (2000, "Invalid partition name specified")
    DEFAULT_PARTITION_NOT_SET = (2001, "No partition specified or system default partition")
    ACCESS_DENIED = (2002, "Access/permission denied")
    REQUESTED_NODES_NOT_IN_PARTITION = (2004, "Requested node(s) not in requested partition")
    TOO_MANY_REQUESTED_CPUS = (2005, "More processors requested than permitted")
    INVALID_NODE_COUNT = (2006, "Node count specification invalid")
    PATHNAME_TOO_LONG = (2012, "Pathname of a file, directory or other parameter too long")
    REQUESTED_NODE_CONFIG_UNAVAILABLE = (2014, "Requested node configuration is not available")
    REQUESTED_PART_CONFIG_UNAVAILABLE = (2015, "Requested partition configuration not available now")
    NODES_BUSY = (2016, "Requested nodes are busy")
    INVALID_JOB_ID = (2017, "Invalid job id specified")
    INVALID_NODE_NAME = (2018, "Invalid node name specified")
    WRITING_TO_FILE = (2019, "I/O error writing script/environment to file")
    TRANSITION_STATE_NO_UPDATE = (2020, "Job can not be altered now, try again later")
    ALREADY_DONE = (2021, "Job/step already completing or completed")
    JOB_PENDING = (2024, "Job is pending execution")
    BAD_TASK_COUNT = (2025, "Task count specification invalid")
    JOB_NOT_RUNNING = (4027, "Job step not running")
    INVALID_TIME_LIMIT = (2051, "Requested time limit is invalid (missing or exceeds some limit)")
    INVALID_TIME_VALUE = (2076, "Invalid time value")
    RESERVATION_INVALID = (2053, "Requested reservation is invalid")
    INVALID_TASK_MEMORY = (2044, "Memory required by task is not available")
    INVALID_ACCOUNT = (2045, "Invalid account or account/partition combination specified")
    INVALID_LICENSES = (2048, "Invalid license specification")
    INVALID_DEPENDENCY = (2038, "Job dependency problem")
    CIRCULAR_DEPENDENCY = (2071, "Circular job dependency")
    NOT_SUPPORTED = (2036, "Requested operation not supported on this system")
    DISABLED = (2037, "Requested operation is presently disabled")
    PARTITION_IN_USE = (2075, "Partition is in use")
    JOB_HELD = (2042, "Job is in held state, pending scheduler release")
    JOB_SUSPENDED = (2077, "Job is current suspended, requested operation disabled")
    JOB_NOT_SUSPENDED = (2087, "Job is not suspended")
    PRIORITY_NOT_LASTING = (2095, "Changes to job priority are not persistent, change nice instead")
    INVALID_NODE_STATE = (2028, "Invalid node state specified")
    JOB_NOT_PENDING = (2073, "Job is no longer pending execution")
    JOB_FINISHED = (2084, "Job has already finished")
    INVALID_USER_ID = (2010, "Invalid user id")
    INVALID_QOS = (2066, "Invalid qos specification")
    INVALID_FEATURE = (2029, "Invalid feature specification")
    INVALID_GRES = (2072, "Invalid generic resource (gres) specification")
    INVALID_ARRAY = (2081, "Invalid job array specification")
    INVALID_NICE = (2123, "Invalid --nice value")
    PARTITION_DOWN = (2070, "Required partition not available (inactive or drain)")
    INVALID_TIME_MIN = (2124, "Invalid time-min specification (exceeds job's time or other limits)")
    INCOMPATIBLE_BEGIN_DEADLINE = (2080, "Incompatible begin and deadline time specification")
    MAX_JOBS = (2081, "Slurm temporarily unable to accept job, sleeping and retrying")
    NODE_NOT_AVAIL = (2009, "Requested node is not available")
    NOT_HET_JOB_LEADER = (2107, "Job not heterogeneous job leader")
    NOT_WHOLE_HET_JOB = (2108, "Operation not permitted on individual component of heterogeneous job")
    NO_SPACE = (28, "No space left on device")

    @property
    def number(self) -> int:
        """The error number; what scancel takes its exit code from (number & 255)."""
        return self.value[0]

    @property
    def text(self) -> str:
        """The text slurm_strerror() gives."""
        return self.value[1]


class SlurmError(Exception):
    """The controller refuses: ``errno`` says why, ``notes`` are lines that go to stderr before it.

    A note is printed as ``<command>: error: <note>``, as Slurm's controller sends messages to its clients
    (for instance ``invalid partition specified: nosuch``).
    """

    def __init__(self, errno: Errno, *notes: str, text: str | None = None) -> None:
        self.errno = errno
        self.notes = notes
        self.text = text or errno.text
        super().__init__(self.text)

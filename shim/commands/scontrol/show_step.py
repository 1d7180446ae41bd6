"""``scontrol show step``: the steps that run (slurm_sprint_job_step_info)."""

from dataclasses import dataclass

from shim.commands.display.steps import layout
from shim.commands.display.times import TimeFormat
from shim.commands.display.tres import Tres
from shim.commands.scontrol.layout import Line, field, lay_out, or_null, record
from shim.commands.scontrol.show_job import limit_text
from shim.job.record import Job, Step


@dataclass(frozen=True)
class ShownStep:
    """A step of a job and how it is to be shown."""

    job: Job
    step: Step
    time: TimeFormat
    oneliner: bool = False

    @property
    def batch(self) -> bool:
        """True for the batch script."""
        return self.step.step_id == "batch"

    @property
    def tres(self) -> str:
        """What it holds."""
        if self.batch:
            return ""
        step = self.step
        gres = {}
        if step.gpus:
            gres["gpu"] = step.gpus
            kinds = {share.gpu_type for share in self.job.shares if share.gpus}
            if len(kinds) == 1 and "" not in kinds:
                gres[f"gpu:{kinds.pop()}"] = step.gpus
        return Tres(step.cpus, step.memory, step.nodes, 0, gres).sorted()


def show_step(shown: ShownStep) -> str:
    """Return the record as scontrol prints it."""
    return record(lay_out(shown, _LINES), shown.oneliner)


_LINES: tuple[Line[ShownStep], ...] = (
    (
        field("StepId", lambda s: f"{s.job.display_id}.{s.step.step_id}"),
        field("UserId", lambda s: s.job.user_id),
        field("StartTime", lambda s: s.time(s.step.start_time)),
        field("TimeLimit", lambda s: limit_text(s.step.time_limit)),
    ),
    (
        field("State", lambda s: s.step.state.word),
        field("Partition", lambda s: s.job.partition),
        field("NodeList", lambda s: or_null(s.step.node_list)),
    ),
    (
        field("Nodes", lambda s: s.step.nodes),
        field("CPUs", lambda s: 0 if s.batch else s.step.cpus),
        field("Tasks", lambda s: s.step.ntasks),
        field("Name", lambda s: s.step.name),
        field("Network", lambda _: "(null)"),
    ),
    (field("TRES", lambda s: or_null(s.tres)),),
    (field("ResvPorts", lambda _: "(null)"),),
    (field("CPUFreqReq", lambda _: "Default"), lambda s: None if s.batch else f"Dist={layout(s.step)}"),
    (field("SrunHost:Pid", lambda s: s.step.client or "(null):0"),),
)

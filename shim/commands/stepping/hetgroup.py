"""Which component of a heterogeneous job each part of a call runs in (srun(1), --het-group)."""

from collections.abc import Sequence
from dataclasses import replace

from shim.commands.call import Call, Exit
from shim.commands.stepping.parts import Part
from shim.grammar.indexset import IndexSet
from shim.job.environment import allocation_environment
from shim.job.record import Job
from shim.options.gather import Gathered
from shim.options.joboption import Source


def spread(call: Call, parts: Sequence[Part], job: Job) -> list[tuple[Part, Job]]:
    """The steps of the call: a part and the job it runs in. Raises Exit."""
    components = [job]
    if job.het_job_id:
        mates = [one for one in call.queue.jobs.values() if one.het_job_id == job.het_job_id]
        components = sorted(mates, key=lambda one: one.het_job_offset)
    spread_out: list[tuple[Part, Job]] = []
    for number, part in enumerate(parts):
        text = part.gathered.fields.get("het_group") or part.gathered.fields.get("pack_group")
        groups = [min(number, len(components) - 1)] if text is None else _groups(call, text, components)
        spread_out += [(_within(call, part, components[group]), components[group]) for group in groups]
    return spread_out


def _within(call: Call, part: Part, job: Job) -> Part:
    """A part with the size of its component, where the variables of the batch script tell that of the first one."""
    fields, sources = dict(part.gathered.fields), part.gathered.sources
    if job.het_job_id:
        own = allocation_environment(job, call.queue.config)
        if sources.get("nodes") is not Source.COMMAND_LINE:
            fields["nodes_min"] = fields["nodes_max"] = len(job.shares)
        if sources.get("ntasks") is not Source.COMMAND_LINE:
            fields.pop("ntasks", None)
            if "SLURM_NTASKS" in own and sources.get("nodes") is not Source.COMMAND_LINE:
                fields["ntasks"] = int(own["SLURM_NTASKS"])
    return replace(part, gathered=Gathered(fields, sources))


def _groups(call: Call, text: str, components: Sequence[Job]) -> list[int]:
    groups = list(IndexSet.parse(text))
    if max(groups) >= len(components):
        last = len(components) - 1
        call.error(f"Requested het-group offset exceeds highest hetjob index ({max(groups)} > {last})")
        raise Exit(1)
    if not components[0].het_job_id:
        call.error("No directives to start application on any available hetjob components")
        raise Exit(1)
    return groups

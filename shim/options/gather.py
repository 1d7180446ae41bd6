"""From a command line, an environment and a script to the fields of a job, one after the other as Slurm applies them.

sbatch looks at its arguments twice: once for the options that matter before there is a script (--wrap, --version …)
and for words that are no options at all, and once, after the script's directives and the environment, for the rest.
With several components of a heterogeneous job (``:`` on the command line, ``hetjob`` in the script) the second look
happens once for each.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from shim.grammar.directives import Directive, Script
from shim.options.foreign import apply_bsub, apply_pbs
from shim.options.getopt import Getopt
from shim.options.joboption import Complaint, Fields, JobOption, Place, Reading, Source
from shim.options.nodes import switch_wait
from shim.options.option import Argument
from shim.options.reporting import DEBUG
from shim.options.table import getopt_of, options_of, variables_of

PREFIX = {"sbatch": "SBATCH", "salloc": "SALLOC", "srun": "SLURM"}


@dataclass(slots=True)
class Gathered:
    """What one component of a job was asked to be: the fields, and which option was last given where."""

    fields: Fields = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)  # by option name
    _keys: dict[str, set[str]] = field(default_factory=dict)  # the fields each option has set

    def apply(self, option: JobOption, text: str | None, source: Source, place: Place) -> None:
        """Take over the value of one option. Raises Complaint."""
        assert option.value is not None
        values = option.value.parse(Reading(option, text, place, self.fields, source))
        self.fields.update(values)
        name = option.same_as or option.name
        self.sources[name] = source
        self._keys.setdefault(name, set()).update(values)

    def asked(self, name: str) -> bool:
        """Whether that option was given at all."""
        return name in self.sources

    def forget(self, name: str) -> None:
        """As if that option had not been given."""
        self.sources.pop(name, None)
        for key in self._keys.pop(name, ()):
            self.fields.pop(key, None)

    def next_component(self, options: Iterable[JobOption]) -> "Gathered":
        """What the next component starts from: all but the options that every component states for itself."""
        keys = {name: set(owned) for name, owned in self._keys.items()}
        heir = Gathered({**self.fields, "notes": ()}, dict(self.sources), keys)
        for option in options:
            if option.per_component:
                heir.forget(option.same_as or option.name)
        return heir


@dataclass(frozen=True, slots=True)
class CommandLine:
    """A command line taken apart: what each component says, and the words after the options."""

    command: str
    argv: tuple[str, ...]
    plugins: tuple[str, ...] = ()  # options of plug-ins that the configuration declares as known

    def options(self, argv: Sequence[str]) -> Getopt[JobOption]:
        """Iterate over the options at the start of ``argv``."""
        return getopt_of(self.command, argv, self.plugins)

    def early(self, place: Place) -> tuple[Gathered, list[str]]:
        """The first look: the options of all components as if they were one, and the script with its arguments.

        Every value is read, so that mistakes are found before there is a script. What components share stays, for
        all of them, as the weakest of all sources.
        """
        gathered = Gathered()
        scan = self.options([word for word in self.argv if word != ":"])
        for option, text in scan:
            gathered.apply(option, text, Source.COMMAND_LINE, place)
        shared = gathered.next_component(options_of(self.command))
        shared.fields["notes"] = gathered.fields.get("notes", ())
        return shared, scan.operands

    def components(self) -> list[tuple[str, ...]]:
        """The words of each component, from its first option on."""
        parts = [self.argv]
        while True:
            scan = self.options(parts[-1])
            for _ in scan:
                pass
            if scan.operands[:1] != [":"]:
                return parts
            parts.append(tuple(scan.operands[1:]))


def apply_environment(gathered: Gathered, command: str, env: Mapping[str, str], place: Place) -> None:
    """Take over the input environment variables (sbatch(1), INPUT ENVIRONMENT VARIABLES). Raises Complaint."""
    for option, names in variables_of(command):
        given = [env[name] for name in names if name in env]
        if given and (option.argument is not Argument.NONE or switched_on(given[-1])):
            gathered.apply(option, given[-1], Source.ENVIRONMENT, place)
    _apply_switch_wait(gathered, command, env)
    debug = env.get(f"{PREFIX[command]}_DEBUG")
    if debug is not None:
        verbose = next(option for option in options_of(command) if option.name == "verbose")
        gathered.fields.update(DEBUG.parse(Reading(verbose, debug, place, gathered.fields, Source.ENVIRONMENT)))


def switched_on(text: str) -> bool:
    """A variable of an option without an argument switches it on if it is empty, yes, or a number but 0."""
    if text == "" or text.lower() == "yes":
        return True
    number = re.match(r"\s*[+-]?\d+", text, re.ASCII)
    return number is not None and int(number[0]) != 0


def _apply_switch_wait(gathered: Gathered, command: str, env: Mapping[str, str]) -> None:
    """SBATCH_WAIT4SWITCH: the time of ``--switches=count@time``, which SBATCH_REQ_SWITCH cannot say."""
    wait = env.get(f"{PREFIX[command]}_WAIT4SWITCH")
    if wait is not None and "switches" in gathered.fields:
        gathered.fields["switches_wait"] = switch_wait(wait)


def apply_directives(
    gathered: Gathered, directives: Iterable[Directive], command_line: CommandLine, place: Place
) -> None:
    """Take over the ``#SBATCH`` lines of one component. Raises Complaint, and OptionError for unknown options."""
    for directive in directives:
        scan = command_line.options(directive.words)
        for option, text in scan:
            if option.late:
                gathered.apply(option, text, Source.SCRIPT, place)
        if scan.operands:
            raise Complaint(f"error: Invalid directive found in batch script: {scan.operands[0]}")


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that says what a job shall be."""

    command_line: CommandLine
    env: Mapping[str, str]
    script: Script | None
    place: Place


def gather(inputs: Inputs, early: Gathered) -> list[Gathered]:
    """The components of the job, one for a plain job. Raises Complaint or OptionError."""
    parts = inputs.command_line.components()
    groups = inputs.script.groups if inputs.script else ()
    options = options_of(inputs.command_line.command)
    components: list[Gathered] = []
    for index in range(max(len(parts), len(groups))):
        gathered = components[-1].next_component(options) if components else early
        components.append(gathered)
        if index < len(groups):
            apply_directives(gathered, groups[index], inputs.command_line, inputs.place)
        if inputs.script and not gathered.fields.get("ignore_pbs"):
            apply_foreign(gathered, inputs.script, inputs.place)
        apply_environment(gathered, inputs.command_line.command, inputs.env, inputs.place)
        for option, text in inputs.command_line.options(parts[min(index, len(parts) - 1)]):
            if option.late:
                gathered.apply(option, text, Source.COMMAND_LINE, inputs.place)
    return components


def apply_foreign(gathered: Gathered, script: Script, place: Place) -> None:
    """The lines of another batch system win over ``#SBATCH``; those of PBS count where there are none of LSF."""
    if not script.bsub and not script.pbs:
        return
    by_name = {option.name: option for option in options_of("sbatch")}

    def setter(name: str, text: str | None) -> None:
        gathered.apply(by_name[name], text, Source.SCRIPT, place)

    for directive in script.bsub:
        apply_bsub(directive.words, setter)
    for directive in () if script.bsub else script.pbs:
        apply_pbs(directive.words, setter)


def gather_allocation(
    command_line: CommandLine, env: Mapping[str, str], place: Place
) -> tuple[list[Gathered], list[str]]:
    """The components that a call of salloc or srun asks for, and the command to run. One look is enough there."""
    parts = command_line.components()
    options = options_of(command_line.command)
    components: list[Gathered] = []
    scan = command_line.options(())
    for part in parts:
        gathered = components[-1].next_component(options) if components else Gathered()
        components.append(gathered)
        apply_environment(gathered, command_line.command, env, place)
        scan = command_line.options(part)
        for option, text in scan:
            gathered.apply(option, text, Source.COMMAND_LINE, place)
    return components, scan.operands

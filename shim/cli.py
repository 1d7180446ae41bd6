"""slurm-shim: what Slurm has no command for. It works on files alone and needs no controller."""

import socket
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from shim.config.load import ConfigError, config_path, load_config
from shim.config.settings import Config
from shim.grammar.directives import DirectiveError, ScriptError, check_script, parse_script
from shim.launcher import VERSION
from shim.options.gather import CommandLine, Inputs, gather
from shim.options.getopt import OptionError, usage_error
from shim.options.joboption import Complaint, Place
from shim.options.matrix import COMMANDS
from shim.options.option import Effect, Option

MARK = b"#SBATCH"
_OPTIONS: dict[str, Option] = {option.name: option for option in dict(COMMANDS)["sbatch"]}


@dataclass(frozen=True, slots=True)
class Finding:
    """What there is to say about one script: it is refused, or options of it do not do what they do on Slurm."""

    refused: tuple[str, ...] = ()
    without_effect: tuple[Option, ...] = ()
    not_here: tuple[Option, ...] = ()  # options that this executor refuses


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="slurm-shim")
def main() -> None:
    """Tools around Slurm's commands on dstack and on this machine."""


@main.command()
def config() -> None:
    """Check the configuration file and say where it is."""
    path = config_path()
    loaded = _config()
    click.echo(f"{path or 'no configuration file: the defaults hold'}")
    for partition in loaded.partitions:
        click.echo(f"partition {partition.name}{'*' if partition.default else ''}: {partition.executor}")


@main.command()
def hosts() -> None:
    """Print what /etc/hosts lacks: lines by which the names of emulated nodes lead to their addresses.

    Programs that meet at the first of `scontrol show hostnames` need them.
    """
    for node in _config().nodes:
        if not _resolves(node.name):
            click.echo(f"{node.address} {node.name}")


def _resolves(name: str) -> bool:
    try:
        socket.gethostbyname(name)
    except OSError:
        return False
    return True


@main.command()
@click.option("--executor", type=click.Choice(["local", "dstack"]), default="local", help="Where the jobs shall run.")
@click.option("--verbose", "-v", is_flag=True, help="Name the scripts that need no change, too.")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
def check(executor: str, verbose: bool, paths: tuple[Path, ...]) -> None:
    """Tell beforehand which batch scripts will work: every script given, and every one below the folders given.

    Scripts are read as sbatch reads them. Exits with 1 if any would be refused.
    """
    settings, counts, options = _config(), Counter[str](), Counter[str]()
    for path in _scripts(paths):
        finding = examine(path, executor, settings)
        refused = finding.refused or finding.not_here
        counts["refused" if refused else "as they are"] += 1
        for line in finding.refused:
            click.echo(f"{path}: refused: {line}")
        for option in finding.not_here:
            click.echo(f"{path}: refused on {executor}: --{option.name}: {option.note}")
        for option in finding.without_effect:
            options[option.name] += 1
            click.echo(f"{path}: --{option.name} has no effect: {option.note}")
        if verbose and finding == Finding():
            click.echo(f"{path}: ok")
    click.echo(f"{counts['as they are']} scripts will run as they are, {counts['refused']} would be refused")
    for name, number in options.most_common():
        click.echo(f"--{name} has no effect in {number}")
    sys.exit(1 if counts["refused"] else 0)


def examine(path: Path, executor: str, config: Config) -> Finding:
    """Read one script as sbatch would and judge its options (compat-matrix.md) for an executor."""
    text = path.read_bytes()
    line = CommandLine("sbatch", (str(path),), config.known_spank_options)
    place = Place(command="sbatch", cwd=str(path.parent), now=0)
    try:
        check_script(text)
        early, _ = line.early(place)
        components = gather(Inputs(line, {}, parse_script(text), place), early)
    except ScriptError as error:
        return Finding(refused=(error.lines[0].strip(),))
    except DirectiveError as error:
        return Finding(refused=(f"line {error.line}: {error.problem} in [{error.rest}]",))
    except OptionError as error:
        return Finding(refused=(usage_error("sbatch", error).splitlines()[0],))
    except Complaint as error:
        return Finding(refused=tuple(line.removeprefix("error: ") for line in error.lines))
    given = {name: _OPTIONS[name] for part in components for name in part.sources if name in _OPTIONS}
    effects = [(option, option.local if executor == "local" else option.dstack) for option in given.values()]
    return Finding(
        not_here=tuple(option for option, effect in effects if effect is Effect.REFUSED),
        without_effect=tuple(option for option, effect in effects if effect is Effect.IGNORED),
    )


def _scripts(paths: Iterable[Path]) -> Iterator[Path]:
    """The files given, and below folders those that hold #SBATCH lines."""
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        for file in sorted(path.rglob("*")):
            if file.is_file() and MARK in file.read_bytes():
                yield file


def _config() -> Config:
    try:
        return load_config(config_path())
    except ConfigError as error:
        raise click.ClickException(str(error)) from error

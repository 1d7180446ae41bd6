"""The configuration file: the example names every setting, and mistakes are told with their line."""

import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from shim.config.load import ConfigError, load_config
from shim.config.settings import Config, NodeConfig, PartitionConfig

EXAMPLE = Path(__file__).parents[2] / "examples" / "cluster.toml"


def test_the_example_loads_and_shows_the_defaults() -> None:
    config, plain = load_config(EXAMPLE), load_config(None)
    changed = {"cluster_name", "nodes", "partitions", "source", "known_spank_options"}
    for field in fields(Config):
        if field.name not in changed:
            assert getattr(config, field.name) == getattr(plain, field.name), field.name
    assert [node.name for node in config.nodes] == ["n1", "n2", "n3", "gpu1"]
    assert config.partitions[1].max_time == 2 * 24 * 60


@pytest.mark.parametrize(("kind", "table"), [(Config, ""), (NodeConfig, "node"), (PartitionConfig, "partition")])
def test_the_example_names_every_setting(kind: type, table: str) -> None:
    data = tomllib.loads(EXAMPLE.read_text())
    keys = set().union(*data[table]) if table else set(data)
    elsewhere = {"nodes", "partitions", "source", "dstack"}
    assert {field.name for field in fields(kind)} - elsewhere <= keys


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kill_wait = 30\nkil_wait = 3\n", ":2: kil_wait: no such setting"),
        ('\n\nkill_wait = "long"\n', ":3: kill_wait: 'long' is no valid value (a float is wanted)"),
        ("kill_wait = \n", ":1: Invalid value"),
        ('[[node]]\nname = "a"\ncpus = 1\n', ":1: memory: a node needs its number of CPUs and its memory in MB"),
        ('[[node]]\nname = "a["\ncpus = 1\nmemory = 1\n', ":2: name:"),
        ('[[partition]]\nname = "p"\n[[partition]]\nname = "q"\nmax_time = "soon"\n', ":5: max_time: 'soon' is no"),
        (
            '[[partition]]\nname = "p"\nexecutor = "cloud"\n',
            ":3: executor: 'cloud' is no valid value (one of local, dstack is wanted)",
        ),
        (
            '[[node]]\nname = "a"\ncpus = 1\nmemory = 1\n[[partition]]\nname = "p"\nnodes = "a,b"\n',
            ":7: nodes: there is no node b",
        ),
        ('[[partition]]\nname = "p"\nnodes = "no-such-host"\n', ":3: nodes: there is no node no-such-host"),
        ("kill_wait = -5\n", ":1: kill_wait: -5 is no valid value (at least 0 is wanted)"),
        ('[dstack]\nproject = "p"\nmod = "upload"\n', ":3: mod: no such setting"),
        ('[dstack]\n\nmode = "both"\n', ':3: mode: "shared" or "upload" expected, not \'both\''),
        ('[dstack.qos]\nhigh = "x"\n', ":2: high: a whole number expected, not 'x'"),
        (
            '[[partition]]\nname = "p"\ndstack = { spot_policy = "never" }\n',
            ":3: spot_policy: one of spot, on-demand, auto expected, not 'never'",
        ),
        ('[[partition]]\nname = "p"\n[partition.dstack]\nfleet = "a"\n', ":4: fleet: no such setting"),
        ("first_job_id = 0\n", ":1: first_job_id: 0 is no valid value (at least 1 is wanted)"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert str(caught.value).startswith(f"{path}{message}")


def test_a_file_that_is_missing_is_an_error_not_a_default(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load_config(tmp_path / "none.toml")

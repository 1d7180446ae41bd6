"""The example for dstack names every setting there is for it."""

import tomllib
from dataclasses import fields
from pathlib import Path

from shim.config.dstack import PartitionSettings, Settings, parse_partition, parse_settings
from shim.config.load import load_config

EXAMPLE = Path(__file__).parents[2] / "examples" / "dstack.toml"


def test_the_example_loads() -> None:
    config = load_config(EXAMPLE)
    settings = parse_settings(config.dstack)
    plain = Settings()
    shown = {"server", "project", "token", "gpu_types", "qos"}
    assert {f.name for f in fields(Settings) if getattr(settings, f.name) != getattr(plain, f.name)} <= shown
    assert [partition.executor for partition in config.partitions] == ["dstack"] * 2
    assert parse_partition(config.partitions[0].dstack, "gpu").fleets == ("gpu-hosts",)


def test_the_example_names_every_setting() -> None:
    data = tomllib.loads(EXAMPLE.read_text())
    assert {field.name for field in fields(Settings)} == set(data["dstack"])
    named = set().union(*(partition["dstack"] for partition in data["partition"]))
    assert {field.name for field in fields(PartitionSettings)} == named

"""Jobs as dstack tasks: each `tasks/NAME.toml` becomes `tasks/NAME.yaml`, or is refused in the words of `NAME.error`.

A new case is a new file; `BLESS=1` writes what comes out for a human to read.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from dstack._internal.core.models.configurations import TaskConfiguration
from gpuhunt._internal.constraints import KNOWN_ACCELERATORS

from shim.config.dstack import SettingsError, parse_partition, parse_settings
from shim.config.settings import Config
from shim.executor.dstack.errors import NotExpressible
from shim.executor.dstack.gpu_names import MEMORY_SIZES, GpuType, gpu_type
from shim.executor.dstack.mapping import Site, task_of, to_yaml
from shim.job.record import ArrayInfo, Job, Share
from shim.job.request import Request
from shim.scheduler.need import need_of

CASES = sorted(Path(__file__).with_name("tasks").glob("*.toml"))


def task(case: Mapping[str, Any]) -> dict[str, Any]:
    request = Request(**{"job_name": "train", **case.get("request", {})})
    fields = {"time_limit": request.time_limit or 0xFFFFFFFF, "partition": "gpu", **case.get("job", {})}
    if "task_id" in fields:
        fields["array"] = ArrayInfo(fields.pop("array_job_id"), 0, 9, 1, 10)
    shares = tuple(Share(**share | {"gpus": tuple(share.get("gpus", ()))}) for share in fields.pop("shares", ()))
    job = Job(
        **{
            "job_id": 42,
            "request": request,
            "user_id": 1000,
            "user_name": "ada",
            "group_id": 100,
            "group_name": "users",
            "submit_time": 0.0,
            "shares": shares,
            **fields,
        }
    )
    site = Site(
        parse_settings(case.get("settings", {})),
        parse_partition(case.get("partition", {}), "gpu"),
        "cluster",
        "c1",
        30.0,
        case.get("instances", ()),
        tuple(case.get("gpu_names", ())),
    )
    return task_of(job, need_of(request, Config()), site, ["/bin/sh", "/home/.slurm-shim/guest/job.sh", "/home/d"])


def check_or_bless(path: Path, text: str) -> None:
    if os.environ.get("BLESS"):
        path.write_text(text)
    assert text == path.read_text()


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_jobs_become_tasks(path: Path) -> None:
    case = tomllib.loads(path.read_text())
    try:
        made = task(case)
    except NotExpressible as error:
        assert "\n" not in str(error)
        check_or_bless(path.with_suffix(".error"), f"{error}\n")
        return
    assert not path.with_suffix(".error").exists()
    check_or_bless(path.with_suffix(".yaml"), to_yaml(made))
    parsed = TaskConfiguration.model_validate(yaml.safe_load(to_yaml(made)))
    assert parsed.resources.cpu.count.max is None
    assert parsed.resources.memory.max is None
    assert parsed.resources.gpu is None or parsed.resources.gpu.count.max is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a100", GpuType("A100")),
        ("A100", GpuType("A100")),
        ("a100-80g", GpuType("A100", 80)),
        ("a100-80", GpuType("A100", 80)),
        ("a100-sxm4-40gb", GpuType("A100", 40)),
        ("nvidia_a100_80gb_pcie", GpuType("A100", 80)),
        ("v100-sxm2-32gb", GpuType("V100", 32)),
        ("tesla_v100-pcie-16gb", GpuType("V100", 16)),
        ("h100_sxm", GpuType("H100")),
        ("nvidia_h100_80gb_hbm3", GpuType("H100")),
        ("h100-nvl", GpuType("H100NVL")),
        ("gh200_480gb", GpuType("GH200")),
        ("rtx_4090", GpuType("RTX4090")),
        ("4090", GpuType("RTX4090")),
        ("geforce_rtx_2080_ti", GpuType("RTX2080Ti")),
        ("rtx_a6000", GpuType("A6000")),
        ("rtx_6000_ada", GpuType("RTX6000Ada")),
        ("a6000ada", GpuType("RTX6000Ada")),
        ("nvidia_rtx_pro_6000_blackwell", GpuType("RTXPRO6000")),
        ("quadro_rtx_6000", GpuType("RTX6000")),
        ("l40s", GpuType("L40S")),
        ("t4", GpuType("T4")),
        ("amd_instinct_mi250x", GpuType("MI250X")),
        ("gaudi2", GpuType("Gaudi2")),
    ],
)
def test_gpu_types_as_sites_write_them(text: str, expected: GpuType) -> None:
    assert gpu_type(text) == expected


@pytest.mark.parametrize("text", ["1g.5gb", "nvidia_h100_80gb_hbm3_3g.40gb", "a100_mig"])
def test_slices_of_gpus_are_refused(text: str) -> None:
    with pytest.raises(NotExpressible, match="MIG"):
        gpu_type(text)


def test_other_names_come_from_the_site_or_its_hosts() -> None:
    with pytest.raises(NotExpressible, match="k80 is not one that dstack knows"):
        gpu_type("k80")
    assert gpu_type("volta32gb", {"volta32gb": "V100:32GB"}) == GpuType("V100", 32)
    assert gpu_type("tesla_k80", known=["K80"]) == GpuType("K80")


def test_every_gpu_of_the_catalogue_is_known() -> None:
    catalogue: dict[str, set[int]] = {}
    for known in KNOWN_ACCELERATORS:
        catalogue.setdefault(known.name, set()).add(known.memory)
    vendors = {name: sizes for name, sizes in catalogue.items() if name[0].isupper()}  # no TPUs, no Tenstorrent
    assert {name: tuple(sorted(sizes)) for name, sizes in vendors.items()} == dict(MEMORY_SIZES)
    assert all(gpu_type(name).name == name for name in MEMORY_SIZES)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"colour": "blue"}, "gpu.dstack.colour: no such setting"),
        ({"fleets": 3}, "gpu.dstack.fleets: a list of texts expected, not 3"),
        ({"spot_policy": "never"}, "gpu.dstack.spot_policy: one of spot, on-demand, auto expected, not 'never'"),
        ({"max_price": "dear"}, "gpu.dstack.max_price: a number expected, not 'dear'"),
        ({"privileged": 1}, "gpu.dstack.privileged: true or false expected, not 1"),
        ({"features": {"ib": {"fleet": ["a"]}}}, "gpu.dstack.features.ib.fleet: no such setting"),
        ({"features": ["ib"]}, "gpu.dstack.features: a table expected, not ['ib']"),
    ],
)
def test_settings_of_a_partition_are_checked(table: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_partition(table, "gpu")
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"mode": "magic"}, 'dstack.mode: "shared" or "upload" expected, not \'magic\''),
        ({"shared": ["home"]}, "dstack.shared: 'home' is not an absolute path"),
        ({"priority": 101}, "dstack.priority: 0 to 100 expected, not 101"),
        ({"qos": {"high": "much"}}, "dstack.qos.high: a whole number expected, not 'much'"),
    ],
)
def test_settings_of_the_executor_are_checked(table: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_settings(table)
    assert str(caught.value) == message

"""What this machine offers, as configured or as found."""

import os

import pytest

from shim.config.settings import Config, NodeConfig
from shim.executor.local import machine


@pytest.fixture
def gpuless(monkeypatch, tmp_path):
    """A machine whose /dev and driver show no GPU, with an nvidia-smi that the test may write."""
    monkeypatch.setattr(machine, "DRIVER", tmp_path / "driver")
    monkeypatch.setattr(machine, "DEVICES", tmp_path / "dev")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    for name in ("driver", "dev", "bin"):
        (tmp_path / name).mkdir()
    return tmp_path


def test_this_host(gpuless):
    (node,) = machine.nodes(Config())
    assert node.name == os.uname().nodename.split(".")[0]
    assert 1 <= node.cpus <= len(os.sched_getaffinity(0))
    assert node.cpus == node.sockets * node.cores_per_socket * node.threads_per_core
    assert 0 < node.memory <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20
    assert node.tmp_disk > 0
    assert (node.gpus, node.gres, node.state) == (0, "", "IDLE")


def test_configured_nodes():
    nodes = machine.nodes(
        Config(
            nodes=(
                NodeConfig("n1", 8, 1000, gres="gpu:a100:4,nvme:1", sockets=2, threads_per_core=2),
                NodeConfig("n2", 4, 500, features=("big",), weight=3),
            )
        )
    )
    assert [(node.name, node.cpus, node.memory, node.gpus, node.gpu_type) for node in nodes] == [
        ("n1", 8, 1000, 4, "a100"),
        ("n2", 4, 500, 0, ""),
    ]
    assert (nodes[0].sockets, nodes[0].cores_per_socket, nodes[0].threads_per_core) == (2, 2, 2)
    assert (nodes[1].features, nodes[1].weight) == (("big",), 3)


@pytest.mark.parametrize(
    ("gres", "found"),
    [
        ("", ("", 0)),
        ("gpu:2", ("", 2)),
        ("gpu", ("", 1)),
        ("gpu:a100", ("a100", 1)),
        ("gpu:a100:4(S:0-1),gpu:h100:2,nvme:3", ("a100", 6)),
    ],
)
def test_gpus_of_a_gres_setting(gres, found):
    assert machine.gpus_of_gres(gres) == found


def test_gpus_by_the_driver(gpuless):
    for bus in ("0000:3b:00.0", "0000:d8:00.0"):
        (gpuless / "driver" / bus).mkdir()
        (gpuless / "driver" / bus / "information").write_text("Model: \t\t NVIDIA A100-SXM4-40GB\nIRQ: 1\n")
    (node,) = machine.nodes(Config())
    assert (node.gpus, node.gpu_type, node.gres) == (2, "a100", "gpu:a100:2")


def test_gpus_by_device_files(gpuless):
    for name in ("nvidia0", "nvidia1", "nvidia10", "nvidiactl", "nvidia-uvm"):
        (gpuless / "dev" / name).touch()
    (node,) = machine.nodes(Config())
    assert (node.gpus, node.gpu_type, node.gres) == (3, "", "gpu:3")


def test_gpus_by_nvidia_smi(gpuless):
    program = gpuless / "bin" / "nvidia-smi"
    program.write_text(
        "#!/bin/sh\necho 'GPU 0: NVIDIA GeForce RTX 4090 (UUID: GPU-1)'\n"
        "echo 'GPU 1: NVIDIA GeForce RTX 4090 (UUID: GPU-2)'\n"
    )
    program.chmod(0o700)
    assert machine.detect_gpus() == ("4090", 2)


def test_nvidia_smi_that_fails_means_no_gpus(gpuless):
    program = gpuless / "bin" / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'NVIDIA-SMI has failed because ...'\nexit 9\n")
    program.chmod(0o700)
    assert machine.detect_gpus() == ("", 0)


@pytest.mark.parametrize(
    ("cgroup", "files", "cpus", "memory"),
    [
        ("0::/a/b\n", {"a/cpu.max": "150000 100000", "a/b/memory.max": str(64 << 20)}, 1, 64),
        ("0::/a\n", {"a/cpu.max": "max 100000", "a/memory.max": "max"}, None, None),
        (
            "4:memory:/m\n3:cpu,cpuacct:/c\n",
            {"cpu,cpuacct/c/cpu.cfs_quota_us": "100000", "cpu,cpuacct/c/cpu.cfs_period_us": "100000",
             "memory/memory.limit_in_bytes": str(32 << 20)},
            1,
            32,
        ),
        ("3:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None, None),
    ],
)  # fmt: skip
def test_limits_of_a_container(monkeypatch, tmp_path, cgroup, files, cpus, memory):
    plain = machine.cpu_count(), machine.memory_mb()
    (tmp_path / "self").write_text(cgroup)
    for name, text in files.items():
        path = tmp_path / "fs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    monkeypatch.setattr(machine, "OWN_CGROUP", tmp_path / "self")
    monkeypatch.setattr(machine, "CGROUPS", tmp_path / "fs")
    assert machine.cpu_count() == (cpus or plain[0])
    assert machine.memory_mb() == (memory or plain[1])

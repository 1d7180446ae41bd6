"""A real Slurm 22.05 cluster on loopback: the oracle that the shim is compared with.

Started as root on Debian, every daemon in one directory and ended by the process IDs recorded here. Run as a
program it stays up until interrupted: ``python tests/oracle/cluster.py DIRECTORY``.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

PACKAGES = ("slurm-wlm", "slurmdbd", "munge", "mariadb-server")
DAEMONS = ("slurmctld", "slurmd", "slurmdbd", "munged", "mariadbd")
NODES = {"n1": "", "n2": "", "n3": "Gres=gpu:a100:4 Feature=a100", "n4": "Gres=gpu:h100:4 Feature=h100"}
USERS = {"alice": 2001, "bob": 2002}
FIRST_JOB_ID = 500001
"""Six digits, so that the numbers of a test's own jobs cannot be taken for anything else in an output."""

SLURM_CONF = """\
ClusterName=oracle
SlurmctldHost={host}(127.0.0.1)
SlurmUser=slurm
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={root}/munge.socket
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmctldPort={slurmctld_port}
StateSaveLocation={root}/state
SlurmdSpoolDir={root}/spool/%n
SlurmctldPidFile={root}/run/slurmctld.pid
SlurmdPidFile={root}/run/slurmd.%n.pid
SlurmctldLogFile={root}/log/slurmctld.log
SlurmdLogFile={root}/log/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
PriorityType=priority/multifactor
PriorityWeightAge=1000
PriorityWeightPartition=1000
FirstJobId={first_job_id}
MaxArraySize=10001
MaxJobCount=60000
MinJobAge=300
KillWait=30
DefMemPerCPU=100
MailProg={root}/mail
GresTypes=gpu
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={slurmdbd_port}
AccountingStoragePass={root}/munge.socket
AccountingStorageTRES=gres/gpu,gres/gpu:a100,gres/gpu:h100
AccountingStoreFlags=job_comment,job_script,job_env
JobCompType=jobcomp/none
{nodes}
PartitionName=debug Nodes=n[1-4] Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes=n[3-4] Default=NO MaxTime=2-00:00:00 DefaultTime=01:00:00 State=UP
"""

NODE_CONF = (
    "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=8 Boards=1 SocketsPerBoard=1"
    " CoresPerSocket=8 ThreadsPerCore=1 RealMemory=8000 {extra} State=UNKNOWN"
)

SLURMDBD_CONF = """\
AuthType=auth/munge
AuthInfo=socket={root}/munge.socket
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={slurmdbd_port}
SlurmUser=slurm
LogFile={root}/log/slurmdbd.log
PidFile={root}/run/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={database_port}
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm_acct_db
"""

GRES_CONF = """\
AutoDetect=off
NodeName=n3 Name=gpu Type=a100 File={root}/dev/nvidia[0-3]
NodeName=n4 Name=gpu Type=h100 File={root}/dev/nvidia[0-3] Flags=nvidia_gpu_env
"""

DATABASE = """\
create database slurm_acct_db;
create user slurm@'127.0.0.1' identified by 'slurm';
grant all on slurm_acct_db.* to slurm@'127.0.0.1';
"""


class Unavailable(Exception):
    """Real Slurm cannot be had on this machine; the text says why."""


@dataclasses.dataclass(frozen=True)
class Address:
    """Where a running cluster is found, and the numbers its jobs can have."""

    slurm_conf: Path
    first_job_id: int


def running(slurm_conf: Path) -> Address:
    """The address of a cluster that somebody else started."""
    first = re.search(r"^FirstJobId=(\d+)", slurm_conf.read_text(), re.MULTILINE)
    return Address(slurm_conf, int(first[1]) if first else 1)


def install() -> None:
    """Install real Slurm from the Debian archive where it is missing; raises Unavailable."""
    if all(shutil.which(name, path=search_path()) for name in DAEMONS):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Unavailable(f"needs root and apt-get to install {' '.join(PACKAGES)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "-y", "--no-install-recommends", *PACKAGES]):
        done = subprocess.run(["apt-get", "-q", *command], env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Unavailable(f"apt-get {command[0]} failed: {done.stderr.strip().splitlines()[-1:]}")


def search_path() -> str:
    """The directories of a fresh system, daemons included; the developer's own stay out of the answers."""
    return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def free_ports(count: int) -> list[int]:
    """Distinct TCP ports nobody listens on now."""
    with contextlib.ExitStack() as sockets:
        listeners = [sockets.enter_context(socket.socket()) for _ in range(count)]
        for listener in listeners:
            listener.bind(("127.0.0.1", 0))
        return [listener.getsockname()[1] for listener in listeners]


def await_success(command: Sequence[str], env: Mapping[str, str], seconds: float = 60) -> str:
    """Poll a command until it succeeds with some output; daemons announce readiness in no other way."""
    deadline = time.monotonic() + seconds
    while True:
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        if done.returncode == 0 and done.stdout.strip():
            return done.stdout
        if time.monotonic() > deadline:
            raise RuntimeError(f"gave up waiting for {' '.join(command)}: {done.stdout}{done.stderr}")
        time.sleep(0.1)


class Cluster:
    """One cluster in one directory, which must be reachable for every user (mode 755 up to the root)."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.slurm_conf = root / "etc" / "slurm.conf"
        self.env = {"PATH": search_path(), "SLURM_CONF": str(self.slurm_conf)}
        self.daemons: list[subprocess.Popen[bytes]] = []

    def start(self) -> Address:
        """Bring everything up, in the order of who needs whom."""
        self.prepare()
        self.start_munge()
        self.start_database()
        self.start_accounting()
        self.launch("slurmctld", "slurm", ["slurmctld", "-D"])
        self.until("scontrol", "ping")
        for name in NODES:
            self.launch(f"slurmd.{name}", "root", ["slurmd", "-D", "-N", name])
        idle = ["sh", "-c", "sinfo -h -N -p debug -t idle -o %N | grep -c . | grep -x 4"]
        self.until(*idle)
        return Address(self.slurm_conf, FIRST_JOB_ID)

    def stop(self) -> None:
        """End what this object started, last started first."""
        for daemon in reversed(self.daemons):
            daemon.terminate()
        for daemon in reversed(self.daemons):
            try:
                daemon.wait(30)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def prepare(self) -> None:
        """Directories, users, device files and configuration."""
        for name in ("etc", "run", "log", "state", "spool", "dev", "mysql", "munge"):
            (self.root / name).mkdir(parents=True)
        for user, uid in USERS.items():
            with contextlib.suppress(KeyError):
                pwd.getpwnam(user)
                continue
            subprocess.run(["useradd", "-m", "-u", str(uid), "-s", "/bin/bash", user], check=True, env=self.env)
        for index in range(4):
            device = self.root / "dev" / f"nvidia{index}"
            os.mknod(device, 0o666 | 0o020000, os.makedev(1, 3))
        ctld, dbd, self.database_port, *nodes = free_ports(3 + len(NODES))
        host = socket.gethostname()
        values = {
            "root": self.root,
            "host": host,
            "first_job_id": FIRST_JOB_ID,
            "slurmctld_port": ctld,
            "slurmdbd_port": dbd,
            "database_port": self.database_port,
            "nodes": "\n".join(
                NODE_CONF.format(name=name, host=host, port=port, extra=extra)
                for (name, extra), port in zip(NODES.items(), nodes, strict=True)
            ),
        }
        etc = self.root / "etc"
        (etc / "slurm.conf").write_text(SLURM_CONF.format(**values))
        (etc / "gres.conf").write_text(GRES_CONF.format(**values))
        (etc / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
        (etc / "slurmdbd.conf").write_text(SLURMDBD_CONF.format(**values))
        (etc / "slurmdbd.conf").chmod(0o600)
        mail = self.root / "mail"
        mail.write_text(f'#!/bin/sh\necho "$@" >>{self.root}/mail.log\n')
        mail.chmod(0o755)
        (self.root / "mail.log").touch()
        (self.root / "mail.log").chmod(0o666)
        for path, owner in {"state": "slurm", "log": "slurm", "mysql": "mysql", "munge": "munge"}.items():
            shutil.chown(self.root / path, owner)
        shutil.chown(etc / "slurmdbd.conf", "slurm")
        (self.root / "run").chmod(0o1777)

    def start_munge(self) -> None:
        """A credential daemon of our own, so that the machine's stays as it is."""
        key = self.root / "munge" / "key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        shutil.chown(key, "munge")
        files = {"key-file": "munge/key", "pid-file": "munge/pid", "log-file": "munge/log", "seed-file": "munge/seed"}
        options = [f"--{option}={self.root / path}" for option, path in files.items()]
        # --force: the directories above are a temporary one's, which munged would call insecure.
        self.link = self.root / "munge.socket"
        command = ["munged", "--foreground", "--force", f"--socket={self.root}/munge/socket", *options]
        self.launch("munged", "munge", command)
        self.link.symlink_to(self.root / "munge" / "socket")
        self.until("sh", "-c", f"munge -n --socket={self.link} </dev/null")

    def start_database(self) -> None:
        """MariaDB with its own data directory."""
        data = self.root / "mysql" / "data"
        setup = ["mariadb-install-db", "--no-defaults", "--user=mysql", f"--datadir={data}", "--skip-test-db"]
        subprocess.run(setup, env=self.env, check=True, capture_output=True)
        sock = f"--socket={self.root}/mysql/socket"
        network = [f"--port={self.database_port}", "--bind-address=127.0.0.1", f"--pid-file={self.root}/mysql/pid"]
        tuning = ["--innodb-buffer-pool-size=128M", "--innodb-lock-wait-timeout=900", "--skip-log-bin"]
        self.launch("mariadbd", "mysql", ["mariadbd", "--no-defaults", f"--datadir={data}", sock, *network, *tuning])
        self.until("mariadb-admin", "--no-defaults", sock, "-u", "root", "ping")
        client = ["mariadb", "--no-defaults", sock, "-u", "root"]
        subprocess.run(client, env=self.env, input=DATABASE, text=True, check=True)

    def start_accounting(self) -> None:
        """slurmdbd, with the account and users that jobs are charged to."""
        self.launch("slurmdbd", "slurm", ["slurmdbd", "-D"])
        self.until("sacctmgr", "-n", "list", "user")
        for words in (
            ["cluster", "oracle"],
            ["account", "proj", "Cluster=oracle"],
            ["user", ",".join(USERS), "DefaultAccount=proj"],
        ):
            subprocess.run(["sacctmgr", "-iQ", "add", *words], env=self.env, check=True, capture_output=True)

    def launch(self, name: str, user: str, command: Sequence[str]) -> None:
        """Start one daemon in a session of its own, its output in log/NAME.out."""
        program = shutil.which(command[0], path=search_path())
        assert program, command[0]
        entry = pwd.getpwnam(user)
        with (self.root / "log" / f"{name}.out").open("ab") as log:
            daemon = subprocess.Popen(
                [program, *command[1:]],
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                user=entry.pw_uid,
                group=entry.pw_gid,
                extra_groups=[],
            )
        self.daemons.append(daemon)

    def until(self, *command: str) -> str:
        """Wait for a command of this cluster to succeed."""
        return await_success(command, self.env)


@contextlib.contextmanager
def started(root: Path) -> Iterator[Address]:
    """A cluster for the time of a with block."""
    if os.geteuid() != 0:
        raise Unavailable("the daemons of a real cluster need root")
    install()
    cluster = Cluster(root)
    try:
        yield cluster.start()
    finally:
        cluster.stop()


def main(wait: Callable[[], object] = signal.pause) -> None:
    """Keep a cluster up by hand, to look at what real Slurm does."""
    root = Path(sys.argv[1]).absolute()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with started(root) as address, contextlib.suppress(KeyboardInterrupt):
        print(f"export SLURM_CONF={address.slurm_conf}", flush=True)
        wait()


if __name__ == "__main__":
    main()

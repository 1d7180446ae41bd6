"""``scontrol show config``: what slurm.conf would say (slurm_print_ctl_conf).

Clients read single values of it (MinJobAge, MaxArraySize, SlurmctldPort, SelectTypeParameters). What this controller
knows is asked for; the rest is what Slurm says of things that are not configured.
"""

import getpass
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass

from shim.commands.display.times import TimeFormat
from shim.commands.scontrol.control import ping_line
from shim.commands.scontrol.session import Session
from shim.config.settings import Config
from shim.controller.modify import BASE_PRIORITY
from shim.controller.queue import Queue


@dataclass(frozen=True)
class Sources:
    """Where values come from."""

    queue: Queue
    config: Config
    time: TimeFormat
    user: str


Value = str | Callable[[Sources], object]
"""A value, or how it is found out; None leaves the key out."""


def show_config(session: Session, _text: str | None) -> None:
    """Print all keys with their values, and whether the controller is up."""
    queue, time = session.queue, TimeFormat(session.call.env)
    sources = Sources(queue, queue.config, time, getpass.getuser())
    lines = [f"Configuration data as of {time(queue.now())}"]
    for key, value in _KEYS:
        text = value if isinstance(value, str) else value(sources)
        if text is not None:
            lines.append(f"{key:<23} = {text}")
    session.out("\n".join(lines) + "\n\n" + ping_line())


def _gres_names(sources: Sources) -> list[str]:
    names = ["gpu"] if any(node.gpu_types for node in sources.queue.nodes) else []
    for node in sources.queue.nodes:
        names += [name for name in node.gres if name not in names]
    return names


def _gres_types(sources: Sources) -> str:
    return ",".join(_gres_names(sources)) or "(null)"


def _tres(sources: Sources) -> str:
    kinds = dict.fromkeys(kind for node in sources.queue.nodes for kind in node.gpu_types if kind)
    gres = [f"gres/{name}" for name in _gres_names(sources)] + [f"gres/gpu:{kind}" for kind in kinds]
    return ",".join(["cpu", "mem", "energy", "node", "billing", "fs/disk", "vmem", "pages", *gres])


_KEYS: tuple[tuple[str, Value], ...] = (
    ("AccountingStorageBackupHost", "(null)"),
    ("AccountingStorageEnforce", "none"),
    ("AccountingStorageHost", "localhost"),
    ("AccountingStorageExternalHost", "(null)"),
    ("AccountingStorageParameters", "(null)"),
    ("AccountingStoragePort", "0"),
    ("AccountingStorageTRES", _tres),
    ("AccountingStorageType", "accounting_storage/slurmdbd"),
    ("AccountingStorageUser", "N/A"),
    ("AccountingStoreFlags", "job_comment,job_env,job_script"),
    ("AcctGatherEnergyType", "acct_gather_energy/none"),
    ("AcctGatherFilesystemType", "acct_gather_filesystem/none"),
    ("AcctGatherInterconnectType", "acct_gather_interconnect/none"),
    ("AcctGatherNodeFreq", "0 sec"),
    ("AcctGatherProfileType", "acct_gather_profile/none"),
    ("AllowSpecResourcesUsage", "No"),
    ("AuthAltTypes", "(null)"),
    ("AuthAltParameters", "(null)"),
    ("AuthInfo", "(null)"),
    ("AuthType", "auth/none"),
    ("BatchStartTimeout", "10 sec"),
    ("BcastExclude", "/lib,/usr/lib,/lib64,/usr/lib64"),
    ("BcastParameters", "(null)"),
    ("BOOT_TIME", lambda s: s.time(s.queue.begun)),
    ("BurstBufferType", "(null)"),
    ("CliFilterPlugins", "(null)"),
    ("ClusterName", lambda s: s.config.cluster_name),
    ("CommunicationParameters", "(null)"),
    ("CompleteWait", "0 sec"),
    ("CoreSpecPlugin", "core_spec/none"),
    ("CpuFreqDef", "Unknown"),
    ("CpuFreqGovernors", "OnDemand,Performance,UserSpace"),
    ("CredType", "cred/none"),
    ("DebugFlags", "(null)"),
    ("DefMemPerNode", lambda s: "UNLIMITED" if not s.config.def_mem_per_cpu else None),
    ("DefMemPerCPU", lambda s: s.config.def_mem_per_cpu or None),
    ("DependencyParameters", lambda s: "kill_invalid_depend" if s.config.kill_invalid_depend else "(null)"),
    ("DisableRootJobs", "No"),
    ("EioTimeout", "60"),
    ("EnforcePartLimits", lambda s: "ALL" if s.config.enforce_part_limits else "NO"),
    ("Epilog", "(null)"),
    ("EpilogMsgTime", "2000 usec"),
    ("EpilogSlurmctld", "(null)"),
    ("ExtSensorsType", "ext_sensors/none"),
    ("ExtSensorsFreq", "0 sec"),
    ("FairShareDampeningFactor", "1"),
    ("FederationParameters", "(null)"),
    ("FirstJobId", lambda s: s.config.first_job_id),
    ("GetEnvTimeout", "2 sec"),
    ("GresTypes", _gres_types),
    ("GpuFreqDef", "high,memory=high"),
    ("GroupUpdateForce", "1"),
    ("GroupUpdateTime", "600 sec"),
    ("HASH_VAL", "Match"),
    ("HealthCheckInterval", "0 sec"),
    ("HealthCheckNodeState", "ANY"),
    ("HealthCheckProgram", "(null)"),
    ("InactiveLimit", "0 sec"),
    ("InteractiveStepOptions", "--interactive --preserve-env --pty $SHELL"),
    ("JobAcctGatherFrequency", "30"),
    ("JobAcctGatherType", "jobacct_gather/linux"),
    ("JobAcctGatherParams", "(null)"),
    ("JobCompHost", "localhost"),
    ("JobCompLoc", "/var/log/slurm_jobcomp.log"),
    ("JobCompPort", "0"),
    ("JobCompType", "jobcomp/none"),
    ("JobCompUser", "root"),
    ("JobContainerType", "job_container/none"),
    ("JobCredentialPrivateKey", "(null)"),
    ("JobCredentialPublicCertificate", "(null)"),
    ("JobDefaults", "(null)"),
    ("JobFileAppend", lambda s: int(s.config.job_file_append)),
    ("JobRequeue", lambda s: int(s.config.job_requeue)),
    ("JobSubmitPlugins", "(null)"),
    ("KillOnBadExit", "0"),
    ("KillWait", lambda s: f"{s.config.kill_wait:g} sec"),
    ("LaunchParameters", "(null)"),
    ("LaunchType", "launch/slurm"),
    ("Licenses", "(null)"),
    ("LogTimeFormat", "iso8601_ms"),
    ("MailDomain", "(null)"),
    ("MailProg", lambda s: s.config.mail_prog),
    ("MaxArraySize", lambda s: s.config.max_array_size),
    ("MaxDBDMsgs", "0"),
    ("MaxJobCount", lambda s: s.config.max_job_count),
    ("MaxJobId", "67043328"),
    ("MaxMemPerNode", "UNLIMITED"),
    ("MaxNodeCount", lambda s: len(s.queue.nodes)),
    ("MaxStepCount", "40000"),
    ("MaxTasksPerNode", "512"),
    ("MCSPlugin", "mcs/none"),
    ("MCSParameters", "(null)"),
    ("MessageTimeout", "10 sec"),
    ("MinJobAge", lambda s: f"{s.config.min_job_age:g} sec"),
    ("MpiDefault", lambda s: s.config.mpi_default),
    ("MpiParams", "(null)"),
    ("NEXT_JOB_ID", lambda s: s.queue.next_job_id),
    ("NodeFeaturesPlugins", "(null)"),
    ("OverTimeLimit", "0 min"),
    ("PluginDir", "(null)"),
    ("PlugStackConfig", "(null)"),
    ("PowerParameters", "(null)"),
    ("PowerPlugin", ""),
    ("PreemptMode", "OFF"),
    ("PreemptType", "preempt/none"),
    ("PreemptExemptTime", "00:00:00"),
    ("PrEpParameters", "(null)"),
    ("PrEpPlugins", "prep/script"),
    ("PriorityParameters", "(null)"),
    ("PrioritySiteFactorParameters", "(null)"),
    ("PrioritySiteFactorPlugin", "(null)"),
    ("PriorityDecayHalfLife", "7-00:00:00"),
    ("PriorityCalcPeriod", "00:05:00"),
    ("PriorityFavorSmall", "No"),
    ("PriorityFlags", ""),
    ("PriorityMaxAge", "7-00:00:00"),
    ("PriorityUsageResetPeriod", "NONE"),
    ("PriorityType", "priority/multifactor"),
    ("PriorityWeightAge", "0"),
    ("PriorityWeightAssoc", "0"),
    ("PriorityWeightFairShare", "0"),
    ("PriorityWeightJobSize", "0"),
    ("PriorityWeightPartition", str(BASE_PRIORITY)),
    ("PriorityWeightQOS", "0"),
    ("PriorityWeightTRES", "(null)"),
    ("PrivateData", "none"),
    ("ProctrackType", "proctrack/linuxproc"),
    ("Prolog", "(null)"),
    ("PrologEpilogTimeout", "65534"),
    ("PrologSlurmctld", "(null)"),
    ("PrologFlags", "(null)"),
    ("PropagatePrioProcess", "0"),
    ("PropagateResourceLimits", "ALL"),
    ("PropagateResourceLimitsExcept", "(null)"),
    ("RebootProgram", "(null)"),
    ("ReconfigFlags", "(null)"),
    ("RequeueExit", "(null)"),
    ("RequeueExitHold", "(null)"),
    ("ResumeFailProgram", "(null)"),
    ("ResumeProgram", "(null)"),
    ("ResumeRate", "300 nodes/min"),
    ("ResumeTimeout", "60 sec"),
    ("ResvEpilog", "(null)"),
    ("ResvOverRun", "0 min"),
    ("ResvProlog", "(null)"),
    ("ReturnToService", "2"),
    ("RoutePlugin", "route/default"),
    ("SchedulerParameters", lambda s: f"bf_max_job_test={s.config.bf_max_job_test}"),
    ("SchedulerTimeSlice", "30 sec"),
    ("SchedulerType", "sched/backfill"),
    ("ScronParameters", "(null)"),
    ("SelectType", "select/cons_tres"),
    ("SelectTypeParameters", "CR_CORE_MEMORY"),
    ("SlurmUser", lambda s: f"{s.user}({os.getuid()})"),
    ("SlurmctldAddr", "(null)"),
    ("SlurmctldDebug", "info"),
    ("SlurmctldHost[0]", lambda _: socket.gethostname()),
    ("SlurmctldLogFile", "(null)"),
    ("SlurmctldPort", "6817"),
    ("SlurmctldSyslogDebug", "(null)"),
    ("SlurmctldPrimaryOffProg", "(null)"),
    ("SlurmctldPrimaryOnProg", "(null)"),
    ("SlurmctldTimeout", "120 sec"),
    ("SlurmctldParameters", "(null)"),
    ("SlurmdDebug", "info"),
    ("SlurmdLogFile", "(null)"),
    ("SlurmdParameters", "(null)"),
    ("SlurmdPidFile", "(null)"),
    ("SlurmdPort", "6818"),
    ("SlurmdSpoolDir", "(null)"),
    ("SlurmdSyslogDebug", "(null)"),
    ("SlurmdTimeout", "300 sec"),
    ("SlurmdUser", lambda s: f"{s.user}({os.getuid()})"),
    ("SlurmSchedLogFile", "(null)"),
    ("SlurmSchedLogLevel", "0"),
    ("SlurmctldPidFile", "(null)"),
    ("SlurmctldPlugstack", "(null)"),
    ("SLURM_CONF", lambda s: s.config.source or "(null)"),
    ("SLURM_VERSION", lambda s: s.config.version),
    ("SrunEpilog", "(null)"),
    ("SrunPortRange", "0-0"),
    ("SrunProlog", "(null)"),
    ("StateSaveLocation", "(null)"),
    ("SuspendExcNodes", "(null)"),
    ("SuspendExcParts", "(null)"),
    ("SuspendProgram", "(null)"),
    ("SuspendRate", "60 nodes/min"),
    ("SuspendTime", "INFINITE"),
    ("SuspendTimeout", "30 sec"),
    ("SwitchParameters", "(null)"),
    ("SwitchType", "switch/none"),
    ("TaskEpilog", "(null)"),
    ("TaskPlugin", "task/none"),
    ("TaskPluginParam", "(null type)"),
    ("TaskProlog", "(null)"),
    ("TCPTimeout", "2 sec"),
    ("TmpFS", lambda s: s.config.tmp_dir),
    ("TopologyParam", "(null)"),
    ("TopologyPlugin", "topology/none"),
    ("TrackWCKey", "No"),
    ("TreeWidth", "50"),
    ("UsePam", "No"),
    ("UnkillableStepProgram", "(null)"),
    ("UnkillableStepTimeout", "60 sec"),
    ("VSizeFactor", "0 percent"),
    ("WaitTime", "0 sec"),
    ("X11Parameters", "(null)"),
)

"""The normaliser hides what must differ between two clusters, and nothing else."""

import datetime

import pytest

from .normalise import Normaliser, Place

NOW = datetime.datetime(2026, 11, 24, 12, 0, 0)


def normaliser(user="alice", uid=2001, masks=()):
    place = Place("/tmp/x/case", 500001, user, uid, f"/home/{user}", "vm")
    return Normaliser(place, masks, NOW)


def test_jobs_are_counted_in_order_of_appearance_over_all_outputs():
    level = normaliser()
    assert level("Submitted batch job 500007\n") == "Submitted batch job J00001\n"
    assert level("500009_[1-3%2] 500007") == "J00002_[1-3%2] J00001"


def test_a_job_number_keeps_its_width_and_zeros():
    assert normaliser()("slurm-0000500007.out") == "slurm-J000000001.out"
    assert len(normaliser()("            500007 ")) == len("            500007 ")


@pytest.mark.parametrize("text", ["1500007", "5000071", "510000", "10001", "2.500007", "4294967294"])
def test_other_numbers_stay(text):
    assert normaliser()(text) == text


def test_the_present_is_levelled_and_other_times_stay():
    level = normaliser()
    assert level("StartTime=2026-11-24T11:59:01") == "StartTime=YYYY-MM-DDTHH:MM:SS"
    assert level("2030-01-20T12:34:00") == "2030-01-20T12:34:00"
    assert level("Tue Nov 24 18:51:51 2026\n") == "Day Mon DD HH:MM:SS YYYY\n"


@pytest.mark.parametrize(
    ("text", "levelled"),
    [
        ("alice  R       0:07      1 n1", "alice  R       0:00      1 n1"),
        ("alice  R      12:07      1 n1", "alice  R       0:00      1 n1"),
        ("alice PD       0:00      1 (None)", "alice PD       0:00      1 (None)"),
        ("RunTime=00:00:17 TimeLimit=00:30:00", "RunTime=00:00:00 TimeLimit=00:30:00"),
        ("ExitCode=0:15", "ExitCode=0:15"),
        ("FAILED      0:53 ", "FAILED      0:53 "),
        ("FAILED|0:53", "FAILED|0:53"),
        ("     FAILED     0:15 \n", "     FAILED     0:15 \n"),
        ("  RUNNING       0:04      5:00      1 n1", "  RUNNING       0:00      5:00      1 n1"),
    ],
)
def test_only_elapsed_times_are_levelled(text, levelled):
    assert normaliser()(text) == levelled


def test_the_user_becomes_alice_in_columns_of_the_same_width():
    level = normaliser("root", 0)
    assert level("   job     root PD") == "   job    alice PD"
    assert level("root      PD") == "alice     PD"
    assert level("UserId=root(0) GroupId=root(0)") == "UserId=alice(2001) GroupId=alice(2001)"
    assert level("CANCELLED by 0") == "CANCELLED by 2001"
    assert level("/root/x xroot root") == "/root/x xroot alice"


def test_version_daemon_host_and_directories():
    level = normaliser()
    assert level("slurm-wlm 22.05.8") == "slurm 22.05.8"
    assert level("slurmstepd-n1: error: x") == "slurmstepd: error: x"
    assert level("Slurmctld(primary) at vm is UP") == "Slurmctld(primary) at HOST is UP"
    assert level("vms vm.out /vm") == "vms vm.out /vm"
    assert level("/tmp/x/case/out /home/alice/y") == "/CASE/out /HOME/y"
    assert level("0=/var/spool/job500001/slurm_script") == "0=SPOOL/slurm_script"


def test_a_scenario_masks_what_it_declares():
    assert normaliser(masks=[(r"pid \d+", "pid N")])("pid 77") == "pid N"

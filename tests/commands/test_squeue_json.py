"""``squeue --json`` and ``--yaml`` in the layout that was recorded from Slurm 22.05."""

import json
from dataclasses import replace

import pytest
import yaml

from shim.commands.display.document import json_stream, to_json, to_yaml, yaml_stream
from shim.commands.squeue import run
from shim.grammar.indexset import IndexSet
from shim.job.record import Share
from tests.commands.recorded import recorded_queue
from tests.commands.tinyqueue import CONFIG, NOW, TinyQueue, ask

# A held job of two tasks, as recorded, but for its account's number.
HELD = json.loads("""\
{
 "account": "proj",
 "accrue_time": 0,
 "admin_comment": "",
 "array_job_id": 0,
 "array_task_id": null,
 "array_max_tasks": 0,
 "array_task_string": "",
 "association_id": 0,
 "batch_features": "",
 "batch_flag": true,
 "batch_host": "",
 "flags": [],
 "burst_buffer": "",
 "burst_buffer_state": "",
 "cluster": "oracle",
 "cluster_features": "",
 "command": "",
 "comment": "",
 "container": "",
 "contiguous": false,
 "core_spec": null,
 "thread_spec": null,
 "cores_per_socket": null,
 "billable_tres": null,
 "cpus_per_task": null,
 "cpu_frequency_minimum": null,
 "cpu_frequency_maximum": null,
 "cpu_frequency_governor": null,
 "cpus_per_tres": "",
 "deadline": 0,
 "delay_boot": 0,
 "dependency": "",
 "derived_exit_code": 0,
 "eligible_time": 0,
 "end_time": 0,
 "excluded_nodes": "",
 "exit_code": 0,
 "features": "",
 "federation_origin": "",
 "federation_siblings_active": "",
 "federation_siblings_viable": "",
 "gres_detail": [],
 "group_id": 2003,
 "group_name": "carol",
 "job_id": 750,
 "job_state": "PENDING",
 "last_sched_evaluation": 1795548754,
 "licenses": "",
 "max_cpus": 0,
 "max_nodes": 0,
 "mcs_label": "",
 "memory_per_tres": "",
 "name": "js",
 "nodes": "",
 "nice": null,
 "tasks_per_core": null,
 "tasks_per_node": 0,
 "tasks_per_socket": null,
 "tasks_per_board": 0,
 "cpus": 2,
 "node_count": 1,
 "tasks": 2,
 "het_job_id": 0,
 "het_job_id_set": "",
 "het_job_offset": 0,
 "partition": "debug",
 "prefer": "",
 "memory_per_node": null,
 "memory_per_cpu": 100,
 "minimum_cpus_per_node": 1,
 "minimum_tmp_disk_per_node": 0,
 "preempt_time": 0,
 "pre_sus_time": 0,
 "priority": 0,
 "profile": null,
 "qos": "normal",
 "reboot": false,
 "required_nodes": "",
 "requeue": true,
 "resize_time": 0,
 "restart_cnt": 0,
 "resv_name": "",
 "shared": null,
 "show_flags": [
  "SHOW_ALL",
  "SHOW_DETAIL",
  "SHOW_LOCAL"
 ],
 "sockets_per_board": 0,
 "sockets_per_node": null,
 "start_time": 0,
 "state_description": "",
 "state_reason": "JobHeldUser",
 "standard_error": "",
 "standard_input": "/dev/null",
 "standard_output": "",
 "submit_time": 1795548754,
 "suspend_time": 0,
 "system_comment": "",
 "time_limit": 10,
 "time_minimum": 0,
 "threads_per_core": null,
 "tres_bind": "",
 "tres_freq": "",
 "tres_per_job": "",
 "tres_per_node": "",
 "tres_per_socket": "",
 "tres_per_task": "",
 "tres_req_str": "cpu=2,mem=200M,node=1,billing=2",
 "tres_alloc_str": "",
 "user_id": 2003,
 "user_name": "carol",
 "wckey": "",
 "current_working_directory": "/home/carol/w/xx05"
}
""")


def dumped(queue: TinyQueue, *argv: str) -> dict:
    return json.loads(ask(run, queue, "--json", *argv).stdout)


def test_a_held_job_is_the_recorded_one():
    queue = TinyQueue()
    queue.add(
        750,
        "js",
        priority=0,
        reason="JobHeldUser",
        ntasks=2,
        time_limit=10,
        account="proj",
        submit_time=1795548754.2,
        last_sched_eval=1795548754.2,
    )
    (job,) = dumped(queue)["jobs"]
    expected = {**HELD, "current_working_directory": "/home/carol/w"}
    assert job == expected
    assert list(job) == list(expected)


def test_the_frame():
    document = dumped(TinyQueue())
    assert document == {
        "meta": {
            "plugin": {"type": "openapi/v0.0.38", "name": "Slurm OpenAPI v0.0.38"},
            "Slurm": {"version": {"major": 22, "micro": 8, "minor": 5}, "release": "22.05.8"},
        },
        "errors": [],
        "jobs": [],
    }


def test_filters_are_ignored():
    queue = recorded_queue()
    assert len(dumped(queue, "-j", "307", "-t", "PD")["jobs"]) == len(queue.jobs)


def test_the_layout_of_newer_releases():
    queue = TinyQueue()
    queue.add(7, "one", ran=5, on=("n1",), time_limit=10)
    queue.add(8, "two", priority=0, reason="JobHeldUser")
    document = dumped(queue, "--json=v0.0.40", "-t", "PD")
    assert document["meta"]["plugin"]["data_parser"] == "data_parser/v0.0.40"
    (held,) = document["jobs"]  # filters hold there
    running = dumped(queue, "--json=v0.0.40", "-j", "7")["jobs"][0]
    assert (held["job_id"], held["hold"], held["job_state"]) == (8, True, ["PENDING"])
    assert held["priority"] == {"set": True, "infinite": False, "number": 0}
    assert held["time_limit"] == {"set": False, "infinite": True, "number": 0}
    assert held["array_task_id"] == {"set": False, "infinite": False, "number": 0}
    assert (running["job_state"], running["node_count"]["number"], running["cpus"]["number"]) == (["RUNNING"], 1, 1)
    assert running["time_limit"] == {"set": True, "infinite": False, "number": 10}
    assert running["start_time"]["number"] == int(NOW) - 5
    assert running["exit_code"] == {
        "status": ["SUCCESS"],
        "return_code": {"set": True, "infinite": False, "number": 0},
        "signal": {"id": {"set": False, "infinite": False, "number": 0}, "name": ""},
    }


def test_the_layout_may_be_configured():
    queue = TinyQueue(config=replace(CONFIG, data_parser="v0.0.40"))
    assert "warnings" in dumped(queue)
    assert "warnings" not in dumped(queue, "--json=v0.0.38")


def test_unknown_layouts_are_refused():
    answer = ask(run, TinyQueue(), "--json=v0.0.1")
    assert (answer.code, answer.stdout) == (1, "")
    assert answer.stderr == "squeue: fatal: no data_parser plugin v0.0.1: there are v0.0.38 and v0.0.40\n"
    assert ask(run, TinyQueue(), "--json=list").code == 0


def test_a_running_job_with_gpus():
    queue = TinyQueue()
    job = queue.add(573, "gpus", ran=5, on=("n3",), partition="gpu", gpus_per_task="1", ntasks=2, time_limit=60)
    job.shares = (Share("n3", 2, 200, (0, 1), "a100", 2),)
    (found,) = dumped(queue)["jobs"]
    wanted = {
        "batch_host": "n3",
        "billable_tres": 2.0,
        "cpus": 2,
        "end_time": int(NOW) - 5 + 3600,
        "flags": ["JOB_WAS_RUNNING"],
        "gres_detail": ["gpu:a100:2(IDX:0-1)"],
        "job_resources": {
            "nodes": "n3",
            "allocated_cores": 2,
            "allocated_hosts": 1,
            "allocated_nodes": [
                {
                    "sockets": {"0": {"cores": {"0": "allocated", "1": "allocated"}}},
                    "nodename": "n3",
                    "cpus_used": 0,
                    "memory_used": 0,
                    "memory_allocated": 200,
                }
            ],
        },
        "job_state": "RUNNING",
        "nodes": "n3",
        "start_time": int(NOW) - 5,
        "time_limit": 60,
        "tres_alloc_str": "cpu=2,mem=200M,node=1,billing=2,gres/gpu=2,gres/gpu:a100=2",
        "tres_req_str": "cpu=2,mem=200M,node=1,billing=2,gres/gpu=2",
    }
    assert {name: found[name] for name in wanted} == wanted
    assert list(found).index("job_resources") == list(found).index("job_id") + 1


def test_an_array():
    queue = TinyQueue()
    queue.add(575, array="0-9999:7", tasks=IndexSet.parse("0-9996:7"), throttle=12)
    queue.add(576, array="0-9999:7", array_job_id=575, task_id=3, ran=5, on=("n1",))
    task, rest = dumped(queue)["jobs"]  # what is left of an array stands behind the last task split off
    assert (rest["array_job_id"], rest["array_task_id"], rest["array_task_string"], rest["array_max_tasks"]) == (
        575,
        None,
        "0-9996:7%12",
        12,
    )
    assert (task["array_job_id"], task["array_task_id"], task["array_task_string"]) == (575, 3, "")


@pytest.mark.parametrize("items", [[], [{"a": 1}], [{"a": []}, {"b": {"c": ["x"]}}, {"d": None}]])
def test_parts_make_the_whole(items):
    frame = {"meta": {"x": "y/z"}, "errors": []}
    assert "".join(json_stream(frame, "jobs", items)) == to_json({**frame, "jobs": items})
    assert "".join(yaml_stream(frame, "jobs", items)) == to_yaml({**frame, "jobs": items})


def test_text_is_laid_out_as_by_json_c():
    assert to_json({"a": "x/y", "b": [], "c": [1, {"d": None}], "e": {"f": 1.0, "g": True}}) == (
        '{\n  "a": "x\\/y",\n  "b": [\n  ],\n  "c": [\n    1,\n    {\n      "d": null\n    }\n  ],\n'
        '  "e": {\n    "f": 1.0,\n    "g": true\n  }\n}'
    )


def test_yaml_is_tagged_as_by_libyaml():
    text = ask(run, recorded_queue(), "--yaml").stdout
    assert text.startswith(
        "%YAML 1.1\n--- !!map\n!!str meta: !!map\n  !!str plugin: !!map\n    !!str type: !!str openapi/v0.0.38\n"
        "    !!str name: !!str Slurm OpenAPI v0.0.38\n  !!str Slurm: !!map\n    !!str version: !!map\n"
        "      !!str major: !!int 22\n"
    )
    assert "!!str errors: !!seq []\n!!str jobs: !!seq\n- !!map\n  !!str account: !!null null\n" in text
    assert "  !!str flags: !!seq\n  - !!str JOB_WAS_RUNNING\n" in text
    assert "  !!str billable_tres: !!float 1.000000\n" in text
    assert text.endswith("  !!str current_working_directory: !!str /home/carol/w\n...\n")


@pytest.mark.parametrize(
    "value",
    [
        "plain",
        "with blank",
        "a: b",
        "#c",
        "it's",
        "",
        "tab\there",
        "line\nbreak",
        "- item",
        "null",
        "3",
        "[x]",
        "{x}",
        "*",
        "&a",
        "!t",
        "%d",
        "@x",
        " lead",
        "trail ",
        "ü",
        "a, b",
        "yes",
        '"quoted"',
        "back\\slash",
        "-",
        "?",
        "x#y",
    ],
)
def test_yaml_reads_back_what_was_written(value):
    assert yaml.safe_load(to_yaml({"key": value, "list": [value]})) == {"key": value or None, "list": [value or None]}

"""Cylc: a workflow of five tasks through the slurm job runner, one of which fails, followed by polling squeue."""

from pathlib import Path

from support import BIN, environment, partition, run_client

HERE = Path.cwd()
SITE = f"""
[platforms]
    [[cluster]]
        hosts = localhost
        job runner = slurm
        install target = localhost
        global init-script = "export PATH={BIN}:$PATH HOME={HERE} CYLC_CONF_PATH={HERE}/site"
        submission polling intervals = PT2S
        execution polling intervals = PT2S
        communication method = poll
    [[localhost]]
        hosts = localhost
"""
WORKFLOW = f"""
[scheduler]
    [[events]]
        stall timeout = PT0S
        abort on stall timeout = True
        workflow timeout = PT100S
        abort on workflow timeout = True
[task parameters]
    m = 1..2
[scheduling]
    [[graph]]
        R1 = \"\"\"
            a<m> => b & bad?
            bad:fail? & b => end
        \"\"\"
[runtime]
    [[root]]
        platform = cluster
        execution time limit = PT2M
        [[[directives]]]
            --partition = {partition()}
            --mem = 100M
    [[a<m>]]
        script = echo a$CYLC_TASK_PARAM_m > $CYLC_WORKFLOW_SHARE_DIR/a$CYLC_TASK_PARAM_m
    [[b]]
        script = cat $CYLC_WORKFLOW_SHARE_DIR/a1 $CYLC_WORKFLOW_SHARE_DIR/a2 > $CYLC_WORKFLOW_SHARE_DIR/b
    [[bad]]
        script = exit 5
    [[end]]
        script = touch $CYLC_WORKFLOW_SHARE_DIR/end
"""

for directory, name, text in (("site", "global.cylc", SITE), ("source", "flow.cylc", WORKFLOW)):
    Path(directory).mkdir()
    Path(directory, name).write_text(text)
environment(HOME=HERE, LANG="C.UTF-8", CYLC_CONF_PATH=HERE / "site")
run_client("cylc", "install", "./source", "--workflow-name=trial", "--no-run-name")
run_client("cylc", "play", "--no-detach", "trial")
share = HERE / "cylc-run" / "trial" / "share"
assert (share / "end").exists()
assert (share / "b").read_text() == "a1\na2\n"

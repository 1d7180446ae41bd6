"""ReFrame: checks of one and two srun tasks and one array, with the `slurm` backend (sacct) or `squeue` (neither)."""

import sys
from pathlib import Path

from support import partition, run_client

CONFIGURATION = """
site_configuration = {{
    'systems': [{{
        'name': 'trial', 'descr': 'trial', 'hostnames': ['.*'], 'modules_system': 'nomod',
        'partitions': [{{
            'name': 'all', 'scheduler': '{backend}', 'launcher': 'srun', 'environs': ['builtin'],
            'access': ['-p {partition}', '--mem=100M'], 'max_jobs': 4,
        }}],
    }}],
    'environments': [{{'name': 'builtin', 'cc': 'cc', 'cxx': '', 'ftn': ''}}],
}}
"""
CHECKS = """
import reframe as rfm
import reframe.utility.sanity as sn

class Check(rfm.RunOnlyRegressionTest):
    valid_systems = ['*']
    valid_prog_environs = ['*']
    executable = 'bash'
    time_limit = '2m'

@rfm.simple_test
class Ranks(Check):
    tasks = parameter([1, 2])

    @run_after('init')
    def shape(self):
        self.num_tasks = self.num_tasks_per_node = self.tasks
        self.executable_opts = ['-c', "'echo rank $SLURM_PROCID of $SLURM_NTASKS'"]

    @sanity_function
    def every_rank(self):
        return sn.assert_eq(sn.count(sn.findall(r'rank \\d of %d' % self.tasks, self.stdout)), self.tasks)

@rfm.simple_test
class Array(Check):
    executable_opts = ['-c', "'echo task $SLURM_ARRAY_TASK_ID'"]

    @run_before('run')
    def two_tasks(self):
        self.job.options = ['--array=0-1']

    @sanity_function
    def every_task(self):
        return sn.assert_eq(sn.count(sn.findall(r'task [01]', self.stdout)), 2)
"""

Path("configuration.py").write_text(CONFIGURATION.format(backend=sys.argv[1], partition=partition()))
Path("checks.py").write_text(CHECKS)
said = run_client("reframe", "-C", "configuration.py", "-c", "checks.py", "-r", "--prefix", Path.cwd() / "reframe")
assert "Ran 3/3 test case(s) from 3 check(s) (0 failure(s)" in said

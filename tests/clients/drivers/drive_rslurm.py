"""R rslurm: slurm_apply runs its rows as an array, and its results are gathered."""

from pathlib import Path

from support import partition, run

PROGRAM = """
library(rslurm)
rows <- data.frame(left = 1:4, right = 11:14)
options <- list(partition = "%(partition)s", time = "3", mem = "300M")
job <- slurm_apply(function(left, right) left + right, rows, jobname = "client", nodes = 2, cpus_per_node = 1,
                   slurm_options = options, submit = TRUE)
sums <- get_slurm_out(job, outtype = "raw", wait = TRUE)
stopifnot(identical(unlist(sums), 1:4 + 11:14))
"""

Path("program.R").write_text(PROGRAM % {"partition": partition()})
run("Rscript", "program.R")

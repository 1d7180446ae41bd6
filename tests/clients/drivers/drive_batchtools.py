"""R batchtools (the back end of future.batchtools and targets): jobs, an array, a failing job, a removal."""

from pathlib import Path

from support import partition, run

TEMPLATE = """#!/bin/bash
#SBATCH --job-name=<%= job.name %>
#SBATCH --output=<%= log.file %>
#SBATCH --error=<%= log.file %>
#SBATCH --time=<%= ceiling(resources$walltime / 60) %>
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=<%= resources$ncpus %>
#SBATCH --mem-per-cpu=<%= resources$memory %>
#SBATCH --partition=<%= resources$partition %>
<%= if (array.jobs) sprintf("#SBATCH --array=1-%i", nrow(jobs)) else "" %>
Rscript -e 'batchtools::doJobCollection("<%= uri %>")'
"""
PROGRAM = """
library(batchtools)
options(batchtools.progress = FALSE)
registry <- makeRegistry("registry", make.default = TRUE)
registry$cluster.functions <- makeClusterFunctionsSlurm("slurm.tmpl", array.jobs = TRUE)
resources <- list(walltime = 180, ncpus = 1, memory = 200, partition = "%(partition)s")

batchMap(function(x) if (x == 4) stop("on purpose") else if (x == 5) Sys.sleep(300) else x^2, x = 1:5)
submitJobs(1:2, resources = resources)
submitJobs(data.table::data.table(job.id = 3:4, chunk = 1),
           resources = c(resources, list(chunks.as.arrayjobs = TRUE)))
waitForJobs(1:4, sleep = 1)
stopifnot(identical(findDone()$job.id, 1:3), identical(findErrors()$job.id, 4L))
stopifnot(identical(unlist(reduceResultsList(1:3)), c(1, 4, 9)))

submitJobs(5, resources = resources)
while (nrow(findRunning(5)) == 0) Sys.sleep(0.5)
killJobs(5)
stopifnot(nrow(findOnSystem(5)) == 0)
"""

Path("slurm.tmpl").write_text(TEMPLATE)
Path("program.R").write_text(PROGRAM % {"partition": partition()})
run("Rscript", "program.R")

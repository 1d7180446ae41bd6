#!/bin/sh
# Runs one job after another, so that many short ones share a single run.
#
#   worker.sh DIRECTORY NAME
#
# DIRECTORY holds   queue/        one file for each waiting job, holding the path of the job's directory; whoever
#                                 renames a file away from here has the job, so several workers may share a queue
#                   taken/        the files of the jobs that workers took, with the worker's name appended
#                   idle-limit    seconds a worker waits for more before it ends
#                   stop          appears when workers are to end once their present job is over
# and here appear   worker-NAME   touched while the worker lives

directory=$1
name=$2
here=${0%/*}
tick=${SHIM_TICK:-0.2}

take() { # sets $job to the first job that can be had
    for file in "$directory"/queue/*; do
        [ -f "$file" ] || continue
        if mv "$file" "$directory/taken/${file##*/}.$name"; then
            read -r job <"$directory/taken/${file##*/}.$name"
            return 0
        fi
    done
    return 1
}

stopping=
exec 2>/dev/null
# The shell of a job takes the terminal while it runs: then dstack's ^C ends the job as it ends a job alone.
trap 'stopping=yes' INT HUP TERM
mkdir -p "$directory/queue" "$directory/taken"
read -r idle_limit <"$directory/idle-limit"
SHIM_EXACT=$(awk 'BEGIN { print system("kill -s KILL $$") }')
SHIM_SETSID=$(command -v setsid)
export SHIM_EXACT SHIM_SETSID
idle_since=$(date +%s)
while [ -z "$stopping" ] && [ ! -f "$directory/stop" ]; do
    : >"$directory/worker-$name"
    if take; then
        /bin/sh "$here/job.sh" "$job"
        case $(cat "$job/reason") in stopped) stopping=yes ;; esac
        idle_since=$(date +%s)
    elif [ $(($(date +%s) - idle_since)) -ge "$idle_limit" ]; then
        break
    else
        sleep "$tick" || sleep 1
    fi
done
rm -f "$directory/worker-$name"
exit 0

#!/bin/sh
# One of Slurm's commands inside a job, by the name it is called by: the controller on the submit host runs it, and both
# meet in a directory that they share. Needs a POSIX shell and the POSIX utilities.

command=${0##*/}
guest=${0%/bin/*}
root=${guest%/guest/*}
tick=${SHIM_TICK:-0.1}
STEP_ID=

# What a job needs to begin must not depend on anybody else.
case $command:$1:$2 in
scontrol:show:hostname | scontrol:show:hostnames)
    SHIM_LIST=${3:-$SLURM_JOB_NODELIST} exec awk -f "$guest/hostnames.awk"
    ;;
esac

complain() {
    echo "$command: error: $1" >&2
    exit 1
}

forget() { # out of sight first: half a call must not be taken for a new one
    mv "$call" "$call.new" && rm -rf "$call.new"
}

case $command:$([ -d "$root/calls" ] || echo alone) in
srun:alone | sbcast:alone)
    . "$guest/alone.sh"
    exit
    ;;
esac
[ -d "$root/calls" ] || complain "this job has no directory in common with its submit host, so the queue is out of reach"
[ -n "$SLURM_JOB_ID" ] || complain "SLURM_JOB_ID is not set: only a job can call this"
call=$root/calls/$SLURM_JOB_ID-$(uname -n)-$$
mkdir -p "$call.new" || complain "$root/calls cannot be written"
{
    printf '%s\0' "$command" "$PWD" "$(umask)"
    [ $# -eq 0 ] || printf '%s\0' "$@"
} >"$call.new/call"
cat "/proc/$$/environ" >"$call.new/environ"
: >"$call.new/out" >"$call.new/err"
if [ "$command" = sbcast ] && [ $# -ge 2 ]; then # the other nodes may not see the file where it lies
    eval "source=\${$(($# - 1))}"
    [ ! -f "$source" ] || cp -p -- "$source" "$call.new/file"
fi
case $command in # a signal is for the tasks, or ends the waiting for them
srun)
    for signal in HUP:1 INT:2 QUIT:3 TERM:15; do
        trap "echo ${signal#*:} >'$call/interrupt'; interrupted=${signal%:*}" "${signal%:*}"
    done
    trap 'interrupted=USR1' USR1
    trap 'interrupted=USR2' USR2
    ;;
*)
    trap 'forget; exit 130' INT
    trap 'forget; exit 143' TERM HUP
    ;;
esac
mv "$call.new" "$call"
exec 7<"$call/out" 8<"$call/err"
while [ ! -f "$call/code" ]; do
    [ -d "$call" ] || exit 1 # the job is over
    cat <&7
    cat <&8 >&2
    if [ -f "$call/want-stdin" ]; then
        rm "$call/want-stdin"
        cat >"$call/.stdin" && mv "$call/.stdin" "$call/stdin"
    fi
    if [ -d "$call/step" ] && [ -z "$STEP_ID" ]; then . "$guest/step.sh"; fi
    sleep "$tick" || sleep 1
done
cat <&7
cat <&8 >&2
read -r code <"$call/code"
forget
exit "$code"

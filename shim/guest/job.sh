#!/bin/sh
# Runs one job in its directory and writes down what became of it. Needs a POSIX shell and the POSIX utilities.
#
#   job.sh DIRECTORY
#
# DIRECTORY holds   job.conf      assignments: JOB_OUT JOB_ERR JOB_IN ("-": by the terminal) JOB_APPEND JOB_UMASK JOB_DIR
#                                 JOB_ID JOB_MARK and, in seconds, 0 for none: JOB_KILL_WAIT JOB_STOP_WAIT JOB_LIMIT
#                                 JOB_SPLIT (yes: the terminal tells stdout and stderr apart)
#                                 JOB_WARN_BEFORE (with JOB_WARN_SIGNAL, JOB_WARN_TARGET)
#                   launch.sh     becomes the batch script, with its environment
#                   control/      requests, one file each, done in order and removed:
#                                 "signal NAME batch|steps|full", "terminate SECONDS" and a notice on line two,
#                                 "step NODE" and a step's directory on line two (see tasks.sh), or "end-steps"
# and here appear   started       start=EPOCH host=NAME
#                   ended         exit=CODE signal=NUMBER start= end= user= system= rss= reason= failure=TEXT
#                   heartbeat     touched while the job lives
#                   steps/        one file for each task of a step here, named by its process group
#                   log           what this script itself had to complain about

directory=$1
bin=${0%/*}/bin
export SLURMSHIM_GUEST="$bin" # where launchers of the submit host, if they are found here, hand calls over to
tick=${SHIM_TICK:-0.2} # seconds between two looks at control/

# Seconds since the epoch, as exact as this image's date can tell.
now() {
    clock=$(date +%s.%N)
    case $clock in *[!0-9.]* | *.) clock=$(date +%s) ;; esac
    echo "$clock"
}

# Publish a file whole or not at all.
publish() { # NAME TEXT
    printf '%s\n' "$2" >"$directory/.new" && mv -f "$directory/.new" "$directory/$1"
}

# The live processes of the job: the leader's session, or where there is no setsid its group, which holds our own too.
members() {
    read -r leader parent group <"$directory/leader" || return 0
    cat /proc/[0-9]*/stat 2>/dev/null | awk -v parent="$parent" -v job="$job" -v group="$group" '{
        pid = $1
        sub(/^.*\) /, "") # leaves state, parent, group, session
        if ($1 !~ /[ZX]/ && pid != parent && pid != job && ($3 == group || $4 == group)) print pid
    }'
    live_steps
}

# Note the memory of the largest process of the batch script, in KB, where it is more than before.
measure() {
    read -r _ _ group <"$directory/leader" || return 0
    found=$(memory "$group")
    [ "${found#* }" -gt "$peak" ] || return 0
    peak=${found#* }
    echo "$peak" >"$directory/.peak"
}

live_steps() {
    for step in $(step_processes); do kill -s 0 "$step" && echo "$step"; done
}

step_processes() {
    for step in "$directory"/steps/[0-9]*; do
        [ ! -f "$step" ] || echo "${step##*/}"
    done
}

# The sruns of this node that still wait for their tasks: each is named in the directory of its call.
step_clients() {
    for call in "${directory%/jobs/*}/calls/$JOB_ID-$(uname -n)"-*/step; do
        client=${call%/step}
        client=${client##*-}
        [ ! -d "$call" ] || ! kill -s 0 "$client" || echo "$client"
    done
}

deliver() { # SIGNAL TARGET
    case $2 in
    batch) read -r pids _ <"$directory/leader" ;;
    steps) pids=$(step_processes) ;;
    full) pids=$(members) ;;
    esac
    for pid in $pids; do
        if [ -f "$directory/steps/$pid" ]; then kill -s "$1" -- "-$pid" && continue; fi
        kill -s "$1" "$pid"
    done
    # The other nodes of the job read along.
    [ "$2" = batch ] || [ ! -d "$directory/nodes" ] || echo "$1" >>"$directory/nodes/signals"
}

notice() { # TEXT, as slurmstepd writes it where the job's errors go
    [ -z "$JOB_ERR" ] || printf '%s\n' "$1" >>"$JOB_ERR"
}

# Without shared files the job's output is passed on to the terminal, whose log dstack keeps: less of it in any hour than
# the 50 MiB for which dstack kills a job. What a line says that begins with JOB_MARK is not the job's.
hourly=${SHIM_HOURLY:-$((24 * 1024 * 1024))}

forward() { # yes at the end of the job, when what is too much is dropped
    [ -n "$JOB_MARK" ] || return 0
    this_hour=$(($(date +%s) / 3600))
    [ "$this_hour" = "$hour" ] || hour=$this_hour used=0
    for stream in out err; do
        [ -f "$directory/$stream" ] || continue
        case $stream in out) sent=$sent_out ;; *) sent=$sent_err ;; esac
        size=$(($(wc -c <"$directory/$stream") - sent))
        rest=$((size - hourly + used))
        [ "$rest" -le 0 ] || size=$((size - rest))
        if [ "$size" -gt 0 ]; then
            [ "$stream" = "$speaking" ] || echo "$JOB_MARK $stream"
            speaking=$stream used=$((used + size))
            tail -c "+$((sent + 1))" "$directory/$stream" | head -c "$size"
            case $stream in out) sent_out=$((sent + size)) ;; *) sent_err=$((sent + size)) ;; esac
        fi
        if [ -n "$1" ] && [ "$rest" -gt 0 ]; then
            echo
            echo "slurm-shim: $rest more bytes are not shown: dstack's log holds no more of one hour"
        fi
    done >&9
}

# Begin the end: the watch sends SIGKILL when the time is over. The first reason is the one that counts; a second one,
# such as dstack's stop beside a time limit, can leave less time but says nothing twice.
terminate() { # REASON SECONDS NOTICE
    if [ -f "$directory/reason" ]; then
        sooner=$(($(date +%s) + ${2%.*}))
        [ "$sooner" -ge "$kill_at" ] || kill_at=$sooner
        return
    fi
    publish reason "$1"
    [ -z "$3" ] || notice "$3"
    end_within "$2" full
}

end_within() { # SECONDS TARGET
    deliver CONT "$2"
    deliver TERM "$2"
    kill_at=$(($(date +%s) + ${1%.*}))
}

# Runs beside the job: requests, warning signal, time limit, heartbeat.
watch() {
    begun=$(date +%s) kill_at= warned= limited= speaking=out sent_out=0 sent_err=0 hour= used=0 looks=0 peak=0
    while :; do
        sleep "$tick" || sleep 1
        if [ -f "$directory/.over" ]; then
            forward yes
            return
        fi
        looks=$((looks + 1))
        [ $((looks % 10)) -ne 1 ] || measure
        if ! kill -s 0 "$$"; then # the shell beside which this runs was killed
            deliver KILL full
            return
        fi
        forward
        : >"$directory/heartbeat"
        for request in "$directory"/control/[0-9]*; do
            [ -f "$request" ] || continue
            first= second= text=
            { read -r verb first second && read -r text; } <"$request"
            rm -f "$request"
            case $verb in
            signal) deliver "$first" "$second" ;;
            terminate) terminate "${second:-terminated}" "$first" "$text" ;;
            step) /bin/sh "${bin%/bin}/tasks.sh" "$text" "$first" "$directory/steps" & ;;
            end-steps) [ -f "$directory/reason" ] || end_within "$JOB_KILL_WAIT" steps ;;
            esac
        done
        elapsed=$(($(date +%s) - begun))
        if [ -n "$JOB_WARN_SIGNAL" ] && [ -z "$warned" ] && [ "$elapsed" -ge $((JOB_LIMIT - JOB_WARN_BEFORE)) ]; then
            warned=yes
            deliver "$JOB_WARN_SIGNAL" "$JOB_WARN_TARGET"
        fi
        if [ "$JOB_LIMIT" -gt 0 ] && [ -z "$limited" ] && [ "$elapsed" -gt "$JOB_LIMIT" ]; then
            limited=yes
            terminate timeout "$JOB_KILL_WAIT" "slurmstepd: error: *** JOB $JOB_ID ON $(uname -n) CANCELLED AT \
$(date +%Y-%m-%dT%H:%M:%S) DUE TO TIME LIMIT ***"
        fi
        if [ -n "$kill_at" ] && [ "$(date +%s)" -ge "$kill_at" ]; then deliver KILL full; fi
    done
}

# The job's end; a run without shared files tells it in the last line of its log.
finish() { # EXIT SIGNAL FAILURE
    times >"$directory/.times" # of this very shell: a substitution's has no children
    { read -r _ && read -r user system; } <"$directory/.times" # "0m1.50s 0m0.25s", what the children have used
    used="user=$user system=$system rss=$(cat "$directory/.peak" || echo 0)"
    ended="exit=$1 signal=$2 start=$start end=$(now) $used reason=$(cat "$directory/reason") failure=$3"
    publish ended "$ended"
    [ -z "$JOB_MARK" ] || echo "$JOB_MARK ended $ended" >&9
    [ "$2" -eq 0 ] || exit $((128 + $2))
    exit "$1"
}

# A file that cannot be opened fails the job before it begins, as with Slurm.
open_files() {
    opened=
    : <"$JOB_IN" || return 1
    for file in "$JOB_OUT" "$JOB_ERR"; do
        [ "$file" != "$opened" ] || continue
        if [ -n "$JOB_APPEND" ]; then : >>"$file" || return 1; else : >"$file" || return 1; fi
        opened=$file
    done
}

# Become the job: its files, its directory.
redirected() {
    exec >>"$JOB_OUT" 2>>"$JOB_ERR" <"$JOB_IN" 9>&-
    cd "$JOB_DIR" 2>/dev/null || {
        for _ in 1 2; do
            echo "slurmstepd: error: couldn't chdir to \`$JOB_DIR': No such file or directory: going to /tmp instead"
        done >&2
        cd /tmp || exit 1
    }
    export SHIM_DIRECTORY="$directory" SHIM_BIN="$bin" SHIM_SETSID SHIM_EXACT
    run
}

# A shell knows no more of a process's end than 128+n; awk's system() tells a signal (256+n) from an exit code. Some
# awks (busybox) lose signals, so it had to prove itself.
run() {
    if [ "$SHIM_EXACT" = 265 ]; then
        awk 'BEGIN {
            directory = ENVIRON["SHIM_DIRECTORY"]
            print system("exec $SHIM_SETSID /bin/sh \"$SHIM_DIRECTORY/launch.sh\"") >(directory "/.status")
        }'
    else
        exec 8>&2 2>>"$directory/log" # what this shell says of a death is not the job's
        (exec 2>&8 8>&- && exec $SHIM_SETSID /bin/sh "$directory/launch.sh")
        status=$?
        [ "$status" -le 128 ] || status=$((status + 128))
        echo "$status" >"$directory/.status"
    fi
}

. "$directory/job.conf"
. "${bin%/bin}/memory.sh"
exec 9>&1 2>"$directory/log"
if [ -n "$JOB_MARK" ]; then
    JOB_OUT=$directory/out JOB_ERR=$directory/out
    [ -z "$JOB_SPLIT" ] || JOB_ERR=$directory/err
    stty raw -echo isig <&9 && terminal=raw
fi
umask "$JOB_UMASK"
mkdir -p "$directory/control" "$directory/steps"
rm -f "$directory/leader" "$directory/reason" "$directory/.status" "$directory/.over"
start=$(now)
(open_files) || finish 0 53 "cannot open the files of the job"
[ -n "${SHIM_SETSID+set}" ] || SHIM_SETSID=$(command -v setsid)
: "${SHIM_EXACT=$(awk 'BEGIN { print system("kill -s KILL $$") }')}"
publish started "start=$start host=$(uname -n)"
[ -z "$JOB_MARK" ] || echo "$JOB_MARK started start=$start terminal=$terminal" >&9

# Process groups of their own: ^C on the terminal of the run, which is how dstack stops it, reaches this shell only.
set -m
trap 'echo "terminate $JOB_STOP_WAIT stopped" >"$directory/control/0"' INT HUP TERM
redirected &
job=$!
watch </dev/null >/dev/null &
watcher=$!
while kill -s 0 "$job"; do wait "$job"; done
trap '' INT HUP TERM
# Steps outlive the script that began them: their tasks have KillWait to end, and their sruns to tell how they did.
if [ -n "$(step_clients)$(live_steps)" ]; then
    echo end-steps >"$directory/control/0"
    while [ -n "$(step_clients)$(live_steps)" ]; do sleep 0.05 || sleep 1; done
fi
if [ -n "$JOB_MARK" ]; then # it still has to pass on what there is
    while [ -n "$(members)" ]; do deliver KILL full; done
    : >"$directory/.over"
    while kill -s 0 "$watcher"; do wait "$watcher"; done
else
    kill -KILL "-$watcher" || kill -s KILL "$watcher"
fi
# Whatever the script left running ends with it.
while [ -n "$(members)" ]; do
    deliver KILL full
    sleep 0.05 || sleep 1
done
status=$(cat "$directory/.status" || echo 265)
[ "$status" -lt 512 ] || status=$((status - 256)) # gawk: with a core dump
if [ "$status" -ge 256 ]; then finish 0 $((status - 256)) ""; else finish "$status" 0 ""; fi

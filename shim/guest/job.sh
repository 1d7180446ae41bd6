#!/bin/sh
# Runs one job in its directory and writes down what became of it. Needs a POSIX shell and the POSIX utilities.
#
#   job.sh DIRECTORY
#
# DIRECTORY holds   job.conf      assignments: JOB_OUT JOB_ERR JOB_IN ("-": the terminal) JOB_APPEND JOB_UMASK JOB_DIR
#                                 JOB_ID JOB_MARK and, in seconds, 0 for none: JOB_KILL_WAIT JOB_STOP_WAIT JOB_LIMIT
#                                 JOB_WARN_BEFORE (with JOB_WARN_SIGNAL, JOB_WARN_TARGET)
#                   launch.sh     becomes the batch script, with its environment
#                   control/      requests, one file each, done in order and removed:
#                                 "signal NAME batch|steps|full", or "terminate SECONDS" and a notice on line two
# and here appear   started       start=EPOCH host=NAME
#                   ended         exit=CODE signal=NUMBER start= end= user= system= reason= failure=TEXT
#                   heartbeat     touched while the job lives
#                   steps/        one file for each task of a step here, named by its process group
#                   log           what this script itself had to complain about

directory=$1
bin=${0%/*}/bin
tick=${SHIM_TICK:-0.5} # seconds between two looks at control/

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
    for stat in /proc/[0-9]*/stat; do
        { read -r line <"$stat"; } 2>/dev/null || continue
        pid=${stat#/proc/} pid=${pid%/stat}
        set -- ${line##*) } # state, parent, group, session
        case $1:$pid in Z:* | X:* | *:"$parent" | *:"$job") continue ;; esac
        if [ "$3" = "$group" ] || [ "$4" = "$group" ]; then echo "$pid"; fi
    done
    for step in $(step_processes); do kill -s 0 "$step" && echo "$step"; done
}

step_processes() {
    for step in "$directory"/steps/[0-9]*; do
        [ ! -f "$step" ] || echo "${step##*/}"
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
    case $JOB_ERR in
    -) printf '%s\n' "$1" >&9 ;;
    ?*) printf '%s\n' "$1" >>"$JOB_ERR" ;;
    esac
}

# Begin the end: the watch sends SIGKILL when the time is over. The first reason is the one that counts.
terminate() { # REASON SECONDS NOTICE
    [ -f "$directory/reason" ] || publish reason "$1"
    [ -z "$3" ] || notice "$3"
    deliver CONT full
    deliver TERM full
    kill_at=$(($(date +%s) + ${2%.*}))
}

# Runs beside the job: requests, warning signal, time limit, heartbeat.
watch() {
    begun=$(date +%s) kill_at= warned= limited=
    while :; do
        sleep "$tick" || sleep 1
        : >"$directory/heartbeat"
        for request in "$directory"/control/[0-9]*; do
            [ -f "$request" ] || continue
            first= second= text=
            { read -r verb first second && read -r text; } <"$request"
            rm -f "$request"
            case $verb in
            signal) deliver "$first" "$second" ;;
            terminate) terminate "${second:-terminated}" "$first" "$text" ;;
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
    ended="exit=$1 signal=$2 start=$start end=$(now) $(cpu_times) reason=$(cat "$directory/reason") failure=$3"
    publish ended "$ended"
    [ -z "$JOB_MARK" ] || printf '\n%s %s\n' "$JOB_MARK" "$ended" >&9
    [ "$2" -eq 0 ] || exit $((128 + $2))
    exit "$1"
}

# What the children have used, from the second line of times: "0m1.50s 0m0.25s".
cpu_times() {
    times >"$directory/.times"
    { read -r _ && read -r user system; } <"$directory/.times"
    echo "user=$user system=$system"
}

# A file that cannot be opened fails the job before it begins, as with Slurm.
open_files() {
    opened=
    : <"$JOB_IN" || return 1
    for file in "$JOB_OUT" "$JOB_ERR"; do
        case $file in - | "$opened") continue ;; esac
        if [ -n "$JOB_APPEND" ]; then : >>"$file" || return 1; else : >"$file" || return 1; fi
        opened=$file
    done
}

# Become the job: its files ("-" stays on the terminal), its directory.
redirected() {
    case $JOB_OUT in -) ;; *) exec >>"$JOB_OUT" ;; esac
    case $JOB_ERR in -) exec 2>&1 ;; *) exec 2>>"$JOB_ERR" ;; esac
    exec <"$JOB_IN" 9>&-
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
exec 9>&1 2>"$directory/log"
umask "$JOB_UMASK"
mkdir -p "$directory/control" "$directory/steps"
rm -f "$directory/leader" "$directory/reason" "$directory/.status"
start=$(now)
(open_files) || finish 0 53 "cannot open the files of the job"
[ -n "${SHIM_SETSID+set}" ] || SHIM_SETSID=$(command -v setsid)
: "${SHIM_EXACT=$(awk 'BEGIN { print system("kill -s KILL $$") }')}"
publish started "start=$start host=$(uname -n)"

# Process groups of their own: ^C on the terminal of the run, which is how dstack stops it, reaches this shell only.
set -m
trap 'echo "terminate $JOB_STOP_WAIT stopped" >"$directory/control/0"' INT HUP TERM
redirected &
job=$!
watch </dev/null >/dev/null 9>&- &
watcher=$!
while kill -s 0 "$job"; do wait "$job"; done
trap '' INT HUP TERM
kill -KILL "-$watcher" || kill -s KILL "$watcher"
# Whatever the script left running ends with it.
while [ -n "$(members)" ]; do
    deliver KILL full
    sleep 0.05 || sleep 1
done
status=$(cat "$directory/.status" || echo 265)
[ "$status" -lt 512 ] || status=$((status - 256)) # gawk: with a core dump
if [ "$status" -ge 256 ]; then finish 0 $((status - 256)) ""; else finish "$status" 0 ""; fi

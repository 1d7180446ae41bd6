#!/bin/sh
# Runs the tasks of a step that lie on one node, each in a process group of its own.
#
#   tasks.sh STEP NODE GROUPS
#
# STEP      the directory of the step: conf, tasks, task-RANK, output-RANK-STREAM, signal-NUMBER; exit-RANK and rss-RANK appear
# GROUPS    a directory for one file for each task, named by its process group

STEP_FOLDER=$1
node=$2 groups=$3 STEP_GROUPS=$3
export STEP_GROUPS
tick=${SHIM_TICK:-0.1}
. "$STEP_FOLDER/conf"
. "${0%/*}/memory.sh"

alive() { # PID
    { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
    case ${line##*) } in Z* | X*) return 1 ;; esac
}

# Nobody else tells how it ended, unless all has been told and taken away meanwhile.
lost() { # RANK
    [ ! -d "$STEP_FOLDER" ] || [ -f "$STEP_FOLDER/exit-$1" ] || echo "137 0m0s 0m0s" >"$STEP_FOLDER/exit-$1"
}

deliver() { # SIGNAL
    for task in $running; do kill -s "$1" -- "-${task#*:}" || kill -s "$1" "${task#*:}"; done 2>/dev/null
}

# Note the memory of the largest process of each task, in KB, where it is more than before.
measure() {
    memory $(for task in $running; do echo "${task#*:}"; done) | while read -r group most; do
        for task in $running; do
            [ "${task#*:}" = "$group" ] || continue
            peak=0 file=$STEP_FOLDER/rss-${task%:*}
            [ ! -f "$file" ] || read -r peak <"$file"
            [ "$most" -le "$peak" ] || echo "$most" >"$file"
        done
    done
}

# A session is a process group as well, and needs no terminal as a shell's job control does.
setsid=$(command -v setsid)
running=
while read -r rank where _ input; do
    [ "$where" = "$node" ] || continue
    [ -f "$STEP_FOLDER/stdin" ] || input=-
    $setsid /bin/sh "${0%/*}/task.sh" "$STEP_FOLDER" "$rank" "$input" &
    : >"$groups/$!"
    running="$running $rank:$!"
done <"$STEP_FOLDER/tasks"
next=1 looks=0
while :; do
    left=
    for task in $running; do
        [ ! -f "$STEP_FOLDER/exit-${task%:*}" ] || continue
        if alive "${task#*:}"; then left=yes; else lost "${task%:*}"; fi
    done
    while [ -f "$STEP_FOLDER/signal-$next" ]; do
        read -r signal <"$STEP_FOLDER/signal-$next"
        deliver "$signal"
        next=$((next + 1))
    done
    [ -n "$left" ] || break
    looks=$((looks + 1))
    [ $((looks % 20)) -ne 2 ] || measure
    sleep "$tick" || sleep 1
done
# What a task has left running ends with it.
deliver KILL
for task in $running; do rm -f "$groups/${task#*:}"; done

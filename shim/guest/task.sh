#!/bin/sh
# Runs one task of a step and writes down how it ended.
#
#   task.sh STEP RANK stdin|pty|-        (see tasks.sh)

STEP_FOLDER=$1 STEP_RANK=$2 STEP_GUEST=${0%/*}
export STEP_FOLDER STEP_RANK STEP_GUEST
. "$STEP_GUEST/follow.sh"
run() {
    case $1 in
    pty) /bin/sh "$STEP_GUEST/pty.sh" >>"$STEP_FOLDER/output-$STEP_RANK-1" 2>&1 ;;
    *) /bin/sh "$STEP_FOLDER/task-$STEP_RANK" ;;
    esac
}
# A signal to all of the task is not for this shell, and the task has its own way with it.
trap : HUP INT QUIT TERM USR1 USR2 ALRM PIPE
{
    [ "$3" != pty ] || SHIM_TICK=0.03 # somebody types
    case $3 in
    stdin | pty)
        follow "$STEP_FOLDER/stdin" "$STEP_FOLDER/stdin-end" "$STEP_FOLDER/.done-$2" | {
            run "$3" 2>&8 8>&-
            status=$?
            : >"$STEP_FOLDER/.done-$2"
            exit "$status"
        }
        ;;
    *) run "$3" </dev/null 2>&8 8>&- ;;
    esac
} 8>&2 2>/dev/null # what this shell says of a death is not the task's
status=$?
times >"$STEP_FOLDER/.times-$2"
{ read -r _ && read -r user system; } <"$STEP_FOLDER/.times-$2"
echo "$status $user $system" >"$STEP_FOLDER/.exit-$2" && mv -f "$STEP_FOLDER/.exit-$2" "$STEP_FOLDER/exit-$2"

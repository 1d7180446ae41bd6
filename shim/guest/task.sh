#!/bin/sh
# Runs one task of a step and writes down how it ended.
#
#   task.sh STEP RANK stdin|-        (see tasks.sh)

STEP_FOLDER=$1
export STEP_FOLDER
. "${0%/*}/follow.sh"
# A signal to all of the task is not for this shell, and the task has its own way with it.
trap : HUP INT QUIT TERM USR1 USR2 ALRM PIPE
{
    case $3 in
    stdin)
        follow "$STEP_FOLDER/stdin" "$STEP_FOLDER/stdin-end" "$STEP_FOLDER/.done-$2" | {
            /bin/sh "$STEP_FOLDER/task-$2" 2>&8 8>&-
            status=$?
            : >"$STEP_FOLDER/.done-$2"
            exit "$status"
        }
        ;;
    *) /bin/sh "$STEP_FOLDER/task-$2" </dev/null 2>&8 8>&- ;;
    esac
} 8>&2 2>/dev/null # what this shell says of a death is not the task's
status=$?
times >"$STEP_FOLDER/.times-$2"
{ read -r _ && read -r user system; } <"$STEP_FOLDER/.times-$2"
echo "$status $user $system" >"$STEP_FOLDER/.exit-$2" && mv -f "$STEP_FOLDER/.exit-$2" "$STEP_FOLDER/exit-$2"

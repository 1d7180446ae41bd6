#!/bin/sh
# Runs a task on a terminal of its own, which script(1) of util-linux provides (srun(1), --pty).
#
#   pty.sh [inside]        with STEP_FOLDER, STEP_RANK, STEP_GUEST and STEP_GROUPS of task.sh
#
# STEP_FOLDER/size       rows and columns of the user's terminal

if [ "$1" != inside ]; then
    if ! command -v script >/dev/null; then
        echo "slurmstepd: error: --pty needs script, of util-linux, in the image"
        exit 1
    fi
    trap : HUP INT QUIT TERM USR1 USR2
    SHELL=/bin/sh script -qefc 'exec /bin/sh "$STEP_GUEST/pty.sh" inside' /dev/null
    status=$?
    rm -f "$STEP_GROUPS/$(cat "$STEP_FOLDER/session")"
    exit "$status"
fi

resize() {
    [ "$(cat "$STEP_FOLDER/size")" != "$size" ] || return 0
    read -r rows columns <"$STEP_FOLDER/size"
    size="$rows $columns"
    stty rows "$rows" cols "$columns"
}

echo "$$" >"$STEP_FOLDER/session"
: >"$STEP_GROUPS/$$" # signals for the step reach what has the terminal
stty sane
size=
resize
(
    trap '' TTOU # whoever is in the foreground has the new size at once
    while sleep 0.5 || sleep 1; do
        stty size && resize || exit
    done
) </dev/tty >/dev/null 2>&1 &
exec /bin/sh "$STEP_FOLDER/task-$STEP_RANK"

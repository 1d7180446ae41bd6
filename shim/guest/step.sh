# srun's part in a step: starts the tasks of this node, passes on the output of the others, tells how all of them went.
# Sourced by command.sh, which has set $call, $guest and $tick.

. "$call/step/conf"
. "$guest/follow.sh"
step=$call/step
interrupted_at=0 orders=0 aborted= kill_at= first_exit= worst=0 told= interrupted= pumps= terminal= resized=

say() { # TEXT
    [ -n "$STEP_QUIET" ] || echo "srun: $1" >&2
}

signal_tasks() { # SIGNAL
    orders=$((orders + 1))
    echo "$1" >"$step/.signal" && mv -f "$step/.signal" "$step/signal-$orders"
}

label_lines() { # LABEL
    while IFS= read -r line; do printf '%s %s\n' "$1" "$line"; done
    [ -z "$line" ] || printf '%s %s\n' "$1" "$line"
}

# --pty: what is typed goes to the task as it is, and the task's terminal has the size of this one.
begin_terminal() {
    SHIM_TICK=0.03 tick=0.03
    trap 'resized=yes' WINCH
    tell_size
    terminal=$(stty -g)
    stty raw -echo
}

tell_size() {
    resized=
    stty size >"$step/.size" && mv -f "$step/.size" "$step/size"
}

end_terminal() {
    [ -n "$terminal" ] || return 0
    for one in $pumps; do wait "$one"; done
    stty "$terminal"
    terminal=
}

# One output of one task on its way: to our own, or to a file, perhaps with a label before each line.
pump() { # RANK STREAM LABEL TARGET
    trap '' HUP INT QUIT TERM USR1 USR2 # it ends with its task
    case $4 in
    1) ;;
    2) exec >&2 ;;
    *) exec >>"$4" ;;
    esac
    case $3 in
    -) follow "$step/output-$1-$2" "$step/exit-$1" ;;
    *) follow "$step/output-$1-$2" "$step/exit-$1" | label_lines "$3" ;;
    esac
}

notice() { # SUFFIX, as slurmstepd writes it where the tasks' errors go
    for node in $STEP_NODES; do
        echo "slurmstepd: error: *** STEP $STEP_ID ON $node CANCELLED AT $(date +%Y-%m-%dT%H:%M:%S)$1 ***" >&2
    done
}

abort_step() { # NOTICE SIGNAL
    [ -z "$aborted" ] || return 0
    aborted=yes
    say "Job step aborted: Waiting up to $((STEP_KILL_WAIT + 2)) seconds for job step to finish."
    notice "$1"
    # When all of the job is ending, its tasks are told so by job.sh and have KillWait.
    [ -f "$STEP_JOB/reason" ] || end_tasks "$2"
}

end_tasks() { # SIGNAL
    case $1 in
    KILL) signal_tasks KILL ;;
    *)
        signal_tasks CONT
        signal_tasks TERM
        kill_at=$(($(date +%s) + STEP_KILL_WAIT))
        ;;
    esac
}

describe() { # STATUS
    case $1 in
    129) echo Hangup ;; 130) echo Interrupt ;; 131) echo Quit ;; 132) echo "Illegal instruction" ;;
    134) echo Aborted ;; 135) echo "Bus error" ;; 136) echo "Floating point exception" ;; 137) echo Killed ;;
    138) echo "User defined signal 1" ;; 139) echo "Segmentation fault" ;; 140) echo "User defined signal 2" ;;
    141) echo "Broken pipe" ;; 142) echo "Alarm clock" ;; 143) echo Terminated ;;
    *) echo "Exited with exit code $1" ;;
    esac
}

# 0-2,5 of "0 1 2 5 "
fold() {
    awk '{
        for (at = 1; at <= NF; at++) {
            if (at > 1 && $at == last + 1) { last = $at; continue }
            if (at > 1) out = out (first == last ? first : first "-" last) ","
            first = last = $at
        }
        print out (first == last ? first : first "-" last)
    }'
}

# Tell of tasks that have ended since the last look: one line for those of a node that ended alike.
look_at_exits() {
    left= fresh=
    while read -r rank node _; do
        case " $told " in *" $rank "*) continue ;; esac
        if [ ! -f "$step/exit-$rank" ]; then left=yes; continue; fi
        told="$told $rank"
        read -r status _ <"$step/exit-$rank"
        [ "$status" -le "$worst" ] || worst=$status
        fresh="$fresh$node $status $rank
"
    done <"$step/tasks"
    [ -n "$fresh" ] || return 0
    end_terminal
    printf %s "$fresh" | cut -d ' ' -f 1,2 | sort -u | while read -r node status; do
        [ "$status" -ne 0 ] || continue
        ranks=$(printf %s "$fresh" | sed -n "s/^$node $status //p" | tr '\n' ' ')
        echo "srun: error: $node: $(named "$ranks"): $(describe "$status")" >&2
    done
    case $STEP_BAD_EXIT$worst in
    yes0) ;;
    yes*)
        STEP_BAD_EXIT=
        if [ -n "$left" ]; then
            say "launch/slurm: _step_signal: Terminating StepId=$STEP_ID"
            notice
            end_tasks TERM
        fi
        ;;
    esac
    [ -n "$first_exit" ] || first_exit=$(date +%s)
}

# Tell which tasks run and which are over.
states() {
    while read -r rank _; do
        if [ -f "$step/exit-$rank" ]; then echo "exited $rank"; else echo "running $rank"; fi
    done <"$step/tasks" >"$step/.states"
    for state in running exited; do
        ranks=$(sed -n "s/^$state //p" "$step/.states" | tr '\n' ' ')
        [ -z "$ranks" ] || say "StepId=$STEP_ID $(named "$ranks"): $state"
    done
}

named() { # RANKS
    case $1 in *\ [0-9]*) echo "tasks $(echo "$1" | fold)" ;; *) echo "task $(echo "$1" | fold)" ;; esac
}

# ^C: the first one asks, unless told otherwise; one more soon after it ends the step.
interrupt() {
    before=$interrupted_at
    interrupted_at=$(date +%s)
    if [ -z "$STEP_QUIT" ] && [ $((interrupted_at - before)) -gt 1 ]; then
        if [ -n "$STEP_NO_STATUS" ]; then
            say "sending Ctrl-C to StepId=$STEP_ID"
            signal_tasks INT
        else
            say "interrupt (one more within 1 sec to abort)"
            states
        fi
        return
    fi
    say "sending Ctrl-C to StepId=$STEP_ID"
    signal_tasks INT
    say "forcing job termination"
    abort_step "" TERM
}

look_at_orders() {
    [ -z "$resized" ] || tell_size
    if [ -f "$step/../abort" ]; then
        read -r text <"$step/../abort"
        rm -f "$step/../abort"
        abort_step "${text:+ $text}" TERM
    fi
    while [ -f "$call/signal-$((signals + 1))" ]; do
        signals=$((signals + 1))
        read -r signal <"$call/signal-$signals"
        case $signal in
        9) abort_step "" KILL ;;
        *) signal_tasks "$signal" ;;
        esac
    done
    caught=$interrupted interrupted= # another one may come while this one is seen to
    case $caught in
    '') ;;
    USR1 | USR2) signal_tasks "$caught" ;;
    INT) interrupt ;;
    *)
        say "forcing job termination"
        abort_step "" KILL
        ;;
    esac
    if [ -n "$kill_at" ] && [ "$(date +%s)" -ge "$kill_at" ]; then kill_at= && signal_tasks KILL; fi
    if [ "$STEP_WAIT" -gt 0 ] && [ -n "$first_exit" ] && [ -z "$aborted" ] &&
        [ $(($(date +%s) - first_exit)) -ge "$STEP_WAIT" ]; then
        say "First task exited ${STEP_WAIT}s ago"
        abort_step "" KILL
    fi
}

report() { # CODE
    {
        echo "$1"
        while read -r rank _ component _; do
            status=1 user=0m0s system=0m0s rss=0
            [ ! -f "$step/exit-$rank" ] || read -r status user system <"$step/exit-$rank"
            [ ! -f "$step/rss-$rank" ] || read -r rss <"$step/rss-$rank"
            case $status in
            129 | 13? | 14[0-9] | 15[0-9]) status=$((status - 128)) ;;
            *) status=$((status << 8)) ;;
            esac
            echo "$component $status $user $system $rss"
        done <"$step/tasks"
    } >"$step/.result"
    mv "$step/.result" "$step/result"
}

run_prolog() {
    [ -n "$STEP_PROLOG" ] || return 0
    $STEP_PROLOG
    status=$?
    [ "$status" -ne 0 ] && [ -x "$STEP_PROLOG" ] || return 0
    end_terminal
    echo "srun: error: srun prolog failed rc = $status. Aborting step." >&2
    say "launch/slurm: launch_p_step_launch: StepId=$STEP_ID aborted before step completely launched."
    worst=137
    report 137
    return 1
}

run_step() {
    signals=0
    while IFS= read -r path; do
        if [ -n "$STEP_APPEND" ]; then : >>"$path"; else : >"$path"; fi || {
            echo "srun: error: Could not open stdout file: $path" >&2
            report 1
            return
        }
    done <"$step/outputs"
    while read -r rank stream _; do : >"$step/output-$rank-$stream"; done <"$step/pumps"
    [ -e /proc/self/fd/0 ] || exec </dev/null # MPICH starts its launcher with standard input closed
    source=${STEP_STDIN:-/proc/self/fd/0}
    case $(ls -l "$source") in
    *"-> /dev/null") ;;
    *) : >"$step/stdin" ;;
    esac
    [ -z "$STEP_PTY" ] || begin_terminal
    run_prolog || return
    others=
    for node in $STEP_NODES; do
        [ "$node" != "$STEP_HERE" ] || continue
        others="$others $node"
        [ "$node" != "$STEP_SCRIPT" ] || continue
        until [ -f "$STEP_JOB/nodes/$node.ready" ]; do sleep "$tick" || sleep 1; done
    done
    for node in $others; do
        case $node in
        "$STEP_SCRIPT") to=$STEP_JOB/control/1-${call##*/} && printf 'step %s\n%s\n' "$node" "$step" ;;
        *) to=$STEP_JOB/nodes/$node/${call##*/} && echo "$step" ;;
        esac >"$call/.order" && mv "$call/.order" "$to"
    done
    feeder=
    if [ -f "$step/stdin" ]; then
        exec 6<"$source"
        (
            trap 'kill "$!"; exit' TERM # what nobody reads any more is not for cat to take
            cat <&6 >>"$step/stdin" &
            wait "$!"
            : >"$step/stdin-end"
        ) 7<&- 8<&- &
        feeder=$!
        exec 6<&-
    fi
    while read -r rank stream label target; do
        pump "$rank" "$stream" "$label" "$target" </dev/null 7<&- 8<&- &
        pumps="$pumps $!"
    done <"$step/pumps"
    [ -z "$STEP_HERE" ] || /bin/sh "$guest/tasks.sh" "$step" "$STEP_HERE" "$STEP_JOB/steps" </dev/null 7<&- 8<&- &
    while :; do
        look_at_exits
        [ -n "$left" ] || break
        look_at_orders
        sleep "$tick" || sleep 1
    done
    for one in $pumps; do wait "$one"; done
    [ -z "$feeder" ] || kill "$feeder" 2>/dev/null
    [ -z "$STEP_EPILOG" ] || $STEP_EPILOG
    report "$worst"
}

run_step

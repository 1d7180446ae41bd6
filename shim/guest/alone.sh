# srun and sbcast in a job on one node that cannot ask its controller: what the node can do by itself. Sourced by
# command.sh, which has set $command, $guest and $tick; $guest is the job's directory here.

complain() { # TEXT [CODE]
    echo "$command: error: $1" >&2
    exit "${2:-1}"
}

unreachable="needs the queue, and this job has no directory in common with its submit host"
[ -n "$SLURM_JOB_ID" ] || complain "SLURM_JOB_ID is not set: only a job can call this"
[ "${SLURM_JOB_NUM_NODES:-1}" -eq 1 ] || complain "$command on the other nodes of a job $unreachable"
node=$SLURMD_NODENAME

quoted() { # WORD
    printf "'%s'" "$(printf %s "$1." | sed "s/'/'\\\\''/g")" | sed '$s/\.'"'"'$/'"'"'/'
}

number() { # VALUE OPTION
    case $1 in '' | *[!0-9]*) complain "Invalid numeric value \"$1\" for --$2." ;; esac
}

# -- sbcast ---------------------------------------------------------------------------------------------------------

broadcast() {
    force= preserve=
    while [ $# -gt 0 ]; do
        case $1 in
        -f | --force) force=yes ;;
        -p | --preserve) preserve=-p ;;
        -v | --verbose | -C* | --compress* | --fanout=* | --size=* | --timeout=*) ;;
        -s | -F | -t | --fanout | --size | --timeout) shift ;;
        --) shift && break ;;
        -*) complain "$1 $unreachable" ;;
        *) break ;;
        esac
        shift
    done
    [ $# -eq 2 ] || complain "Need two file names, have $# names"
    [ -r "$1" ] || complain "Can't open \`$1': No such file or directory" 255
    target=$2
    [ ! -d "$target" ] || target=$target/${1##*/}
    [ -z "$force" ] || rm -f -- "$target"
    [ ! -e "$target" ] || complain "REQUEST_FILE_BCAST($node): File exists" 17
    cp $preserve -- "$1" "$target"
}

# -- srun -----------------------------------------------------------------------------------------------------------

tasks=${SLURM_NTASKS:-${SLURM_NPROCS:-}} per_node=${SLURM_NTASKS_PER_NODE:-} cpus= overcommit= out= err= in= folder=$PWD
label=${SLURM_LABELIO:+yes} quiet= bad_exit=${SLURM_KILL_BAD_EXIT:-0} patience=${SLURM_WAIT:-0} append= no_status=
quit= prolog=${SLURM_PROLOG:-} epilog=${SLURM_EPILOG:-}
case ${SLURM_OPEN_MODE:-} in a*) append=yes ;; esac

long_name() { # LETTER
    case $1 in
    n) echo ntasks ;; N) echo nodes ;; c) echo cpus-per-task ;; o) echo output ;; e) echo error ;; i) echo input ;;
    D) echo chdir ;; J) echo job-name ;; l) echo label ;; u) echo unbuffered ;; Q) echo quiet ;; v) echo verbose ;;
    K) echo kill-on-bad-exit ;; W) echo wait ;; O) echo overcommit ;; s) echo oversubscribe ;; k) echo no-kill ;;
    X) echo disable-status ;; G) echo gpus ;; m) echo distribution ;; p) echo partition ;; A) echo account ;;
    t) echo time ;; w) echo nodelist ;; x) echo exclude ;; r) echo relative ;; I) echo immediate ;;
    *) echo "$1" ;;
    esac
}

wants_value() { # OPTION
    case $1 in
    label | unbuffered | quiet | verbose | overcommit | oversubscribe | no-kill | disable-status | exact | overlap | \
        quit-on-interrupt | whole | kill-on-bad-exit | exclusive | pty | multi-prog | preserve-env) return 1 ;;
    esac
}

one_node() { # -N 1, 1-1, 1-4
    case $1 in 1 | 1-*) ;; *) complain "Only allocated 1 nodes asked for $1" ;; esac
}

# The GPUs of the job are those of its container; a part of them is not for this shell to choose.
all_gpus() { # OPTION COUNT, perhaps behind a type
    count=${2##*:}
    case $2 in none | 0 | gpu:0) return ;; esac
    case $count in *[!0-9]* | '') count=1 ;; esac
    [ "$count" -eq "${SLURM_GPUS_ON_NODE:-0}" ] ||
        complain "--$1=$2: a step has all ${SLURM_GPUS_ON_NODE:-0} GPUs of its job; to share them out $unreachable"
}

set_option() { # OPTION VALUE
    case $1 in
    ntasks) number "$2" "$1" && tasks=$2 ;;
    nodes) one_node "$2" ;;
    ntasks-per-node) number "$2" "$1" && per_node=$2 ;;
    cpus-per-task) number "$2" "$1" && cpus=$2 ;;
    overcommit) overcommit=yes ;;
    output) out=$2 ;;
    error) err=$2 ;;
    input) in=$2 ;;
    chdir) folder=$2 ;;
    label) label=yes ;;
    quiet) quiet=yes ;;
    wait) number "$2" "$1" && patience=$2 ;;
    kill-on-bad-exit) bad_exit=${2:-1} ;;
    disable-status) no_status=yes ;;
    quit-on-interrupt) quit=yes ;;
    open-mode) case $2 in a*) append=yes ;; *) append= ;; esac ;;
    prolog) prolog=$2 ;;
    epilog) epilog=$2 ;;
    gres | gpus | gpus-per-node) all_gpus "$1" "$2" ;;
    mpi | cpu-bind | cpu_bind) [ "$2" = none ] || [ "$2" = no ] || complain "--$1=$2 is not there on dstack" ;;
    export) [ "$2" = ALL ] || complain "--export=$2 $unreachable: set the variables with env" ;;
    job-name | unbuffered | verbose | oversubscribe | no-kill | exact | overlap | exclusive | whole | partition | \
        account | mem | mem-per-cpu | mem-per-gpu | hint | distribution | threads-per-core | qos | comment) ;;
    *) complain "--$1 $unreachable" ;;
    esac
}

expand() { # PATTERN RANK
    case $1 in
    none) echo /dev/null && return ;;
    *[!0-9]*) ;;
    *) # the output of one task
        [ "$1" = "$2" ] || echo /dev/null
        return
        ;;
    esac
    path=$(printf %s "$1" | sed -e "s/%%/\\\\n/g" -e "s/%0*[0-9]*t/$2/g" -e "s/%[jA]/$SLURM_JOB_ID/g" \
        -e "s/%J/$SLURM_JOB_ID.$number/g" -e "s/%s/$number/g" -e "s/%n/0/g" -e "s/%N/$node/g" \
        -e "s/%u/$SLURM_JOB_USER/g" -e "s/%a/$SLURM_ARRAY_TASK_ID/g" -e "s/%x/$SLURM_JOB_NAME/g" -e 's/\\n/%/g')
    case $path in /*) echo "$path" ;; *) echo "$folder/$path" ;; esac
}

redirection() { # RANK STREAM PATTERN
    path=
    [ -z "$3" ] || path=$(expand "$3" "$1")
    [ -z "$path" ] || [ "$path" = /dev/null ] || echo "$path" >>"$step/outputs.all"
    if [ -n "$label" ]; then
        echo "exec $2>>\"\$STEP_FOLDER/output-$1-$2\""
        echo "$1 $2 $(printf "%${width}s" "$1"): ${path:-$2}" >>"$step/pumps"
    elif [ -n "$path" ]; then
        echo "exec $2>>$(quoted "$path")"
    fi
}

write_task() { # RANK PROGRAM ARGUMENT...
    rank=$1
    shift
    source=stdin
    case $in in
    '' | all) ;;
    *[!0-9]*) source=- ;;
    "$rank") ;;
    *) source=- ;;
    esac
    echo "$rank $node 0 $source" >>"$step/tasks"
    {
        [ "$source" = stdin ] || echo "exec <$(quoted "$(expand "$in" "$rank")")"
        redirection "$rank" 1 "$out"
        if [ -n "$err" ] || [ -n "$label" ] || [ -z "$out" ]; then
            redirection "$rank" 2 "${err:-$out}"
        else
            echo "exec 2>&1"
        fi
        echo "export SLURM_PROCID=$rank SLURM_LOCALID=$rank SLURM_TASK_PID=\$\$"
        echo "cd $(quoted "$folder") || cd /tmp"
        missing="slurmstepd: error: execve(): $1: No such file or directory"
        echo "command -v $(quoted "$1") >/dev/null || { echo $(quoted "$missing") >&2; exit 2; }"
        printf exec
        for word; do printf ' %s' "$(quoted "$word")"; done
        echo
    } >"$step/task-$rank"
}

write_conf() {
    for one in "ID=$SLURM_JOB_ID.$number" "NODES=$node" "HERE=$node" "JOB=$guest" "APPEND=$append" "QUIET=$quiet" \
        "WAIT=$patience" "KILL_WAIT=$JOB_KILL_WAIT" STDIN= "PROLOG=$prolog" "EPILOG=$epilog" "QUIT=$quit" \
        "NO_STATUS=$no_status"; do
        echo "STEP_${one%%=*}=$(quoted "${one#*=}")"
    done
    case $bad_exit in 0) echo STEP_BAD_EXIT= ;; *) echo STEP_BAD_EXIT=yes ;; esac
}

run_alone() {
    while [ $# -gt 0 ]; do
        case $1 in
        --) shift && break ;;
        --*=*)
            option=${1#--}
            set_option "${option%%=*}" "${1#*=}"
            ;;
        --*)
            if wants_value "${1#--}"; then
                [ $# -gt 1 ] || complain "option '$1' requires an argument"
                set_option "${1#--}" "$2" && shift
            else
                set_option "${1#--}" ""
            fi
            ;;
        -?*)
            letters=${1#-}
            while [ -n "$letters" ]; do
                rest=${letters#?}
                option=$(long_name "${letters%"$rest"}")
                letters=$rest
                wants_value "$option" || [ "$option" = kill-on-bad-exit ] || { set_option "$option" "" && continue; }
                letters=
                if [ -z "$rest" ] && [ "$option" != kill-on-bad-exit ]; then
                    [ $# -gt 1 ] || complain "option requires an argument -- '${1#"${1%?}"}'"
                    rest=$2 && shift
                fi
                set_option "$option" "${rest#=}"
            done
            ;;
        *) break ;;
        esac
        shift
    done
    if [ $# -eq 0 ]; then echo "srun: fatal: No command given to execute." >&2 && exit 1; fi
    for word; do [ "$word" != : ] || complain "a call for several components (:) $unreachable"; done
    tasks=${tasks:-${per_node:-1}}
    if [ -z "$overcommit" ] && [ $((tasks * ${cpus:-1})) -gt "$SLURM_CPUS_ON_NODE" ]; then
        complain "Unable to create step for job $SLURM_JOB_ID: More processors requested than permitted"
    fi
    number=0
    mkdir -p "$guest/sruns" "$guest/steps"
    while ! mkdir "$guest/sruns/$number" 2>/dev/null; do number=$((number + 1)); done
    call=$guest/sruns/$number step=$guest/sruns/$number/step width=$(printf %s $((tasks - 1)) | wc -c | tr -d ' ')
    mkdir "$step"
    : >"$step/outputs.all" >"$step/pumps" >"$step/tasks"
    . "$guest/job.conf"
    write_conf >"$step/conf"
    ranks=$(awk -v tasks="$tasks" 'BEGIN { for (rank = 0; rank < tasks; rank++) print rank }')
    for one in $ranks; do write_task "$one" "$@"; done
    sort -u "$step/outputs.all" >"$step/outputs"
    SLURM_NTASKS=$tasks SLURM_NPROCS=$tasks SLURM_NNODES=1 SLURM_NODEID=0 SLURM_STEP_ID=$number SLURM_STEPID=$number
    SLURM_STEP_NODELIST=$node SLURM_STEP_NUM_NODES=1 SLURM_STEP_NUM_TASKS=$tasks SLURM_STEP_TASKS_PER_NODE=$tasks
    SLURM_TASKS_PER_NODE=$tasks SLURM_GTIDS=$(echo "$ranks" | tr '\n' ' ' | sed 's/ $//; s/ /,/g') SRUN_DEBUG=3
    SLURM_LAUNCH_NODE_IPADDR=127.0.0.1 SLURM_SRUN_COMM_HOST=127.0.0.1 SLURM_UMASK=$(umask)
    SLURM_DISTRIBUTION=${SLURM_DISTRIBUTION:-$([ "$tasks" -gt 1 ] && echo block || echo cyclic)}
    export SLURM_NTASKS SLURM_NPROCS SLURM_NNODES SLURM_NODEID SLURM_STEP_ID SLURM_STEPID SLURM_STEP_NODELIST
    export SLURM_STEP_NUM_NODES SLURM_STEP_NUM_TASKS SLURM_STEP_TASKS_PER_NODE SLURM_TASKS_PER_NODE SLURM_GTIDS
    export SRUN_DEBUG SLURM_LAUNCH_NODE_IPADDR SLURM_SRUN_COMM_HOST SLURM_UMASK SLURM_DISTRIBUTION
    [ -z "$cpus" ] || export SLURM_CPUS_PER_TASK="$cpus"
    [ -z "$label" ] || export SLURM_LABELIO=1
    for signal in HUP INT QUIT TERM USR1 USR2; do trap "interrupted=$signal" "$signal"; done
    . "$guest/step.sh"
    exit "$worst"
}

case $command in
srun) run_alone "$@" ;;
sbcast) broadcast "$@" ;;
esac

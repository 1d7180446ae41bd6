# srun's --task-prolog, in the task's place: what it prints changes the task (srun(1)). Sourced by the script of a task
# (see steps.py), which has set $prolog; "$@" are the task's variables, as words of env(1).

not_run() {
    for line in "run_command: user task_prolog can not be executed ($prolog) $1" \
        "user task_prolog did not exit normally. reason: Run command failed - configuration error" \
        "--task-prolog failed status=1"; do
        echo "slurmstepd: error: $line" >&2
    done
    exit 1
}

[ -e "$prolog" ] || not_run "No such file or directory"
[ -x "$prolog" ] || not_run "Permission denied"
said=$(env -i "$@" "$prolog")
while read -r word rest; do
    case $word:$rest in
    export:*=*) set -- "$@" "$rest" ;;
    print:*) printf '%s\n' "$rest" ;;
    unset:*)
        for variable; do
            shift
            case $variable in "$rest"=*) ;; *) set -- "$@" "$variable" ;; esac
        done
        ;;
    esac
done <<END
$said
END

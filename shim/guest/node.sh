#!/bin/sh
# Runs on every node of a job on several: the first runs the batch script, the others run tasks of its steps. In an
# allocation, whose srun is on the submit host, all of them run tasks.
#
#   node.sh DIRECTORY        (see job.sh)
#
# DIRECTORY holds   hold              if it is an allocation
#                   nodes/names       the name of each node, in the order of the ranks; it comes a little later
#                   nodes/signals     signals for the tasks of all nodes, one a line
#                   nodes/NAME/       orders: files that hold the directory of a step (see tasks.sh)
# and here appear   nodes/NAME.ready  the node takes orders
#                   nodes/NAME-tasks/ one file for each task here, named by its process group

directory=$1
guest=${0%/*}
tick=${SHIM_TICK:-0.2}
rank=${DSTACK_NODE_RANK:-0}
[ -d "$directory" ] || exit 0 # the job is over before this node was there
mkdir -p "$directory/nodes"
export SLURMSHIM_GUEST="$guest/bin" # see job.sh

# The job has ended, and perhaps all that was known of it has been removed since.
over() {
    [ -f "$directory/ended" ] || [ ! -d "$directory" ]
}

# The names of the nodes lead to their addresses, where this user may say so.
introduce() {
    hosts=${SHIM_HOSTS:-/etc/hosts}
    [ -w "$hosts" ] && [ -n "$DSTACK_NODES_IPS" ] || return 0
    while read -r name; do
        for address in $DSTACK_NODES_IPS; do break; done
        echo "$address $name"
        DSTACK_NODES_IPS=${DSTACK_NODES_IPS#"$address"}
    done <"$directory/nodes/names" >>"$hosts"
}

await_names() {
    until [ -f "$directory/nodes/names" ]; do
        ! over || exit 0
        sleep "$tick" || sleep 1
    done
}

deliver() { # SIGNAL
    for task in "$directory/nodes/$name-tasks"/[0-9]*; do
        [ ! -f "$task" ] || kill -s "$1" -- "-${task##*/}"
    done
}

# Run what is ordered until the job is over.
serve() {
    await_names
    (introduce)
    name=$(sed -n "$((rank + 1))p" "$directory/nodes/names")
    mkdir -p "$directory/nodes/$name" "$directory/nodes/$name-tasks"
    : >>"$directory/nodes/signals"
    exec 5<"$directory/nodes/signals"
    : >"$directory/nodes/$name.ready"
    until over; do
        for order in "$directory/nodes/$name"/*; do
            [ -f "$order" ] || continue
            read -r step <"$order"
            rm -f "$order"
            /bin/sh "$guest/tasks.sh" "$step" "$name" "$directory/nodes/$name-tasks" </dev/null &
        done
        while read -r signal <&5; do deliver "$signal"; done
        sleep "$tick" || sleep 1
    done
    deliver KILL
}

if [ "$rank" -ne 0 ]; then
    exec 2>/dev/null
    trap : INT HUP TERM # the end of the batch script ends this node
    serve
    exit 0
elif [ -f "$directory/hold" ]; then
    serve </dev/null >/dev/null 2>&1 &
else
    (await_names; introduce) </dev/null >/dev/null 2>&1 &
fi
exec /bin/sh "$guest/job.sh" "$directory"

#!/bin/sh
# Runs on every node of a job on several: the first runs the batch script, the others are there until it is over.
#
#   node.sh DIRECTORY        (see job.sh)

directory=$1
if [ "${DSTACK_NODE_RANK:-0}" -eq 0 ]; then exec /bin/sh "${0%/*}/job.sh" "$directory"; fi
mkdir -p "$directory/nodes"
printf '%s\n' "$(uname -n)" >"$directory/nodes/$DSTACK_NODE_RANK"
while [ ! -f "$directory/ended" ]; do sleep "${SHIM_TICK:-0.5}" || sleep 1; done
exit 0

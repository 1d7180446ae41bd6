#!/bin/sh
# srun on the submit host for a step on the nodes of an allocation: none of its tasks is here.
#
#   attend.sh CALL        CALL holds step/ (see step.sh)

call=$1
guest=${0%/*}
tick=${SHIM_TICK:-0.1}
for signal in HUP INT QUIT TERM USR1 USR2; do trap "interrupted=$signal" "$signal"; done
. "$guest/step.sh"
exit "$worst"

# Copy a file that still grows, until another one says that it is whole, or that nobody wants it any more.
follow() { # FILE END [UNWANTED]
    {
        while [ ! -f "$2" ] && [ ! -f "${3:-$2}" ]; do
            cat
            sleep "${SHIM_TICK:-0.1}" || sleep 1
        done
        cat
    } <"$1"
}

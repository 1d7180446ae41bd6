# Copy a file that still grows, until another one says that it is whole.
follow() { # FILE END
    {
        while [ ! -f "$2" ]; do
            cat
            sleep "${SHIM_TICK:-0.1}" || sleep 1
        done
        cat
    } <"$1"
}

# What the largest process of each of these sessions or process groups has held at most, as long as it lives: lines of
# "GROUP KB". To be sourced; tells nothing where /proc does not.
memory() { # GROUP...
    cat /proc/[0-9]*/status 2>/dev/null | awk -v wanted=" $* " '
        /^NSpgid:/ { group = $NF }
        /^NSsid:/ { session = $NF }
        /^VmHWM:/ {
            if (index(wanted, " " session " ")) group = session
            if (index(wanted, " " group " ") && $2 > most[group]) most[group] = $2
        }
        END { for (group in most) print group, most[group] }'
}

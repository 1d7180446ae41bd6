# The names of a host list, one a line: "a[1-3,07],b2" (scontrol show hostnames).

# The first comma outside of brackets, or the length plus one.
function cut(text,    at, depth, letter) {
    for (at = 1; at <= length(text); at++) {
        letter = substr(text, at, 1)
        if (letter == "[") depth++
        else if (letter == "]") depth--
        else if (letter == "," && depth == 0) return at
    }
    return at
}

# A word with at least one bracket left is its numbers, each followed by what the rest comes to.
function unfold(head, tail,    open, close_, count, ranges, ends, number, index_, width) {
    open = index(tail, "[")
    if (!open) { print head tail; return }
    close_ = index(tail, "]")
    count = split(substr(tail, open + 1, close_ - open - 1), ranges, ",")
    head = head substr(tail, 1, open - 1)
    tail = substr(tail, close_ + 1)
    for (index_ = 1; index_ <= count; index_++) {
        if (split(ranges[index_], ends, "-") < 2) ends[2] = ends[1]
        width = length(ends[1])
        for (number = ends[1] + 0; number <= ends[2] + 0; number++)
            unfold(head sprintf("%0" width "d", number), tail)
    }
}

BEGIN {
    list = ENVIRON["SHIM_LIST"]
    while (list != "") {
        at = cut(list)
        if (at > 1) unfold("", substr(list, 1, at - 1))
        list = substr(list, at + 1)
    }
}

# Makes a manual page: awk -v version=V -f man.awk HELP PAGE.  HELP is what
# the program prints for --help; its options come where PAGE has a line
# ".\" OPTIONS".

function roff(text) {
    gsub(/\\/, "\\e", text)
    gsub(/-/, "\\-", text)
    sub(/^\./, "\\\\\\&.", text)

    return text
}

NR == FNR && /^  (  |-.,) +--[a-z]/ {
    text = $0
    sub(/^ +/, "", text)
    match(text, /--[^ ]+/)

    name = substr(text, 1, RSTART + RLENGTH - 1)
    help = substr(text, RSTART + RLENGTH)
    sub(/^ +/, "", help)

    value = ""

    if (match(name, /=/)) {
        value = substr(name, RSTART + 1)
        name = substr(name, 1, RSTART - 1)
    }

    options = options ".TP\n\\fB" roff(name) "\\fR"
    options = options (value != "" ? "=\\fI" roff(value) "\\fR" : "")
    options = options "\n" roff(help) "\n"
}

NR == FNR { next }

/^\.\\" OPTIONS$/ {
    printf "%s", options
    next
}

{
    gsub(/@VERSION@/, version)
    print
}

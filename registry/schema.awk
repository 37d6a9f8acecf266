# Turns registry/schema/DRIVER/NAME.sql into a table of C strings.

BEGIN {
    print "/* generated from registry/schema: do not edit */\n"
    print "#include <stddef.h>\n"
    print "#include \"registry_schema.h\"\n\n"
    print "const registry_schema_file_t  registry_schema_files[] = {"
}

FNR == 1 {
    if (NR > 1) {
        print "    },"
    }

    n = split(FILENAME, part, "/")
    sub(/\.sql$/, "", part[n])
    printf "    { \"%s\", \"%s\",\n", part[n - 1], part[n]
}

/^--/ || /^[ \t]*$/ {
    next
}

{
    gsub(/\\/, "\\\\")
    gsub(/"/, "\\\"")
    printf "      \"%s\\n\"\n", $0
}

END {
    print "    },"
    print "    { NULL, NULL, NULL }"
    print "};"
}

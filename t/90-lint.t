#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# The rules of the code that a machine can check: layout, banned calls, the
# direction of includes, the sizes of files and functions, paths of the
# machine that built it.  Names of files as arguments check only those.

use warnings;
use strict;

use Cwd qw(realpath);
use File::Find;
use FindBin;
use Test::More;


my $top = realpath("$FindBin::Bin/..");

my $columns_max = 80;
my %file_soft = (c => 700, h => 150);
my %file_hard = (c => 1200);
my ($function_soft, $function_hard) = (80, 150);

my @banned = qw(strcpy strcat sprintf vsprintf gets strtok atoi atol atoll
                alloca system gmtime localtime);

# what C99 offers without input, output, time or state

my @pure = qw(inttypes.h limits.h stdbool.h stddef.h stdint.h string.h);

# libraries, and the only files that may know them

my @libraries = (
    { name => 'OpenSSL in common', dir => qr{^common/},
      header => qr{^openssl/},
      files => qr{/glance_digest\.c$} },
    { name => 'SQLite', header => qr{^sqlite3},
      files => qr{^registry/registry_db_sqlite\w*\.c$} },
    { name => 'MySQL', header => qr{^(?:mysql|mariadb)},
      files => qr{^registry/registry_db_mysql\w*\.c$} },
    { name => 'libcurl', header => qr{^curl/},
      files => qr{/(?:ngx_http_glance|registry)_(?:curl|client)\w*\.[ch]$
                   | /glance_control\.c$
                  |/(?:glance_worker|registry_fetch)\w*\.c$
                  |/ngx_http_glance_store_(?:http|swift|s3)\.c$}x },
    { name => 'libmicrohttpd', header => qr{^microhttpd},
      files => qr{^registry/registry_(?:http|call)\w*\.[ch]$} },
);


###############################################################################

# files of the tree: what git knows or would add, else everything but builds

sub tree {
    if (@ARGV) {
        return map { s{^\Q$top\E/}{}r } @ARGV;
    }

    if (-e "$top/.git") {
        open(my $git, '-|', 'git', '-C', $top, 'ls-files', '-z', '--cached',
             '--others', '--exclude-standard') or die "cannot run git: $!";

        local $/ = "\0";
        my @files = <$git>;
        chomp @files;

        return sort grep { -f "$top/$_" } @files if close($git) && @files;
    }

    my @files;

    find({ no_chdir => 1, wanted => sub {
        my $name = s{^\Q$top\E/?}{}r;

        if ($name =~ m{^(?:\.git|build[^/]*|run)$}) {
            $File::Find::prune = 1;

        } elsif (-f) {
            push @files, $name;
        }
    }}, $top);

    return sort @files;
}


sub slurp {
    my ($name) = @_;

    open(my $fh, '<:raw', "$top/$name") or die "cannot open $name: $!";
    local $/;

    return scalar <$fh>;
}


# C without comments, and on request without strings; lines stay where they are

sub strip {
    my ($text, $strings) = @_;

    $text =~ s{
        (/\*.*?\*/ | //[^\n]*)
        | ("(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*')
    }{
        defined $1 ? $1 =~ s/[^\n]+/ /gr : $strings ? '""' : $2
    }gsex;

    return $text;
}


# name, first line, number of lines and head of each function

sub functions {
    my ($code) = @_;

    my @lines = split /\n/, $code;
    my @found;
    my $head = '';
    my $start;

    for my $i (0 .. $#lines) {
        my $line = $lines[$i];

        if (defined $start) {
            if ($line =~ /^\}/) {
                my ($name) = $head =~ /^.*?(\w+)\s*\(/s;

                push @found, { name => $name || '?', line => $start + 1,
                               lines => $i - $start, head => $head }
                    if defined $name;

                ($head, $start) = ('', undef);
            }

        } elsif ($line =~ /^\{/) {
            $start = $i;

        } elsif ($line =~ /[;}]\s*$/ || $line =~ /^#/ || $line !~ /\S/) {
            $head = '';

        } else {
            $head .= "$line\n";
        }
    }

    return @found;
}


my %problems;

sub problem {
    my ($rule, $where, $text) = @_;

    push @{$problems{$rule}}, "$where: $text";
}


###############################################################################

my @files = tree();
my @text = grep { !m{^t/fuzz/corpus/} && -T "$top/$_" } @files;
my @code = grep { /\.[ch]$/ } @text;
my @product = grep { m{^(?:common|ngx_glance|registry)/} } @code;
my @perl = grep { /\.(?:t|pm|pl)$/ } @text;

my (%source, %bare, %declared);

for my $name (@code) {
    $source{$name} = slurp($name);
    $bare{$name} = strip($source{$name}, 1);
}


# layout

for my $name (@text) {
    my $text = $source{$name} // slurp($name);
    my $is_code = $name =~ /\.(?:[ch]|t|pm|pl)$/;
    my $number = 0;

    problem('layout', $name, 'does not end in a line feed')
        if length $text && $text !~ /\n\z/;
    problem('layout', $name, 'ends in empty lines') if $text =~ /\n\n\z/;

    for my $line (split /\n/, $text) {
        $number++;

        problem('layout', "$name:$number", 'trailing blanks')
            if $line =~ /\s$/;

        next if !$is_code;

        problem('layout', "$name:$number", 'tab') if $line =~ /\t/;

        # a character is a column

        my $width = $line =~ s/[\x80-\xbf]//gr;

        problem('layout', "$name:$number", length($width) . ' columns')
            if length($width) > $columns_max;
    }
}

for my $name (@code) {
    my @raw = split /\n/, $source{$name};
    my @bare = split /\n/, $bare{$name};
    my $marked = strip_line_comments($source{$name});

    problem('layout', "$name:$_", '// comment') for @$marked;

    for my $i (1 .. $#bare) {
        problem('layout', "$name:" . ($i + 1), 'no empty line before else')
            if $bare[$i] =~ /^\s+\} else\b/ && $raw[$i - 1] =~ /\S/;
    }

    problem('layout', $name, 'no copyright notice')
        if $source{$name} !~ m{\A\n?/\*\n \* Copyright \(C\) ngx_glance };

    next if $name !~ /\.h$/;

    my ($guard) = uc($name) =~ m{([^/]+)$};
    $guard =~ tr/A-Z0-9/_/c;

    problem('layout', $name, "no include guard _${guard}_INCLUDED_")
        if $bare{$name}
           !~ /^#ifndef _${guard}_INCLUDED_\n#define _${guard}_INCLUDED_\n/m;
}


sub strip_line_comments {
    my ($text) = @_;
    my @found;

    while ($text =~ m{
        /\*.*?\*/ | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*' | (//)
    }gsx) {
        push @found, 1 + (substr($text, 0, $-[1]) =~ tr/\n//) if defined $1;
    }

    return \@found;
}


# banned calls

my $banned = join '|', @banned;

for my $name (@code) {
    my $number = 0;

    for my $line (split /\n/, $bare{$name}) {
        $number++;

        problem('banned calls', "$name:$number", $1)
            if $line =~ /(?<![.>\w])($banned)\s*\(/;
    }
}


# includes

for my $name (@product) {
    my ($dir) = $name =~ m{^(\w+)/};
    my $number = 0;

    for my $line (split /\n/, strip($source{$name}, 0)) {
        $number++;

        next if $line !~ /^\s*#\s*include\s*(["<])([^">]+)/;

        my ($quote, $header) = ($1, $2);
        my $where = "$name:$number";

        for my $library (@libraries) {
            next if $header !~ $library->{header};
            next if $library->{dir} && $name !~ $library->{dir};

            problem('includes', $where, "$library->{name} is not for here")
                if $name !~ $library->{files};
        }

        if ($quote eq '"') {
            my $allowed = $dir eq 'common' ? qr{^glance_\w+\.h$}
                        : $dir eq 'registry'
                        ? qr{^(?:glance|registry)_\w+\.(?:h|inc)$}
                        : qr{^(?:ngx_http_)?glance_\w+\.h$};

            problem('includes', $where, "$header from $dir")
                if $header !~ $allowed;
            next;
        }

        if ($dir eq 'common') {
            my $pure = grep { $_ eq $header } @pure;

            $pure ||= $name =~ m{/glance_digest\.c$}
                      && $header =~ m{^(?:stdlib\.h
                                         |openssl/(?:crypto|evp|hmac)\.h)$}x;

            # addresses are those of sockets
            $pure ||= $name =~ m{/glance_addr\.c$}
                      && $header =~ m{^(?:arpa/inet|netinet/in
                                         |sys/socket)\.h$}x;

            problem('includes', $where, "<$header> from common") if !$pure;
        }

        problem('includes', $where, "<$header> from registry")
            if $dir eq 'registry' && $header =~ /^(?:ngx_|nginx)/;
    }
}


# sizes

my @soft;

for my $name (@product, grep { m{^t/} } @code) {
    my ($kind) = $name =~ /\.([ch])$/;
    my $lines = $source{$name} =~ tr/\n//;

    push @soft, "$name: $lines lines" if $lines > $file_soft{$kind};

    problem('sizes', $name, "$lines lines, at most $file_hard{$kind}")
        if defined $file_hard{$kind} && $lines > $file_hard{$kind};

    for my $f (functions($bare{$name})) {
        my $what = "$f->{name}() has $f->{lines} lines";

        push @soft, "$name:$f->{line}: $what"
            if $f->{lines} > $function_soft;

        problem('sizes', "$name:$f->{line}",
                "$what, at most $function_hard")
            if $f->{lines} > $function_hard;
    }
}


# names: of the part they belong to, and static if no header has them

for my $name (grep { /\.h$/ } @product) {
    $declared{$_} = 1 for $bare{$name} =~ /\b(\w+)\s*\(/g;
}

for my $name (grep { /\.c$/ } @product) {
    my ($dir) = $name =~ m{^(\w+)/};
    my $prefix = $dir eq 'common' ? qr/^glance_/
               : $dir eq 'registry' ? qr/^(?:glance|registry)_/
               : qr/^ngx_http_glance_/;

    for my $f (functions($bare{$name})) {
        next if $f->{name} eq 'main';

        problem('names', "$name:$f->{line}", "$f->{name}() has no prefix")
            if $f->{name} !~ $prefix;

        next if @ARGV;

        problem('names', "$name:$f->{line}",
                "$f->{name}() is neither static nor in a header")
            if $f->{head} !~ /^static\b/m && !$declared{$f->{name}};
    }
}


# paths: of this machine, and of anybody's home

for my $name (@text) {
    my $text = $source{$name} // slurp($name);
    my $number = 0;

    for my $line (split /\n/, $text) {
        $number++;

        problem('paths', "$name:$number", $1)
            if $line =~ m{(\Q$top\E(?![\w-]))}
               || $line =~ m{((?<![\w.])/(?:home|Users)/\w[\w.-]*/)};
    }
}


###############################################################################

ok(@code > 0, 'there is code to check');

for my $rule ('layout', 'banned calls', 'includes', 'sizes', 'names', 'paths')
{
    my @found = @{$problems{$rule} || []};

    ok(!@found, $rule) or diag(join("\n", @found));
}

note(join("\n", 'larger than they should be:', @soft)) if @soft;

# without names of files: cppcheck follows calls from one file into another

SKIP: {
    skip('only some files are checked', 1) if @ARGV;
    skip('cppcheck is not installed', 1)
        if !grep { -x "$_/cppcheck" } split(/:/, $ENV{PATH});

    my $text = `make -s -C '$top' cppcheck 2>&1`;

    is($?, 0, 'cppcheck') or diag($text);
}


done_testing();

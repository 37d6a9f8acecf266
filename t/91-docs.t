#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# What is written about the code says what the code does: directives in
# README.md, sample files, targets of the Makefile, programs and options.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;

my $top = "$FindBin::Bin/..";
my $readme = read_file("$top/README.md");
my $module = join('', map { read_file("$top/ngx_glance/ngx_http_glance_$_.c") }
                          qw/ module conf /);
my $keystone = read_file("$top/ngx_glance/ngx_http_glance_keystone_conf.c");
my $swift = read_file("$top/ngx_glance/ngx_http_glance_store_swift_conf.c");
my $s3 = read_file("$top/ngx_glance/ngx_http_glance_store_s3_conf.c");
my $http = read_file("$top/ngx_glance/ngx_http_glance_store_http.c");
my $cors = read_file("$top/ngx_glance/ngx_http_glance_cors.c");


# directives: name => [contexts, field of the location's configuration]

my %code;

while ($module =~ /\{\ ngx_string\("(glance\w*)"\),\n
                   \s+(NGX_[^,]*),\n .*?
                   (?:offsetof\(\w+,\s*([\w.]+)\)|0),/gsx)
{
    my ($name, $flags, $field) = ($1, $2, $3);

    $code{$name} = {
        contexts => join(', ', grep { defined }
            $flags =~ /HTTP_MAIN_CONF/ ? 'http' : undef,
            $flags =~ /HTTP_SRV_CONF/ ? 'server' : undef,
            $flags =~ /HTTP_LOC_CONF/ ? 'location' : undef),
        field => $field || '',
    };
}

my ($section) = $readme =~ /^## Directives\n(.*?)^## /ms;
my %doc;
my @order;

while ($section =~ /^### (\w+)\n\n(.*?)(?=^### |\z)/gms) {
    my ($name, $text) = ($1, $2);

    push @order, $name;
    $doc{$name} = {
        syntax => $text =~ /^\*\*Syntax:\*\* `([^`]*)`/m ? "$1" : '',
        default => $text =~ /^\*\*Default:\*\* (.*)$/m ? "$1" : '',
        contexts => $text =~ /^\*\*Context:\*\* (.*)$/m ? "$1" : '',
        prose => $text =~ /^\*\*Context:\*\*.*\n\n(\S)/m ? "$1" : '',
    };
}


# the value that a merge gives a field, as README writes it

my %size = (k => 1024, m => 1024 ** 2, g => 1024 ** 3);

sub merged {
    my ($field) = @_;

    # a part of the configuration with a file of its own
    my $part = $field =~ s/(.*)\.// ? $1 : '';

    return $1 if "$module$keystone" =~ /merge_roles\(cf,\s*prev->$field,
                                        \s*&conf->$field,\s*"(\w+)"\)/sx;

    my $code = $part eq 's3' ? $s3 : $part eq 'http' ? $http
             : "$module$cors$swift";

    return if $code !~ /ngx_conf_merge_(\w+)_value\(\s*conf->$field,
                        \s*prev->$field,\s*(.*?)\);/sx
              && $code !~ /ngx_conf_merge_()value\(\s*conf->$field,
                           \s*prev->$field,\s*(.*?)\);/sx;

    my ($type, $value) = ($1, $2);

    $value =~ s/\(off_t\)\s*|\(size_t\)\s*//g;
    $value =~ s/^"(.+)"$/$1/;

    return $value eq '""' || $value eq 'NULL' ? 'none' : $value
        if $value !~ /^[\d\s*,]+$/;

    return join(' ', map { eval $_ } split(/,/, $value));
}


sub number {
    my ($text) = @_;

    return $1 * $size{$2} if $text =~ /^(\d+)([kmg])$/;
    return $1 * 1000 if $text =~ /^(\d+)s$/;
    return $text eq 'on' ? 1 : $text eq 'off' ? 0 : $text;
}


check('directives' => sub {
    cmp_ok(scalar(keys %code), '>', 12, 'directives in the code');
    is(join(' ', sort keys %doc), join(' ', sort keys %code),
       'README has each, and no other');
    is(join(' ', @order), join(' ', sort @order), 'in alphabetical order');

    for my $name (sort keys %doc) {
        my $d = $doc{$name};
        my $c = $code{$name} or next;

        like($d->{syntax}, qr/^$name(?:;| .*;)$/, "$name: syntax");
        is($d->{contexts}, $c->{contexts}, "$name: contexts");
        like($d->{prose}, qr/^[A-Z]/, "$name: prose");

        if ($d->{default} !~ /^`$name (.*);`$/) {
            isnt($d->{default}, '', "$name: a default, or that there is none");
            next;
        }

        my $text = join(' ', map { number($_) } split(' ', $1));
        my $value = merged($c->{field});

        ok(defined $value, "$name: its field is merged") or next;

        # a pointer to a store or a pool is named in the code
        next if $value =~ /^(?:none$|&)/;

        # the words of an enumeration, or of bits
        $text = join($value =~ /\|/ ? '|' : ' ', map {
            $module =~ /\{ ngx_string\("\Q$_\E"\), (\w+) \}/ ? $1 : $_
        } split(' ', $text));

        is($text, $value =~ s/^\((.*)\)$/$1/r, "$name: default");
    }
});


check('sample files' => sub {
    my @samples = glob("$top/conf/glance-*.conf.sample");

    cmp_ok(scalar(@samples), '>', 1, 'there are some');

    for my $file (@samples) {
        my ($program) = $file =~ m!(glance-\w+)\.conf\.sample$!;
        my ($status, $text) = run_command([
            Glance::Program::built($program), '--config-file', '/dev/null',
            '--print-config' ]);

        is($status, 0, "$program --print-config");
        is($text, read_file($file), "conf/$program.conf.sample")
            or diag('run "make samples"');
    }
});


check('targets of the Makefile' => sub {
    my $makefile = read_file("$top/Makefile");
    my ($help) = $makefile =~ /^help:\n((?:\t.*\n)+)/m;
    my ($phony) = $makefile =~ /^\.PHONY: ((?:.*\\\n)*.*)/m;

    $phony =~ s/\\\n//g;

    # parts of "make", and what developers of it need
    my %parts = map { $_ => 1 } qw/ all help nginx registry programs samples
                                    version FORCE /;

    for my $target (grep { !$parts{$_} } split(' ', $phony)) {
        like($help, qr/\bmake $target\b/, "make help tells of \"$target\"");
    }

    my %known = map { $_ => 1 } split(' ', $phony);
    my @unknown = grep { !$known{$_} }
                  (($help =~ /^\t\@echo "make (\w+)/mg),
                   ($readme =~ /`make (\w+)/g));

    is("@unknown", '', 'help and README tell of no others');
});


check('programs' => sub {
    my ($text) = $readme =~ /^## Programs\n(.*?)^## /ms;
    my %named = map { $_ => 1 } $text =~ /^\| `(glance-\w+)/mg;
    my @built = map { s!.*/glance_(\w+)\.c$!glance-$1!r }
                glob("$top/registry/glance_*.c");

    is(join(' ', sort keys %named), join(' ', sort @built),
       'README has each, and no other');

    for my $program (sort @built) {
        my ($status, $said) = run_command([
            Glance::Program::built($program), '--help' ]);

        is($status, 0, "$program --help");
        like($said, qr/^Usage: $program /, "$program: its usage");
    }

    my ($status, $help) = run_command([
        Glance::Program::built('glance-manage'), '--help' ]);

    for my $command ($text =~ /^\| `(\w+)`(?:, `(\w+)`)? \|/mg) {
        next if !defined $command;
        like($help, qr/db $command\b/, "glance-manage db $command");
    }
});


# `option` or `option = value` in README, with the words of an option

check('options' => sub {
    my $table = read_file("$top/registry/registry_config_table.c");
    my %known = map { $_ => 1 }
                $table =~ /^\s+(?:(?:STR|INT|BOOL|WORD|CORS)\(|\{ )"(\w+)"/mg;

    cmp_ok(scalar(keys %known), '>', 50, 'options');

    my @assigned = $readme =~ /`(?:\[\w+\] )?([a-z]\w+) = [^`]+`/g;
    my @named = grep { /^(?:registry|sql|image|swift|s3|filesystem)_\w+
                        |^(?:upload_lease|sweep_interval|delayed_delete
                           |scrub_time|wakeup_time|admin_role)$/x }
                $readme =~ /`([a-z]\w+_\w+)`/g;
    my @unknown = grep { !$known{$_} } @assigned, @named;

    cmp_ok(scalar(@assigned) + scalar(@named), '>', 5, 'README names some');
    is("@unknown", '', 'and each is one');
});


# what README quotes of messages is what the code says; "..." stands for more

check('troubleshooting' => sub {
    my ($section) = $readme =~ /^## Troubleshooting\n(.*?)^## /ms;
    my $code = '';

    for my $file (glob "$top/ngx_glance/*.[ch] $top/registry/*.[ch]"
                       . " $top/common/*.[ch]")
    {
        my $text = read_file($file);

        # parts of a text that stand one below the other are one
        $text =~ s/"\s*\n\s*"//g;
        $text =~ s/\\"/"/g;
        $text =~ s/%(?:\.\*|\.\d+)?[a-zA-Z]{1,2}\b/\0/g;
        $code .= $text;
    }

    my @rows = $section =~ /^\| (?!message|answer|-)(.*?) \|/mg;

    cmp_ok(scalar(@rows), '>', 25, 'rows');

    for my $row (@rows, $section =~ /(?:log`|differ): (`[^`]+`)/g) {
        next if $row =~ /^nginx: /;

        # a status is no message, what follows "nginx:" is not ours
        $row =~ s/nginx: .*//;

        for my $message ($row =~ /`([^`]+)`/g) {
            next if $message =~ /^\d+$|^x-image|^http/
                    || $message =~ /^\S+$/ || $message =~ /Access denied/;

            my @lost = grep { length > 3 && index($code, $_) < 0 }
                       map { s/^[ "]+|[ "]+$//gr } split(/…/, $message);

            is(join(' | ', @lost), '', "\"$message\" is said");
        }
    }
});


# options come from --help by man.awk: as many as there are, with their texts

check('manual pages' => sub {
    my $dir = temp_dir();
    my @names = map { m!(glance_\w+)\.c$! ? $1 =~ tr/_/-/r : () }
                glob "$top/registry/glance_*.c";

    cmp_ok(scalar(@names), '>=', 6, 'programs');

    for my $name (@names) {
        my ($status, $help) = run_command([ Glance::Program::built($name),
                                            '--help' ]);
        my ($table) = $help =~ /^Options:\n(.*)\z/ms;
        my %option = $table =~ /^\ +(?:-\w,\ )?(--[\w-]+)[^\n]*?\s+
                                (\S[^\n]*(?:\n\ {20,}\S[^\n]*)*)$/gmx;

        write_file("$dir/help", $help);
        ($status, my $page) = run_command([ 'awk', '-v', 'version=1', '-f',
            "$top/man/man.awk", "$dir/help", "$top/man/$name.8" ]);

        is($status, 0, "$name: a page");
        write_file("$dir/$name.8", $page);
        $page =~ s/\\-/-/g;

        is(scalar(() = $table =~ /\n/g), scalar(keys %option),
           "$name: an option in each line of its help");
        is(join(' ', grep { $page !~ /^\.TP\n\\fB(?:-\w, )?\Q$_\E\\fR/m }
                     sort keys %option), '', "$name: all are in its page");
        is(join(' ', grep { index($page, "\n$option{$_}\n") < 0 }
                     sort keys %option), '', "$name: with what they do");

        # of commands, too
        my %command = map { $_ => 1 }
            ($help =~ /^COMMAND: (.*)$/m ? split(/, /, $1) : ()),
            ($help =~ /^Commands:\n(.*?)^Older/ms
             ? $1 =~ /^ {2,4}(?:\S.*, )?((?:db|config) \w+)/mg : ());

        is(join(' ', grep { $page !~ /\b\Q$_\E\b/ } sort keys %command), '',
           "$name: all commands");

        like($readme, qr/`\Q$name\E[ `]/, "$name: in README.md");

        SKIP: {
            skip('no man', 1) if !find_program('man');

            ($status, my $text) = run_command([ 'man', '--warnings', '-l',
                "$dir/$name.8" ], env => { MANPAGER => 'cat', PAGER => 'cat',
                                           LC_ALL => 'C' });
            unlike($text, qr/warning|error/, "$name: man has no objection");
        }
    }
});


done_testing();

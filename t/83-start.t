#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# The first five minutes: what "make run" starts and prints, and what README
# says to type then.

use warnings;
use strict;

use Cwd qw/ abs_path /;
use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Client;
use Glance::Test;

my $top = abs_path("$FindBin::Bin/..");
my $dir = temp_dir();
my ($port, $registry_port) = (free_port(), free_port());
my $url = "http://127.0.0.1:$port";
my $output = "$dir/output";

# nothing is built here: only what the target does then

my ($status, $text) = run_command([ 'make', '-n', '-C', $top, 'run' ]);

like($text, qr!bin/glance-run run!, 'make run') or diag($text);

my %env = (
    BUILD => abs_path(Glance::Program::build_dir()), RUN_DIR => "$dir/run",
    PORT => $port, REGISTRY_PORT => $registry_port, SQL_CONNECTION => '',
    NGINX_BIN => Glance::Nginx::binary(),
    Glance::Program::sanitizer_env($dir),
);

write_file($output, '');

my $pid = spawn(name => 'make run', argv => [ "$top/bin/glance-run", 'run' ],
                log => $output, env => \%env);

ok(wait_until(sub { read_file($output) =~ /Ctrl-C ends it/ || !alive($pid) })
   && alive($pid), 'it starts') or BAIL_OUT(read_file($output));


# (status, output) of lines in a shell, each of which has to succeed

sub type_in {
    my (@lines) = @_;

    return run_command([ '/bin/sh', '-e', '-c', join("\n", @lines) ],
                       dir => $dir);
}


check('the lines that it prints' => sub {
    my @lines = read_file($output) =~ /^  (\S.*)$/mg;

    is(scalar @lines, 3, 'three lines');
    s!/tmp/!$dir/!g for @lines;

    my ($status, $text) = type_in(@lines);

    is($status, 0, 'work as they are') or diag($text);
    like($text, qr/"name": ?"first"/, 'the list');
    like($text, qr/^identical$/m, 'and the data');
});


check('the five minutes of README' => sub {
    my $lines = readme_block('Five minutes', 'sh');

    $lines =~ s!http://127\.0\.0\.1:9292!$url!g;

    my ($status, $text) = type_in($lines);

    is($status, 0, 'all of it works') or diag($text);
    like($text, qr/"status": ?"active"/, 'the answer to the upload');
    like($text, qr/^x-image-meta-name: first\r$/mi, 'the metadata');
    like($text, qr/ 5eed0000-0000-4000-8000-000000000001$/m, 'the file');
    ok(!-e "$dir/run/images/5eed0000-0000-4000-8000-000000000001",
       'which is gone at the end');
});


check('with the client' => sub {
    plan(skip_all => 'no glance (package python3-glanceclient)')
        if !-x '/usr/bin/glance';

    my $lines = readme_block('Five minutes', 'sh', 1);

    $lines =~ s!http://127\.0\.0\.1:9292!$url!g;
    $lines =~ s!^glance!/usr/bin/glance!mg;

    my ($status, $text) = type_in("export HOME=$dir", $lines);

    is($status, 0, 'all of it works') or diag($text);
    like($text, qr/\| second +\| raw +\| bare +\| 10485760 \| active \|/,
         'the list');
});


check('Ctrl-C' => sub {
    my @servers = map { read_file("$dir/run/glance-$_.pid") =~ /(\d+)/ }
                  qw/ api registry worker /;

    is(scalar grep({ alive($_) } @servers), 3, 'three servers');
    is(stop_process($pid, signal => 'INT'), 0, 'ends well');
    is(scalar grep({ alive($_) } @servers), 0, 'with all of them');
    ok(-s "$dir/run/glance.sqlite", 'the data stay');
});

is(join("\n", glob "$dir/sanitizer.*"), '', 'no sanitizer reports');


done_testing();

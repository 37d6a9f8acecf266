package Glance::Test;

# Copyright (C) ngx_glance authors

# What a test file uses: everything of Test::More, and the helpers of this
# directory under one roof.

use warnings;
use strict;

use Exporter ();
use JSON::PP ();
use Test::More;

use Glance::Data qw/
    digest_of_file digest_sink md5_of noise pattern_chunks pattern_md5
    sparse_file
/;
use Glance::Database;
use Glance::Deploy qw/ readme_block /;
use Glance::Env;
use Glance::Faults qw/ full_disk slow_disk /;
use Glance::HTTP;
use Glance::Identity;
use Glance::Keystone;
use Glance::Nginx;
use Glance::Process qw/
    alive children find_program free_port in_background kill_process
    process_state read_file rss_kb run_command send_signal spawn
    stop_process store_dir temp_dir wait_until write_file
/;
use Glance::Registry;
use Glance::Store;

our @ISA = qw/ Exporter /;

our @EXPORT = (@Test::More::EXPORT, qw/
    alive check children digest_of_file digest_sink denied error_ok find_program
    for_each_database free_port full_disk has_header in_background
    kill_process md5_of noise pattern_chunks pattern_md5 process_state
    read_file readme_block refused request_id_ok rss_kb run_command
    send_signal slow_disk sparse_file spawn status_is stop_process store_dir
    temp_dir wait_until with_env write_file
/);


sub import {
    my ($class) = @_;

    strict->import();
    warnings->import();

    binmode(Test::More->builder()->$_(), ':utf8')
        for qw/ output failure_output todo_output /;

    $class->export_to_level(1, $class);
}


# a subtest for every database: code gets ($env, 'sqlite' or 'mysql')

sub for_each_database {
    my ($code, %options) = @_;

    my @kinds = split(/[ ,]+/,
                      $ENV{GLANCE_TEST_DATABASES} || 'sqlite mysql');

    for my $kind (@kinds) {
        subtest($kind => sub {
            my $missing = missing($kind);

            plan(skip_all => $missing) if $missing;
            run_env($code, $kind, %options);
        });
    }
}


sub missing {
    my ($kind) = @_;

    return Glance::Database::missing($kind) || Glance::Store::missing()
           || Glance::Identity::missing();
}


# the same for one, where the database makes no difference

sub with_env {
    my ($kind, $code, %options) = @_;

    my $missing = missing($kind);

    plan(skip_all => $missing) if $missing;
    run_env($code, $kind, %options);
}


sub run_env {
    my ($code, $kind, %options) = @_;

    my $env = eval { Glance::Env->new($kind, %options) };

    if (!$env) {
        fail("the service starts");
        diag($@);
        return;
    }

    if (!eval { $code->($env, $kind); 1 }) {
        fail("the test came to its end");
        diag($@);
        diag($_->tail()) for grep { !$_->alive() } $env->{nginx},
                                                   $env->{registry};
    }

    $env->finish();
}


# a subtest that survives its own death: title, code

sub check {
    my ($title, $code) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    subtest($title => sub {
        return if eval { $code->(); 1 };

        fail('no exception');
        diag($@);
    });
}


sub status_is {
    my ($r, $status, $title) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is($r->{status}, $status, $title || "status $status")
        or diag($r->summary());
}


sub has_header {
    my ($r, $name, $value, $title) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $got = join(' | ', $r->all($name));

    ref $value ? like($got, $value, $title || $name)
               : is($got, $value, $title || $name);
}


sub request_id_ok {
    my ($r) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    has_header($r, 'x-openstack-request-id',
        qr/^req-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'request id');
}


# an error answer of ours: status, one of the three forms, id, words

sub error_ok {
    my ($r, $status, $title, $words) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    subtest("$title: $status" => sub {
        status_is($r, $status);
        request_id_ok($r);
        has_header($r, 'Content-Type',
            qr!^(?:text/(?:plain|html); ?charset=utf-8|application/json)!i);
        ok($r->complete(), 'the answer is complete')
            or diag($r->{error});

        if ($r->{method} ne 'HEAD') {
            like($r->{body}, qr/$status/, 'the status in the body');
            unlike($r->{body}, qr/nginx/i, 'a page of ours');
        }

        like($r->{body}, $words, 'explanation') if $words;
    });
}


# the same: a text that names what was wrong

sub denied {
    my ($r, $status, $words, $title) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    error_ok($r, $status, $title, qr/\Q$words\E/);
}


# An error in the middle of a connection: the answer is sound, and the next
# request on the connection is understood, or was announced not to be.
# Options as of a request, and words => qr/../, meta => {..}

sub refused {
    my ($env, $status, $title, $method, $path, %o) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $c = $env->connect();
    my %request = $o{meta} ? $env->with_meta(delete $o{meta}, %o) : %o;
    my $r = $c->request($method, $path, %request);

    error_ok($r, $status, $title, $o{words});

    if (lc($r->header('Connection') || '') eq 'close') {
        ok($c->closed_by_peer(), "$title: closed as announced");

    } else {
        my $second = $c->request('GET', '/images');
        status_is($second, 200, "$title: second request");
    }

    return $r;
}


1;

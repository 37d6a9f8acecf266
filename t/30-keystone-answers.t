#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# Answers that Keystone would not give, and many of those that it would: the
# server asks no more than it has to, and believes nothing that is broken.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::MockKeystone;
use Glance::Test;

my $keystone = Glance::MockKeystone->new();

$keystone->start();

my $credentials = $keystone->credentials();

my %options = (
    registry => { 'paste_deploy/flavor' => 'keystone',
                  registry_secret => 's3cret' },
    nginx => { secret => 's3cret', keystone => {
        port => $keystone->{port}, credentials => $credentials,
        internal => "proxy_read_timeout 2s;\n" } },
);

my $number = 0;


sub ask {
    my ($env, $token, %o) = @_;

    return $env->request('GET', '/images', headers => [
        'X-Auth-Token' => $token ], %o);
}


# a token of a kind that was not asked about yet

sub fresh {
    my ($kind) = @_;

    return "$kind-" . $number++;
}


sub unavailable {
    my ($r, $title) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    error_ok($r, 503, $title, qr/identity service/);
    has_header($r, 'Retry-After', qr/^\d+$/, "$title: when to come back");
}


# without any answer yet

with_env('sqlite', sub {
    my ($env) = @_;

    my $nginx = $env->{nginx};

    check('logins that go wrong' => sub {
        for my $login (qw/ error headerless html long notime past /) {
            $keystone->login_is($login);
            unavailable(ask($env, fresh('good')), "login: $login");
        }

        $keystone->login_is('good');
        status_is(ask($env, fresh('good')), 200, 'a good one at last');
    });

    check('one connection, errors and all' => sub {
        my $c = $env->connect();
        my $good = fresh('good');

        for my $token ($good, fresh('bad'), fresh('html'), $good) {
            my $expected = $token =~ /^good/ ? 200
                           : $token =~ /^bad/ ? 401 : 503;

            status_is($c->request('GET', '/images', headers => [
                'X-Auth-Token' => $token ]), $expected, "$token: $expected");
        }

        my $r = $c->request('POST', '/images', $env->with_meta({},
            chunked => 1, body => noise(300_000),
            headers => [ 'X-Auth-Token' => fresh('bad') ]));

        status_is($r, 401, 'with a body: 401');

        ok(lc($r->header('Connection') || '') eq 'close'
           || $c->request('GET', '/versions')->{status} == 200,
           'the body is not taken for a request');
    });

    check('answers that are none' => sub {
        for my $kind (qw/ html empty list other null deep large chunks short
                          cut forbidden choices moved error busy nobody
                          longuser nowhere control noroles roles many notime
                          badtime /)
        {
            unavailable(ask($env, fresh($kind)), $kind);
        }

        ok($nginx->alive(), 'nginx lives');
        status_is(ask($env, fresh('good')), 200, 'and serves');
    });

    check('tokens that are none' => sub {
        status_is(ask($env, fresh('bad')), 401, 'unknown: 401');
        status_is(ask($env, fresh('past')), 401, 'past: 401');
        error_ok(ask($env, fresh('domain')), 403, 'of a domain',
                 qr/project/);

        my $before = $keystone->asked('GET');

        for my $token ('with blank', "t\x80b", 'x' x 8193, '') {
            status_is(ask($env, $token), 401,
                      length($token) . ' bytes of it: 401');
        }

        is($keystone->asked('GET'), $before, 'Keystone was not bothered');
    });

    check('roles' => sub {
        my %mine = (headers => [ 'X-Auth-Token' => fresh('good') ]);
        my $id = $env->create({ owner => 'somebody' },
            headers => [ 'X-Auth-Token' => fresh('admin') ]);

        for my $case ([ 'admin', 200, 'in upper case' ],
                      [ 'good', 404, 'another' ],
                      [ 'comma', 404, 'a name like two' ],
                      [ 'names', 404, 'without names' ])
        {
            my ($kind, $status, $title) = @$case;
            my $r = $env->request('HEAD', "/images/$id",
                headers => [ 'X-Auth-Token' => fresh($kind) ]);

            status_is($r, $status, "$title: $status");
        }
    });

    check('what is known is not asked again' => sub {
        my ($good, $bad) = (fresh('good'), fresh('bad'));

        for (1 .. 5) {
            status_is(ask($env, $good), 200, 'good');
            status_is(ask($env, $bad), 401, 'bad');
        }

        is($keystone->asked(qr/GET.* $good$/), 1, 'the good one: once');
        is($keystone->asked(qr/GET.* $bad$/), 1, 'the bad one: once');

        $nginx->reload();
        status_is(ask($env, $good), 200, 'after a reload');
        is($keystone->asked(qr/GET.* $good$/), 1, 'the good one: still once');
    });

    check('many at the same time ask once' => sub {
        for my $kind (qw/ good bad html /) {
            my $token = fresh($kind);
            my @c = map { $env->connect() } 1 .. 30;

            $_->send($_->head('GET', '/images', headers => [
                'X-Auth-Token' => $token ])) for @c;

            my %status;
            $status{$_->read_response('GET')->{status}}++ for @c;

            my $expected = { good => 200, bad => 401, html => 503 }->{$kind};

            is_deeply(\%status, { $expected => 30 }, "$kind: $expected");

            # a failure holds for who waited, not for who came later
            my $asked = $keystone->asked(qr/GET.* $token$/);
            ok($kind eq 'html' ? $asked >= 1 : $asked == 1,
               "$kind: asked $asked times");
        }
    });

    check('a Keystone that says nothing' => sub {
        my $token = fresh('silent');
        my @c = map { $env->connect() } 1 .. 3;

        $_->send($_->head('GET', '/images', headers => [
            'X-Auth-Token' => $token ])) for @c;

        status_is(ask($env, fresh('good')), 200, 'others are served');
        unavailable($_->read_response('GET'), 'in the end') for @c;

        # clients that do not wait for it
        $token = fresh('silent');
        @c = map { $env->connect() } 1 .. 4;
        $_->send($_->head('GET', '/images', headers => [
            'X-Auth-Token' => $token ])) for @c;
        $_->reset() for @c[0, 1];
        $_->close() for @c[2, 3];

        status_is(ask($env, fresh('good')), 200, 'still serves');
    });

    check('our own token' => sub {
        my $before = $keystone->asked('POST');

        unavailable(ask($env, fresh('rejected')), 'refused twice');
        is($keystone->asked('POST'), $before + 1, 'one new login');

        $before++;
        status_is(ask($env, fresh('good')), 200, 'with the next one');
        is($keystone->asked('POST'), $before + 1, 'one more login');
    });

    check('other credentials, another world' => sub {
        my $good = fresh('good');

        status_is(ask($env, $good), 200);

        Glance::Keystone::write_credentials($credentials, user => 'glance',
                                            password => 'an0ther');
        $nginx->reload();
        status_is(ask($env, $good), 200);
        is($keystone->asked(qr/GET.* $good$/), 2, 'asked again');
    });

    check('a wrong password is not tried again and again' => sub {
        my $good = fresh('good');

        status_is(ask($env, $good), 200);
        $keystone->login_is('refused');

        # the token that was good is gone
        ask($env, fresh('rejected'));

        my $before = $keystone->asked('POST');

        unavailable(ask($env, fresh('good')), 'not tried') for 1 .. 5;
        is($keystone->asked('POST'), $before, 'no further login');
        status_is(ask($env, $good), 200, 'what is known is still known');
        $keystone->login_is('good');
    });

    check('no password in the logs' => sub {
        for my $file ($nginx->{log}, $nginx->{access_log}, $nginx->{output},
                      $env->{registry}{log})
        {
            my $text = read_file($file);

            unlike($text, qr/w0rd|an0ther|own-\d|s3cret/, $file);

            # request ids hold "bad-1", too
            unlike($text, qr/(?<![\w-])(?:good|bad|rejected|html)-\d/, $file);
        }
    });
}, %options);


# what else may let a client in does not say who it is

with_env('sqlite', sub {
    my ($env) = @_;

    status_is($env->request('GET', '/images'), 401, 'satisfy any: nobody');
    status_is($env->post({}, body => 'data'), 401, 'satisfy any: nobody');
    $env->is_empty();
}, %options, nginx => { %{$options{nginx}},
                        directives => "satisfy any;\nallow all;\n" });


# a zone has its size, whatever is in it

with_env('sqlite', sub {
    my ($env) = @_;

    my $c = $env->connect();
    my ($worker) = $env->{nginx}->workers();
    my $good = fresh('good');

    status_is(ask($env, $good), 200);

    my $flood = sub {
        my ($n) = @_;

        my %status;

        # a path that nobody has: the registry need not be asked
        for my $i (1 .. $n) {
            my $r = $c->request('GET', '/nowhere', headers => [
                'X-Auth-Token' => fresh($i % 4 ? 'bad' : 'good') ]);

            $status{$r->{status}}++;

            $c = $env->connect()
                if lc($r->header('Connection') || '') eq 'close';
        }

        is_deeply(\%status, { 401 => $n * 3 / 4, 404 => $n / 4 },
                  "$n tokens, each is asked about");
    };

    my $first = fresh('bad');
    status_is(ask($env, $first), 401);

    # the zone's pages are touched, the allocator is warm
    $flood->(2000);

    my $before = rss_kb($worker);
    my $last;

    $flood->(10_000);

    SKIP: {
        skip('sanitizers need memory of their own', 1)
            if $ENV{ASAN_OPTIONS};

        my $more = rss_kb($worker) - $before;
        ok($more < 1024, "10000 tokens: $more KB more");
    }

    $last = 'good-' . ($number - 1);
    status_is(ask($env, $last), 200);
    is($keystone->asked(qr/GET.* $last$/), 1, 'the last one is known');
    status_is(ask($env, $first), 401);
    is($keystone->asked(qr/GET.* $first$/), 2, 'the first one is not');
    status_is(ask($env, $good), 200, 'a good one is good');
}, %options, nginx => { %{$options{nginx}}, keystone => {
    %{$options{nginx}{keystone}}, zone => '128k', cache => 'invalid=1h' } });


$keystone->stop();
is(join("\n", $keystone->complaints()), '', 'the mock had no trouble');

done_testing();

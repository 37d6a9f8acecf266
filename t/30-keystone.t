#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# Who asks, by the word of a real Keystone.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;

my $missing = Glance::Keystone::missing();
plan(skip_all => $missing) if $missing;

my $keystone = eval { Glance::Keystone->new()->start() };
ok($keystone, 'Keystone serves') or BAIL_OUT($@);

# the same users and keys, with tokens that do not live long
my $hasty = Glance::Keystone->new(like => $keystone, expiration => 4);
$hasty->start();

my @tokens;


sub token {
    my ($user, $scope, $from) = @_;

    my $token = ($from || $keystone)->token($user, $scope);

    push @tokens, $token;

    return $token;
}


sub with_token {
    my ($token, @headers) = @_;

    return (headers => [ 'X-Auth-Token' => $token, @headers ]);
}


sub options {
    my (%o) = @_;

    return (
        registry => { 'paste_deploy/flavor' => 'keystone+caching',
                      registry_secret => 's3cret' },
        nginx => {
            secret => 's3cret',
            keystone => {
                port => $keystone->{port},
                credentials => $keystone->credentials(),
                cache => $o{cache},
            },
            workers => 2,
        },
    );
}


# a token that is over: what Keystone gives for a second

sub wait_for_end {
    my ($token) = @_;

    my $mine = $keystone->token('glance');

    return wait_until(sub {
        $keystone->request('GET', '/v3/auth/tokens?nocatalog', headers => [
            'X-Auth-Token' => $mine, 'X-Subject-Token' => $token,
        ])->{status} == 404;
    });
}


sub refused_ok {
    my ($r, $title) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    error_ok($r, 401, $title);
    has_header($r, 'WWW-Authenticate',
               qq!Keystone uri="http://127.0.0.1:$keystone->{port}/v3"!,
               "$title: where to ask");
}


# what is in no log: no token of this test, no password of the service

sub no_secrets {
    my ($env) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $password = Glance::Keystone::password('glance');

    for my $file (map { ($_->{log}, $_->{output}, $_->{access_log}) }
                  $env->{nginx}, $env->{registry})
    {
        next if !defined $file || !-e $file;

        my $text = read_file($file);
        my @found = grep { index($text, $_) >= 0 } @tokens, $password;

        is(scalar @found, 0, "no secret in $file");
    }
}


for_each_database(sub {
    my ($env, $db) = @_;

    my %user = map { $_ => token($_) } qw/ alice anton bob admin /;
    my $alpha = $keystone->project('alpha');

    check('nobody' => sub {
        refused_ok($env->request('GET', '/images'), 'no token');
        refused_ok($env->request('GET', '/images/detail'), 'no token');
        refused_ok($env->request('HEAD', '/images/1'), 'HEAD');
        refused_ok($env->request('DELETE', '/images/1'), 'DELETE');
        refused_ok($env->request('GET', '/no/such/path'), 'anywhere');
        refused_ok($env->post({}, body => noise(500_000), expect => 1),
                   'an upload that waits');
        refused_ok($env->post({}, body => noise(500_000), chunked => 1),
                   'an upload that does not');

        status_is($env->request('GET', '/versions'), 200,
                  'versions are for everybody');
        status_is($env->request('GET', '/'), 300, 'at the root, too');
        $env->is_empty();
    });

    check('two projects' => sub {
        my $data = noise(100_000);
        my $r = $env->post({ name => 'private' }, body => $data,
                           with_token($user{alice}));

        status_is($r, 201);

        my $id = $r->json()->{image}{id};
        my ($owner) = map { $_->[0] } $env->{database}->query(
            "SELECT owner FROM images WHERE id = '$id'");

        is($owner, $alpha, 'the project owns it');

        my $sees = sub {
            my ($user, @headers) = @_;

            return $env->request('GET', "/images/$id",
                                 with_token($user{$user}, @headers));
        };

        is($sees->('alice')->{body}, $data, 'its maker sees it');
        status_is($sees->('anton'), 200, 'so does his project');
        status_is($sees->('admin'), 200, 'so does an administrator');
        error_ok($sees->('bob'), 404, 'another project does not');

        # the registry lists only public images at /images
        my $list = $env->request('GET', '/images/detail',
                                 with_token($user{bob}))->json();
        is_deeply($list->{images}, [], 'nor in a list');

        my $change = $env->put($id, { name => 'mine' },
                               with_token($user{bob}));
        error_ok($change, 404, 'nor changes it');
        error_ok($env->request('DELETE', "/images/$id",
                               with_token($user{bob})), 404, 'nor deletes it');

        # what a client says of himself
        my @forged = ('X-Identity-Status' => 'Confirmed',
                      'X-User-Id' => 'alice', 'X-Project-Id' => $alpha,
                      'X-Tenant-Id' => $alpha, 'X-Roles' => 'admin',
                      'X-Service-Roles' => 'service',
                      'X-Glance-Secret' => 's3cret');

        status_is($sees->('bob', @forged), 404, 'not by headers of his own');
        refused_ok($env->request('GET', "/images/$id",
                                 headers => [ @forged ]), 'only these');

        status_is($env->put($id, { name => 'ours' },
                            with_token($user{anton})), 200, 'anton changes');
        status_is($env->request('DELETE', "/images/$id",
                                with_token($user{admin})), 200,
                  'admin deletes');
    });

    check('S-55 a public image' => sub {
        my $r = $env->post({ name => 'public', is_public => 'on' },
                           body => 'x', with_token($user{alice}));
        my $id = $r->json()->{image}{id};

        status_is($env->request('GET', "/images/$id",
                                with_token($user{bob})), 200, 'bob reads');
        error_ok($env->request('DELETE', "/images/$id",
                               with_token($user{bob})), 403, 'no more');

        my $list = $env->request('GET', '/images',
            headers => [ 'X-Storage-Token' => $user{bob} ])->json();
        is_deeply([ map { $_->{id} } @{$list->{images}} ], [ $id ],
                  'and lists, with the header of 2011');
        refused_ok($env->request('GET', "/images/$id"), 'nobody');
    });

    check('a token that ends during an upload' => sub {
        my $token = token('alice', undef, $hasty);
        my $data = noise(600_000);
        my $part = 0;

        my $r = $env->post({ name => 'slow' }, chunked => 1,
            chunks => sub {
                wait_for_end($token) if $part == 1;
                return if $part == 3;
                return substr($data, 200_000 * $part++, 200_000);
            }, with_token($token));

        status_is($r, 201, 'the upload ends well');

        my $id = $r->json()->{image}{id};

        refused_ok($env->request('GET', "/images/$id", with_token($token)),
                   'the token is over');
        is(md5_of($env->request('GET', "/images/$id",
                                with_token($user{alice}))->{body}),
           md5_of($data), 'the next one reads all of it');
    });

    no_secrets($env);
}, options());


# tokens; the database makes no difference

with_env('sqlite', sub {
    my ($env) = @_;

    my $ask = sub {
        my ($token, @headers) = @_;
        return $env->request('GET', '/images', with_token($token, @headers));
    };

    check('tokens that are none' => sub {
        my $good = token('alice');
        my $tampered = $good;

        substr($tampered, 100, 1) =~ tr/A-Za-z0-9/B-ZAb-za1-90/;

        for my $token ('garbage', '-', 'x' x 5000, $tampered, "$good.",
                       substr($good, 1), "$good $good")
        {
            refused_ok($ask->($token), length($token) . ' bytes');
        }

        status_is($ask->($good), 200, 'a good one');
    });

    check('glance_anonymous' => sub {
        $env->{nginx}->reload(directives => 'glance_anonymous on;');

        for my $o ([], [ headers => [ 'X-Auth-Token' => 'garbage' ] ],
                   [ headers => [ 'X-Roles' => 'admin', 'X-Identity-Status'
                                  => 'Confirmed' ] ])
        {
            status_is($env->request('GET', '/v2/schemas/image', @$o), 200,
                      'may look');
            error_ok($env->request('GET', '/v2/images', @$o), 403,
                     'without a role', qr/get_images/);
            error_ok($env->request('POST', '/v2/images', body => '{}', @$o),
                     403, 'nor write', qr/Read-only access/);
        }

        status_is($env->request('GET', '/v2/images',
                                with_token(token('alice'))), 200,
                  'a token counts');
        $env->{nginx}->reload(directives => undef);
        status_is($env->request('GET', '/v2/schemas/image'), 401, 'off');
    });

    check('scopes' => sub {
        refused_ok($ask->(token('carol', '')), 'no project at all');
        refused_ok($ask->(token('alice', '')), 'a project, but not in it');
        error_ok($ask->(token('admin', 'system')), 403, 'the system',
                 qr/project/);
    });

    check('revoked' => sub {
        my $token = token('alice');

        $keystone->revoke($token);
        refused_ok($ask->($token), 'before its use');

        $token = token('alice');
        status_is($ask->($token), 200, 'used');
        $keystone->revoke($token);
        ok(wait_until(sub { $ask->($token)->{status} == 401 }),
           'after its use, when the cache has forgotten it');
    });

    check('expired' => sub {
        my ($token, $unused) = map { token('alice', undef, $hasty) } 1, 2;

        status_is($ask->($token), 200, 'not yet');
        wait_for_end($token);
        wait_for_end($unused);
        refused_ok($ask->($token), 'used before');
        refused_ok($ask->($unused), 'not used before');

        # long work that a service goes on with
        my @nova = ('X-Service-Token' => token('nova'));

        status_is($ask->($token, @nova), 200, 'from a service');
        status_is($ask->($unused, @nova), 200, 'also unused');
        refused_ok($ask->($unused), 'still not from others');

        refused_ok($ask->($token, 'X-Service-Token' => token('bob')),
                   'from who is no service');
        refused_ok($ask->($token, 'X-Service-Token' => 'garbage'),
                   'from who says so');
        refused_ok($ask->('garbage', @nova), 'no token, from a service');
        refused_ok($ask->($token, 'X-Service-Token' => $token),
                   'vouching for itself');

        my $good = token('alice');

        status_is($ask->($good, @nova), 200, 'two good ones');
        refused_ok($ask->($good, 'X-Service-Token' => 'garbage'),
                   'one of two is none');
        refused_ok($env->request('GET', '/images', headers => [ @nova ]),
                   'a service alone');
    });

    check('many at the same time' => sub {
        for my $tokens ([ (token('alice')) x 20 ],
                        [ map { token('alice') } 1 .. 5 ])
        {
            my @c = map { $env->connect() } @$tokens;

            for my $i (0 .. $#c) {
                $c[$i]->send($c[$i]->head('GET', '/images',
                                          with_token($tokens->[$i])));
            }

            my @status = map { $_->read_response('GET')->{status} } @c;
            is_deeply(\@status, [ (200) x @c ], scalar @c . ' times 200');
        }
    });

    check('HTTP keeps going on a connection' => sub {
        my $c = $env->connect();
        my $good = token('alice');

        for my $case ([ $good, 200 ], [ 'none', 401 ], [ $good, 200 ],
                      [ token('bob'), 200 ])
        {
            my ($token, $status) = @$case;

            status_is($c->request('GET', '/images', with_token($token)),
                      $status);
        }
    });

    no_secrets($env);
}, options(cache => 'valid=1s'));


# Keystone comes and goes

with_env('sqlite', sub {
    my ($env) = @_;

    my $ask = sub {
        return $env->request('GET', '/images', with_token($_[0]));
    };

    my ($known, $unknown) = map { token('alice') } 1, 2;

    check('Keystone is down' => sub {
        status_is($ask->($known), 200, 'known before');
        $keystone->stop();

        status_is($ask->($known), 200, 'known: still served');

        my $r = $ask->($unknown);
        error_ok($r, 503, 'not known', qr/identity service/);
        has_header($r, 'Retry-After', qr/^\d+$/);

        $r = $env->post({}, body => noise(300_000), chunked => 1,
                        with_token($unknown));
        error_ok($r, 503, 'an upload');

        $keystone->start();
        status_is($ask->($unknown), 200, 'and is back');
    });

    check('Keystone stands still' => sub {
        my $token = token('alice');
        my @c = map { $env->connect() } 1 .. 3;

        $keystone->pause();
        $_->send($_->head('GET', '/images', with_token($token))) for @c;
        status_is($ask->($known), 200, 'known: served meanwhile');
        $keystone->resume();

        status_is($_->read_response('GET'), 200, 'then') for @c;
    });

    check('the keys are new' => sub {
        my $old = token('bob');

        $keystone->stop();
        $keystone->new_keys();
        $keystone->start();

        refused_ok($ask->($old), 'a token by the old ones');
        status_is($ask->(token('alice')), 200, 'a token by the new ones');
        status_is($ask->($known), 200, 'what is known is known');
    });

    no_secrets($env);
}, options());


# a service whose own token does not live long

$keystone->stop();
$keystone->start(expiration => 3);

with_env('sqlite', sub {
    my ($env) = @_;

    check('our own token ends' => sub {
        for my $round (1 .. 3) {
            my $token = token('alice');

            status_is($env->request('GET', '/images', with_token($token)),
                      200, "round $round");
            wait_until(sub {
                $env->request('GET', '/images',
                              with_token($token))->{status} == 401;
            });
        }
    });

    unlike(read_file($env->{nginx}{log}), qr/\[error\]/, 'without errors');
}, options());

$_->stop() for $keystone, $hasty;
is(join("\n", map { $_->complaints() } $keystone, $hasty), '',
   'Keystone had no trouble');

done_testing();

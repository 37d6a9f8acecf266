#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# The service as a whole: discover, register, retrieve; where its parts run.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;

use Glance::Test;


for_each_database(sub {
    my ($env, $db) = @_;

    check('S-01 register, discover and retrieve an image' => sub {
        my $data = noise(100_000);
        my $r = $env->post({ name => 'ubuntu', type => 'machine',
                             is_public => 'true' }, body => $data);

        status_is($r, 201, 'registered');

        my ($found) = grep { $_->{name} eq 'ubuntu' }
                      @{$env->request('GET', '/images/')->json()->{images}};

        ok($found, 'discovered') or return;

        my ($path) = $found->{uri} =~ m!^http://[^/]+(/.*)!;
        my $image = $env->request('GET', $path);

        is(md5_of($image->{body}), md5_of($data), 'retrieved by its uri');
        is($found->{size}, length $data, 'size');
        $env->wipe();
    });

    check('S-02 clients see the API server only' => sub {
        my $id = $env->create({ is_public => 1 }, body => 'data');

        for my $path ('/images', '/images/detail', "/images/$id") {
            my $r = $env->request('GET', $path);
            my $text = $r->{head} . $r->{body};

            unlike($text, $env->places(), "$path: no place");
            unlike($text, qr/\b$env->{registry}{port}\b/,
                   "$path: no registry");
        }
        $env->wipe();
    });

    check('S-03 the registry speaks the Registry API' => sub {
        my $id = $env->create({ name => 'r', is_public => 1,
                                'property-k' => 'v' }, body => 'data');
        my $r = $env->{registry}->request('GET', "/images/$id");

        status_is($r, 200);

        my $image = $r->json()->{image};
        my %expected = (id => $id, name => 'r', status => 'active', size => 4,
                        checksum => md5_of('data'),
                        location => $env->location($id));

        is($image->{$_}, $expected{$_}, $_) for sort keys %expected;
        is($image->{properties}{k}, 'v', 'properties');

        $r = $env->{registry}->request('POST', '/images', json => {
            image => { name => 'direct', status => 'active', size => 0,
                       is_public => JSON::PP::true(),
                       disk_format => 'aki', container_format => 'aki' } });
        status_is($r, 200, 'an image of another tool');

        my $other = $r->json()->{image}{id};
        my ($found) = grep { $_->{id} eq $other }
                      @{$env->request('GET', '/images')->json()->{images}};

        is($found->{type}, 'kernel', 'has a type for this dialect');
        $env->wipe();
    });

    check('S-06 a store that others have filled is served' => sub {
        my $id = '71c675ab-d94f-49cd-a114-e12490b328d9';
        my $data = noise(50_000);

        write_file("$env->{store}/$id", $data);
        $env->{registry}->request('POST', '/images', json => { image => {
            id => $id, name => 'old', status => 'active', size => 50_000,
            checksum => md5_of($data),
            location => "file://$env->{store}/$id" } });

        is(md5_of($env->request('GET', "/images/$id")->{body}),
           md5_of($data), 'the data');
        status_is($env->request('DELETE', "/images/$id"), 200);
        $env->nothing_left();
        $env->wipe();
    });

    check('S-06 nothing outside the store is read or removed' => sub {
        my $outside = temp_dir();
        my $file = write_file("$outside/secret", 'secret');
        my $n = 100;

        for my $url ("file://$file", "file://$env->{store}/../secret",
                     "file://$env->{store}/../../../../../../../$file",
                     'file:///etc/passwd', "file://$env->{store}",
                     "file://$env->{store}/", 'nonsense', '')
        {
            my $id = ++$n;

            $env->{registry}->request('POST', '/images', json => { image => {
                id => "$id", name => 'n', status => 'active', size => 6,
                location => $url } });

            my $r = $env->request('GET', "/images/$id");
            like($r->{status}, qr/^[45]/, "GET of $url");
            unlike($r->{body}, qr/secret|root:/, 'no data');

            $r = $env->request('DELETE', "/images/$id");
            like($r->{status}, qr/^(?:2|4|5)/, 'DELETE');
        }

        is(read_file($file), 'secret', 'the file is still there');
        ok(-d $env->{store}, 'and so is the store');
        $env->wipe();
    });

    check('S-09 the database is found again after a restart' => sub {
        my $id = $env->create({ name => 'kept', is_public => 1 },
                              body => 'data');

        $env->{registry}->stop();
        $env->{registry}->start();

        ok(wait_until(sub {
            $env->request('GET', "/images/$id")->{status} == 200
        }), 'the image is there');
        is($env->request('GET', "/images/$id")->{body}, 'data', 'its data');
        $env->wipe();
    });

    check('S-10 several API servers and registries' => sub {
        my $second = Glance::Env->new($db, database => $env->{database},
                                      store => $env->{store});
        my $id = $env->create({ name => 'shared' }, body => 'data');

        is($second->request('GET', "/images/$id")->{body}, 'data',
           'what one has stored the other serves');
        status_is($second->request('DELETE', "/images/$id"), 200);
        status_is($env->request('GET', "/images/$id"), 404, 'and back');
        $second->finish();
        $env->wipe();
    });
});


check('S-09 the default database is SQLite' => sub {
    my $text = read_file("$FindBin::Bin/../conf/glance-registry.conf.sample");

    like($text, qr!^#?\s*sql_connection = sqlite:///!m, 'in the sample');
});


check('S-10 the registry by a socket, and with a secret' => sub {
    with_env('sqlite', sub {
        my ($env) = @_;

        my $socket = $env->{registry}{options}{registry_socket};
        my $id = $env->create({ name => 'n' }, body => 'data');

        is($env->request('GET', "/images/$id")->{body}, 'data',
           'with the secret');

        my $http = Glance::HTTP->new(port => $env->{registry}{port});
        for my $secret (undef, 'wrong', '', 's3cre', 's3cret!') {
            my $r = $http->request('GET', "/images/$id", headers => [
                defined $secret ? ('X-Glance-Secret' => $secret) : () ]);
            status_is($r, 401, defined $secret ? "secret \"$secret\""
                                               : 'no secret');
        }

        $http = Glance::HTTP->new(path => $socket);
        status_is($http->request('GET', "/images/$id",
                                 headers => $env->{identity}), 200,
                  'by the socket no secret is needed');

        $env->{nginx}->reload(registries => [ "unix:$socket" ],
                              secret => undef);
        status_is($env->request('GET', "/images/$id"), 200,
                  'nginx by the socket');
        status_is($env->post({}, body => 'more'), 201, 'and POST');

    }, registry => { registry_secret => 's3cret',
                     registry_socket => temp_dir() . '/registry.sock' });
});


done_testing();

#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# Behind a front end: what it says of the client's scheme, host and path, and
# a node that its operator takes out.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;

my $file = temp_dir() . '/away';


sub base_of {
    my ($env, @headers) = @_;

    my $r = $env->request('GET', '/versions', headers => [ @headers ]);
    my $href = ($r->json() || {})->{versions}[0]{links}[0]{href} || '';

    return $href =~ m!^(.*)/v2/$! ? $1 : $r->summary();
}


my @told = (
    [ 'what Forwarded says', 'https://i.test',
      'Forwarded' => 'for=192.0.2.1;proto=https;host=i.test' ],
    [ 'the first of several', 'https://i.test:8443/image',
      'Forwarded' => 'host="i.test:8443";proto=https;prefix=/image, host=b' ],
    [ 'what X-Forwarded says', 'https://i.test',
      'X-Forwarded-Proto' => 'https', 'X-Forwarded-Host' => 'i.test, inner',
      'X-Forwarded-Port' => '443' ],
    [ 'a port and a prefix', 'https://i.test:8443/image',
      'X-Forwarded-Proto' => 'https', 'X-Forwarded-Host' => 'i.test',
      'X-Forwarded-Port' => '8443', 'X-Forwarded-Prefix' => '/image/' ],
    [ 'Forwarded first', 'http://a.test', 'Forwarded' => 'host=a.test',
      'X-Forwarded-Host' => 'b.test', 'X-Forwarded-Proto' => 'https' ],
);


for_each_database(sub {
    my ($env) = @_;

    my $own = base_of($env);

    check('S-02 the front end is believed' => sub {
        like($own, qr!^http://[\w.]+:\d+$!, 'nobody says anything');

        for my $case (@told) {
            my ($title, $base, @headers) = @$case;
            is(base_of($env, @headers), $base, $title);
        }

        is(base_of($env, 'X-Forwarded-Proto' => 'https'),
           $own =~ s/http/https/r, 'the scheme alone');

        for my $bad ([ 'X-Forwarded-Host' => 'a/b' ],
                     [ 'X-Forwarded-Host' => 'a@b' ],
                     [ 'X-Forwarded-Proto' => 'javascript' ],
                     [ 'X-Forwarded-Prefix' => '//evil.test' ],
                     [ 'X-Forwarded-Port' => '99999' ],
                     [ 'Forwarded' => 'host="<b>"' ],
                     [ 'Forwarded' => 'host="' . 'a' x 300 . '"' ])
        {
            is(base_of($env, @$bad), $own,
               'no URI: ' . substr("@$bad", 0, 40));
        }
    });

    check('in all dialects' => sub {
        my @headers = ('X-Forwarded-Proto' => 'https',
                       'X-Forwarded-Host' => 'i.test');
        my $id = $env->create({ name => 'a', is_public => 'true' },
                              body => 'abc');
        my $r = $env->request('POST', '/v1/images',
            headers => [ @headers, 'x-image-meta-name' => 'b' ]);

        status_is($r, 201, 'v1');
        has_header($r, 'Location', qr!^https://i\.test/v1/images/!);

        $r = $env->request('POST', '/v2/images', body => '{"name": "c"}',
            headers => [ @headers, 'Content-Type' => 'application/json' ]);
        status_is($r, 201, 'v2');
        has_header($r, 'Location', qr!^https://i\.test/v2/images/!);

        $r = $env->request('GET', '/images', headers => [ @headers ]);
        like($r->{body}, qr!https://i\.test/images/$id!,
             'the list of 2011');
    });

    check('a node that is taken out' => sub {
        status_is($env->request('GET', '/healthcheck'), 200, 'in service');

        write_file($file, '');

        for my $method ('GET', 'HEAD') {
            my $r = $env->request($method, '/healthcheck');

            status_is($r, 503, $method);
            has_header($r, 'Content-Type', qr!^text/plain!);
            is($r->{body}, $method eq 'GET' ? 'DISABLED BY FILE' : '',
               'says why');
        }

        status_is($env->request('GET', '/images'), 200,
                  'it still serves who comes');

        unlink($file);
        status_is($env->request('GET', '/healthcheck'), 200, 'back again');
    });

}, nginx => { directives => "glance_proxy_headers on;\n"
                            . "glance_health_disable_file $file;\n" });


with_env('sqlite', sub {
    my ($env) = @_;

    my $own = base_of($env);

    check('nobody is believed by default' => sub {
        is(base_of($env, @$_[2 .. $#$_]), $own, $_->[0]) for @told;
    });
});


done_testing();

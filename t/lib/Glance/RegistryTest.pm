package Glance::RegistryTest;

# Copyright (C) ngx_glance authors

# Tests that talk to the registry itself, without nginx.

use warnings;
use strict;

use Exporter ();
use Test::More;

use Glance::Database;
use Glance::Registry;

our @ISA = qw/ Exporter /;

our @EXPORT = qw/ finish for_each_registry image_of new_image tenant /;

my $number = 0;


# a subtest for every database: code gets ($registry, 'sqlite' or 'mysql');
# options are those of glance-registry.conf

sub for_each_registry {
    my ($code, %options) = @_;

    my @kinds = split(/[ ,]+/,
                      $ENV{GLANCE_TEST_DATABASES} || 'sqlite mysql');

    for my $kind (@kinds) {
        subtest($kind => sub {
            my $missing = Glance::Database::missing($kind);

            plan(skip_all => $missing) if $missing;

            my $r = Glance::Registry->new(
                database => Glance::Database->new($kind),
                options => { %options },
            );

            if (!eval { $r->start(); $code->($r, $kind); 1 }) {
                fail('the test came to its end');
                diag($@);
                diag($r->tail());
            }

            finish($r);
        });
    }
}


sub finish {
    my (@registries) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    for my $r (grep { $_->{pid} } @registries) {
        if (!$r->alive()) {
            fail('the registry runs until the end');
            diag($r->tail());
        }

        is($r->stop(), 0, 'the registry ends with status 0');
    }

    is(join("\n", map { $_->complaints() } @registries), '',
       'no complaints, no sanitizer reports');
}


# headers of a caller: tenant('t1'), tenant('t1', 'admin')

sub tenant {
    my ($name, $roles) = @_;

    return headers => [
        'X-Identity-Status' => 'Confirmed',
        'X-User-Id' => "user of $name",
        'X-Tenant-Id' => $name,
        'X-Roles' => $roles || 'member',
    ];
}


# POST /images; the record, or nothing with a failed test

sub new_image {
    my ($r, $image, %o) = @_;

    my $answer = $r->request('POST', '/images', %o,
        json => { image => { name => 'image ' . ++$number,
                             status => 'queued', %$image } });

    return $answer->json()->{image} if $answer->{status} == 200;

    fail("image created: $answer->{status}");
    diag($answer->{body});

    return {};
}


sub image_of {
    my ($r, $id, %o) = @_;

    my $answer = $r->request('GET', "/images/$id", %o);

    return $answer->{status} == 200 ? $answer->json()->{image} : undef;
}


1;

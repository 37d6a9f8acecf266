#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# API v2: who may do what (specs/v2/07), by both profiles of rules; the
# answers are the registry's, also those that an API server asks it for with
# X-Glance-Policy.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;

use Glance::RegistryTest;
use Glance::Test;


my %who = (
    admin => [ tenant('p0', 'Admin,member,reader') ],
    'owner member' => [ tenant('p1', 'member,reader') ],
    'owner reader' => [ tenant('p1', 'reader') ],
    'owner member only' => [ tenant('p1', 'member') ],
    'owner service' => [ tenant('p1', 'service') ],
    'owner roleless' => [ tenant('p1', 'auditor') ],
    'other member' => [ tenant('p2', 'manager,member,reader') ],
    'other reader' => [ tenant('p2', 'reader') ],
    'other service' => [ tenant('p2', 'service') ],
    'other service member' => [ tenant('p2', 'service,member,reader') ],
    'image member' => [ tenant('p3', 'member,reader') ],
    'image reader' => [ tenant('p3', 'reader') ],
    'system admin' => [ headers => [ 'X-Identity-Status' => 'Confirmed',
        'X-User-Id' => 'root', 'X-Roles' => 'admin,member,reader',
        'X-System-Scope' => 'all' ] ],
    'no project' => [ headers => [ 'X-Identity-Status' => 'Confirmed',
        'X-User-Id' => 'u', 'X-Roles' => 'member,reader' ] ],
    'anonymous' => [ headers => [ 'X-Is-Anonymous' => 'True' ] ],
    'stranger' => [ headers => [ 'X-Identity-Status' => 'Invalid' ] ],
);

my %option = (registry_secret => 'of the test',
              'paste_deploy/flavor' => 'trusted');


sub ask {
    my ($r, $who, $method, $path, %o) = @_;

    my %identity = @{$who{$who}};
    my $headers = delete $o{headers} || [];

    return $r->request($method, $path, %o,
                       headers => [ @{$identity{headers}}, @$headers ]);
}


sub rule {
    my ($r, $who, $id, $rule) = @_;

    return ask($r, $who, 'GET', "/images/$id",
               headers => [ 'X-Glance-Policy' => $rule ]);
}


sub create {
    my ($r, $who, %fields) = @_;

    my $a = ask($r, $who, 'POST', '/v2/images', json => \%fields);

    die "not created: $a->{body}\n" if $a->{status} != 201;

    return $a->json()->{id};
}


sub prepare {
    my ($r) = @_;

    my %id = map { ($_ => create($r, 'admin', owner => 'p1', name => $_,
                                 visibility => $_)) }
             qw/ private shared community public /;

    $id{$_} = create($r, 'admin', owner => undef, name => $_,
                     visibility => $_ =~ s/no-//r)
        for qw/ no-private no-shared no-public /;

    ask($r, 'admin', 'PUT', "/images/$id{$_}/members/p3")
        for qw/ shared private no-shared /;

    return %id;
}


# A table: image, caller, the answers to rules (the columns), and whether the
# image is in the list and in the list of all.  The same is then asked of
# GET and DELETE of API v2.

my @columns = qw/ get_image download_image modify_image reactivate add_member
                  get_members get_image_location modify_member
                  fetch_image_location /;

sub matrix {
    my ($r, $id, $table) = @_;

    my %lists;

    for my $row (grep { /\S/ } split(/\n/, $table)) {
        my ($image, $who, $expected) = split(/ *\| */, $row);
        my @got = map { rule($r, $who, $id->{$image}, $_)->{status} }
                  @columns;
        my ($see, $modify) = @got[0, 2];

        for my $query ('', '?visibility=all&member_status=all') {
            my $a = $lists{"$who$query"}
                    ||= ask($r, $who, 'GET', "/v2/images$query");

            push @got, $a->{status} != 200 ? $a->{status}
                : (grep { $_->{id} eq $id->{$image} }
                   @{$a->json()->{images}}) ? 'in' : 'out';
        }

        is("@got", $expected, "$image, $who");
        is(ask($r, $who, 'GET', "/v2/images/$id->{$image}")->{status}, $see,
           "$image, $who: GET");
        is(ask($r, $who, 'DELETE', "/v2/images/$id->{$image}")->{status},
           $who eq 'anonymous' ? 403 : $modify, "$image, $who: DELETE")
            if $modify != 200;
    }
}


for_each_registry(sub {
    my ($r, $kind) = @_;

    my %id = prepare($r);

    check('the rules of today' => sub {
        matrix($r, \%id, <<'END');
private    | admin                | 200 200 200 200 200 200 200 200 200 in in
private    | owner member         | 200 200 200 200 200 200 200 403 403 in in
private    | owner reader         | 200 403 403 403 403 200 200 403 403 in in
private    | owner member only    | 404 200 200 200 200 404 404 404 404 403 403
private    | owner service        | 404 404 404 404 404 404 404 404 200 403 403
private    | owner roleless       | 404 404 404 404 404 404 404 404 404 403 403
private    | other member         | 404 404 404 404 404 404 404 404 404 out out
private    | other reader         | 404 404 404 404 404 404 404 404 404 out out
private    | other service        | 404 404 404 404 404 404 404 404 404 403 403
private    | other service member | 404 404 404 404 404 404 404 404 404 out out
private    | image member         | 404 404 404 404 404 404 404 404 404 out out
private    | no project           | 404 404 404 404 404 404 404 404 404 403 403
private    | system admin         | 404 404 404 404 404 404 404 404 404 403 403
private    | anonymous            | 404 404 404 404 404 404 404 404 404 403 403
shared     | admin                | 200 200 200 200 200 200 200 200 200 in in
shared     | owner member         | 200 200 200 200 200 200 200 403 403 in in
shared     | owner reader         | 200 403 403 403 403 200 200 403 403 in in
shared     | other member         | 404 404 404 404 404 404 404 404 404 out out
shared     | image member         | 200 200 403 403 403 200 403 200 403 out in
shared     | image reader         | 200 403 403 403 403 200 403 403 403 out in
community  | admin                | 200 200 200 200 200 200 200 200 200 out in
community  | owner member         | 200 200 200 200 200 200 200 403 403 in in
community  | other member         | 200 200 403 403 403 403 403 403 403 out in
community  | other reader         | 200 403 403 403 403 403 403 403 403 out in
community  | other service        | 404 404 404 404 404 404 404 404 200 403 403
community  | other service member | 200 200 403 403 403 403 403 403 200 out in
public     | other member         | 200 200 403 403 403 403 403 403 403 in in
public     | other reader         | 200 403 403 403 403 403 403 403 403 in in
public     | anonymous            | 404 404 404 404 404 404 404 404 404 403 403
no-private | owner member         | 404 404 404 404 404 404 404 404 404 out out
no-private | no project           | 404 404 404 404 404 404 404 404 404 403 403
no-shared  | image member         | 404 404 404 404 404 404 404 404 404 out in
no-shared  | admin                | 200 200 200 200 200 200 200 200 200 in in
no-public  | no project           | 200 200 403 403 403 403 403 403 403 403 403
END
    });

    check('creating' => sub {
        my %may = (
            'owner member' => 201, 'owner member only' => 201,
            'owner reader' => 403, 'owner service' => 403,
            'owner roleless' => 403, 'no project' => 403, 'admin' => 201,
            'system admin' => 403, 'other service member' => 201,
            'anonymous' => 403, 'stranger' => 401,
        );

        for my $who (sort keys %may) {
            my $a = ask($r, $who, 'POST', '/v2/images', json => {});

            status_is($a, $may{$who}, $who);
            status_is(ask($r, $who, 'POST', '/v2/images',
                          json => { visibility => 'public' }),
                      $may{$who} == 201 && $who ne 'admin' ? 403
                                                           : $may{$who},
                      "$who, public");
        }

        like(ask($r, 'anonymous', 'POST', '/v2/images', json => {})->{body},
             qr/Read-only access/, 'nobody may only look');
        like(ask($r, 'owner reader', 'POST', '/v2/images', json => {})
             ->{body}, qr/not authorized to complete add_image action/,
             'the rule is named');
        like(ask($r, 'stranger', 'GET', '/v2/foo')->{body},
             qr/The request you have made requires authentication\./,
             'a stranger is told nothing');
    });

    check('what is deleted, and by whom' => sub {
        for my $who ('admin', 'owner member') {
            my $id = create($r, 'owner member', visibility => 'community');

            status_is(ask($r, 'other member', 'DELETE', "/v2/images/$id"),
                      403, 'not by another project');
            like(ask($r, 'other member', 'DELETE', "/v2/images/$id")->{body},
                 qr/not authorized to complete delete_image action/, 'rule');
            status_is(ask($r, $who, 'DELETE', "/v2/images/$id"), 204, $who);
        }
    });

    check('an upload asks with X-Glance-Policy' => sub {
        my @policy = ('X-Glance-Policy' => 'upload_image');
        my $put = sub {
            my ($who, $id, $from, %fields) = @_;

            return ask($r, $who, 'PUT', "/images/$id",
                headers => \@policy,
                json => { image => \%fields, from_state => $from });
        };
        my $id = create($r, 'owner member');
        my $a = $put->('owner member', $id, 'queued', status => 'saving');

        status_is($a, 400, 'no formats');
        is($a->{body}, 'Properties disk_format, container_format must be set '
           . 'prior to saving data.', 'both');

        $id = create($r, 'owner member', disk_format => 'raw');
        is($put->('owner member', $id, 'queued', status => 'saving')->{body},
           'Property container_format must be set prior to saving data.',
           'one');

        $id = create($r, 'owner member', disk_format => 'raw',
                     container_format => 'bare', visibility => 'community');

        $a = $put->('other member', $id, 'queued', status => 'saving');
        status_is($a, 403, 'another project');
        is($a->{body},
           'You are not authorized to complete upload_image action.', 'why');
        status_is($put->('owner reader', $id, 'queued', status => 'saving'),
                  403, 'a reader');

        $a = $put->('owner member', $id, 'queued', status => 'saving');
        status_is($a, 200, 'claimed');
        is($a->json()->{image}{status}, 'saving', 'saving');

        $a = $put->('owner member', $id, 'queued', status => 'saving');
        status_is($a, 409, 'once');
        is($a->{body}, 'Image status transition from saving to saving is not '
           . 'allowed', 'why');

        status_is($put->('owner member', $id, 'saving', status => 'active',
                         size => 5), 200, 'committed');
        is($put->('owner member', $id, 'queued', status => 'saving')->{body},
           'Image status transition from active to saving is not allowed',
           'no second upload');

        ask($r, 'owner member', 'DELETE', "/v2/images/$id");

        $a = $put->('owner member', $id, 'saving', status => 'active');
        status_is($a, 410, 'deleted meanwhile');
        like($a->{body}, qr/^Image $id could not be found after upload/,
             'why');
        $a = $put->('owner member', $id, 'queued', status => 'saving');
        status_is($a, 404, 'deleted before');
        is($a->{body}, "No image found with ID $id", 'text');

        status_is(rule($r, 'admin', $id{public}, 'fly'), 400,
                  'no such rule');
    });

    check('deactivated images' => sub {
        my $id = create($r, 'admin', visibility => 'public',
                        disk_format => 'raw', container_format => 'bare');

        $r->{database}->query("UPDATE images SET status = 'deactivated'
                               WHERE id = '$id'");

        my $a = rule($r, 'other member', $id, 'download_image');

        status_is($a, 403, 'no download');
        like($a->{body}, qr/The requested image has been deactivated/, 'why');
        status_is(rule($r, 'admin', $id, 'download_image'), 200,
                  'an administrator may');
        status_is(rule($r, 'other member', $id, 'get_image'), 200,
                  'it is seen');
    });
}, %option);


for_each_registry(sub {
    my ($r, $kind) = @_;

    my %id = prepare($r);

    check('the rules of 2022' => sub {
        matrix($r, \%id, <<'END');
private    | admin                | 200 200 200 200 200 200 200 200 200 in in
private    | owner member         | 200 200 200 200 200 200 200 403 403 in in
private    | owner reader         | 200 200 200 200 200 200 200 403 403 in in
private    | owner roleless       | 200 200 200 200 200 200 200 403 403 in in
private    | other member         | 404 404 404 404 404 404 404 404 404 out out
private    | image member         | 404 404 404 404 404 404 404 404 404 out out
private    | system admin         | 200 200 200 200 200 200 200 200 200 in in
private    | anonymous            | 404 404 404 404 404 404 404 404 404 out out
shared     | owner roleless       | 200 200 200 200 200 200 200 403 403 in in
shared     | other member         | 404 404 404 404 404 404 404 404 404 out out
shared     | image reader         | 200 200 403 403 403 200 200 200 403 out in
community  | admin                | 200 200 200 200 200 200 200 200 200 out in
community  | other reader         | 200 200 403 403 403 200 200 403 403 out in
public     | other reader         | 200 200 403 403 403 200 200 403 403 in in
public     | no project           | 200 200 403 403 403 200 200 403 403 in in
public     | anonymous            | 200 200 403 403 403 200 200 403 403 in in
no-private | owner member         | 404 404 404 404 404 404 404 404 404 out out
no-public  | owner member         | 200 200 403 403 403 200 200 403 403 in in
END

        like(ask($r, 'other member', 'DELETE', "/v2/images/$id{public}")
             ->{body}, qr/You do not own this image/, 'the old words');
    });

    check('creating' => sub {
        my %may = (
            'owner member' => 201, 'owner reader' => 201,
            'owner roleless' => 201, 'no project' => 403, 'admin' => 201,
            'anonymous' => 403,
        );

        status_is(ask($r, $_, 'POST', '/v2/images', json => {}), $may{$_},
                  $_) for sort keys %may;
        status_is(ask($r, 'owner reader', 'POST', '/v2/images',
                      json => { visibility => 'public' }), 403, 'public');
        status_is(ask($r, 'owner reader', 'POST', '/v2/images',
                      json => { owner => 'p2' }), 403, 'for another one');
    });
}, %option, 'oslo_policy/enforce_new_defaults' => 'False');


# without identities everyone is administrator, as ever

for_each_registry(sub {
    my ($r, $kind) = @_;

    my $a = $r->request('POST', '/v2/images',
                        json => { visibility => 'public' });

    status_is($a, 201);
    is($a->json()->{owner}, undef, 'an image of nobody');
    is($r->request('POST', '/v2/images', json => { owner => 'p1' })
       ->json()->{owner}, 'p1', 'or of whom the body says');
    is(scalar @{$r->request('GET', '/v2/images')->json()->{images}}, 2,
       'all are seen');
    status_is($r->request('DELETE', '/v2/images/' . $a->json()->{id}), 204,
              'and deleted');
});


# without a token through an API server: who may look, and at what

sub anonymous {
    my ($new, %status) = @_;

    for_each_database(sub {
        my ($env, $db) = @_;

        my @admin = ('X-Identity-Status' => 'Confirmed', 'X-User-Id' => 'u',
                     'X-Project-Id' => 'p0', 'X-Roles' => 'admin');
        my @octets = ('Content-Type' => 'application/octet-stream');
        my %id;

        for my $visibility (qw/ public private /) {
            my $as = sub {
                my ($method, $path, $body, @headers) = @_;

                return $env->connect(from => '127.0.0.2')->request($method,
                    "/v2/images$path", body => $body,
                    headers => [ @admin, @headers ]);
            };

            my $r = $as->('POST', '', JSON::PP::encode_json({
                visibility => $visibility, disk_format => 'raw',
                container_format => 'bare' }));

            $id{$visibility} = $r->json()->{id};
            status_is($as->('PUT', "/$id{$visibility}/file", 'data', @octets),
                      204, "$visibility image");
        }

        for my $headers ([], [ @admin ]) {
            my $title = @$headers ? 'who lies' : 'nobody';
            my $ask = sub {
                my ($method, $path, %o) = @_;

                return $env->request($method, "/v2$path", %o, headers => [
                    @$headers, @{$o{headers} || []} ]);
            };

            for my $path (sort keys %status) {
                my $real = $path =~ s/\{(\w+)\}/$id{$1}/r;

                status_is($ask->('GET', $real), $status{$path},
                          "$title: GET $path");
            }

            for my $case ([ POST => '/images', body => '{}' ],
                          [ PATCH => "/images/$id{public}", body => '[]' ],
                          [ DELETE => "/images/$id{public}" ],
                          [ PUT => "/images/$id{public}/file", body => 'x',
                            headers => [ @octets ] ],
                          [ PUT => "/images/$id{public}/tags/t" ],
                          [ POST => "/images/$id{public}/members",
                            body => '{"member": "m"}' ],
                          [ POST => "/images/$id{public}/actions/deactivate"
                          ])
            {
                error_ok($ask->(@$case), 403, "$title: $case->[0] $case->[1]",
                         qr/Read-only access/);
            }
        }

        is($env->request('GET', "/v2/images/$id{public}/file")->{body},
           'data', 'the data') if !$new;
        status_is($env->request('POST', '/v1/images'), 403, 'nor by API v1');
        is($env->status_of($_), 'active', 'nothing was changed')
            for values %id;
    }, nginx => { identity => 'trusted', proxies => [ '127.0.0.2' ],
                  secret => 's3cret', directives => 'glance_anonymous on;' },
       registry => { 'paste_deploy/flavor' => 'trusted',
                     registry_secret => 's3cret',
                     'oslo_policy/enforce_new_defaults' =>
                         $new ? 'True' : 'False' });
}


anonymous(1, '/images' => 403, '/images/{public}' => 404,
          '/images/{public}/file' => 404, '/images/{private}' => 404,
          '/schemas/image' => 200, '/info/import' => 200, '/none' => 404);
anonymous(0, '/images' => 200, '/images?visibility=private' => 200,
          '/images/{public}' => 200, '/images/{public}/file' => 200,
          '/images/{private}' => 404, '/images/{private}/file' => 404,
          '/images/{public}/members' => 403, '/schemas/image' => 200);


done_testing();

#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# Claims and removals of the Registry API: who uploads, what becomes of the
# image when he is not heard of any more, and data that has to be removed.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;

use Glance::RegistryTest;
use Glance::Test;

my $unknown = '71c675ab-d94f-49cd-a114-e12490b328d9';
my $number = 0;


sub uuid {
    return sprintf('%08x-0000-4000-8000-%012x', ++$number, $$);
}


# headers: claim('queued', lease => 5, node => 'n')

sub claim {
    my ($id, $abort, %o) = @_;

    return headers => [
        'X-Glance-Claim' => $id,
        defined $abort ? ('X-Glance-Claim-Abort' => $abort) : (),
        defined $o{lease} ? ('X-Glance-Claim-Lease' => $o{lease}) : (),
        defined $o{node} ? ('X-Glance-Node' => $o{node}) : (),
    ];
}


sub put {
    my ($r, $id, $image, $from, %o) = @_;

    return $r->request('PUT', "/images/$id", %o,
        json => { image => $image, $from ? (from_state => $from) : () });
}


# a new image in saving, claimed; (image, claim)

sub saving {
    my ($r, $abort, %o) = @_;

    my $claim = uuid();
    my $image = new_image($r, { status => 'saving', %{$o{image} || {}} },
                          claim($claim, $abort, lease => 3600, %o));

    return ($image->{id}, $claim);
}


sub data {
    my ($id, $n) = @_;

    return {
        status => 'active', size => $n, checksum => sprintf('%032x', $n),
        location => "file:///store/$id",
        location_data => [ { url => "file:///store/$id", metadata => {},
                             status => 'active' } ],
    };
}


sub commit {
    my ($r, $id, $claim, $n, %o) = @_;

    return put($r, $id, data($id, $n), 'saving', claim($claim), %o);
}


# seconds go by between the claim and the answer

sub lease_is {
    my ($a, $lease, $title) = @_;

    my $left = $a->json()->{claim}{expires_in};

    ok($left > $lease - 30 && $left <= $lease, $title) or diag($left);
}


sub status {
    my ($r, $id) = @_;

    return image_of($r, $id)->{status};
}


sub expire {
    my ($db, @claims) = @_;

    $db->query('UPDATE ngx_glance_claims SET expires_at = 1 WHERE id IN ('
               . join(', ', map { "'$_'" } @claims) . ')');
}


sub claims {
    my ($r) = @_;

    return map { $_->{id} } @{$r->request('GET', '/claims')->json()->{claims}};
}


# the registry sweeps every hour: nothing happens unasked

for_each_registry(sub {
    my ($r, $kind) = @_;

    my $db = $r->{database};

    check('POST claims' => sub {
        my $claim = uuid();
        my $image = new_image($r, { status => 'saving' },
            claim($claim, 'queued', lease => 100, node => 'node 7'));

        my $a = $r->request('GET', "/claims/$claim");
        my %got = %{$a->json()->{claim}};

        status_is($a, 200, 'it is there');
        like($got{created_at}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.0{6}$/,
             'created_at');
        lease_is($a, 100, 'expires_in');
        delete @got{qw/ created_at expires_in /};
        is_deeply(\%got, { id => $claim, image_id => $image->{id},
                           node => 'node 7', on_expire => 'queued' },
                  'the rest');
        is_deeply([ claims($r) ], [ $claim ], 'the list has it');
        is_deeply([ sort keys %{$r->request('GET', '/claims')->json()
                                  ->{claims}[0]} ],
                  [ qw/ created_at expires_in id image_id node on_expire / ],
                  'as a claim is');
        status_is(commit($r, $image->{id}, $claim, 5), 200, 'committed');
        is_deeply([ claims($r) ], [], 'and over');
    });

    check('PUT claims, and only from the right state' => sub {
        my $id = new_image($r, {})->{id};
        my ($mine, $other) = (uuid(), uuid());

        status_is(put($r, $id, { status => 'saving' }, 'queued',
                      claim($mine)), 200, 'claimed');
        is($r->request('GET', "/claims/$mine")->json()->{claim}{on_expire},
           'killed', 'killed unless asked otherwise');
        lease_is($r->request('GET', "/claims/$mine"), 3600,
                 'the lease of the configuration');

        my $a = put($r, $id, { status => 'saving' }, 'queued',
                    claim($other));
        status_is($a, 409, 'not twice');
        is($a->{body}, 'Image operation conflicts', 'its words');
        is_deeply([ claims($r) ], [ $mine ], 'the first claim stands');

        status_is(put($r, $id, { status => 'saving' }, 'queued',
                      claim($mine)), 200,
                  'the same one again: its answer was lost');
        is_deeply([ claims($r) ], [ $mine ], 'one claim');
        status_is(commit($r, $id, $mine, 1), 200, 'committed');
    });

    check('a claim counts only with the change to saving' => sub {
        my $claim = uuid();
        my $id = new_image($r, {}, claim($claim))->{id};

        is_deeply([ claims($r) ], [], 'not for a queued image');
        status_is(put($r, $id, { name => 'x' }, undef, claim($claim)), 200,
                  'PUT without a status');
        is_deeply([ claims($r) ], [], 'not for that');

        my ($saving, $held) = saving($r);
        status_is(put($r, $saving, { name => 'renamed' }, undef,
                      claim($held)), 200, 'nor does it end one');
        is_deeply([ claims($r) ], [ $held ], 'it stands');
        $r->request('DELETE', "/claims/$held");
    });

    check('an identifier of a claim is used for one image' => sub {
        my ($id, $claim) = saving($r);
        my $a = $r->request('POST', '/images', claim($claim),
            json => { image => { name => 'x', status => 'saving' } });

        status_is($a, 409, 'refused for another');
        unlike($a->{body}, qr/mysql|sqlite|UNIQUE|Duplicate/i,
               'not by the words of SQL');
        is(($db->query("SELECT COUNT(*) FROM images WHERE name = 'x'
                        AND status = 'saving'"))[0][0], 0, 'no image');
        $r->request('DELETE', "/claims/$claim");
    });

    check('mistakes in headers are named' => sub {
        my @bad = (
            [ claim('x'), qr/X-Glance-Claim/ ],
            [ claim("$unknown-"), qr/X-Glance-Claim/ ],
            [ claim(uuid(), 'active'), qr/X-Glance-Claim-Abort/ ],
            [ claim(uuid(), undef, lease => 0), qr/X-Glance-Claim-Lease/ ],
            [ claim(uuid(), undef, lease => 3601), qr/X-Glance-Claim-Lease/ ],
            [ claim(uuid(), undef, lease => -1), qr/X-Glance-Claim-Lease/ ],
            [ claim(uuid(), undef, lease => '1.5'),
              qr/X-Glance-Claim-Lease/ ],
            [ claim(uuid(), undef, lease => 'long'),
              qr/X-Glance-Claim-Lease/ ],
            [ claim(uuid(), undef, node => 'x' x 256), qr/X-Glance-Node/ ],
            [ claim(uuid(), undef, node => "\xff"), qr/X-Glance-Node/ ],
            [ claim(uuid(), undef, node => "\xf0\x9f\x98\x80"),
              qr/X-Glance-Node/ ],
        );
        my $id = new_image($r, {})->{id};

        for my $case (@bad) {
            my ($name, $headers, $words) = @$case;
            my $title = join(' ', map { substr($_, 0, 30) } @$headers);
            my $a = $r->request('POST', '/images', headers => $headers,
                json => { image => { name => 'bad', status => 'saving' } });

            status_is($a, 400, "POST $title");
            like($a->{body}, $words, 'it names the header');
            status_is(put($r, $id, { status => 'saving' }, 'queued',
                          headers => $headers), 400, "PUT $title");
        }

        is(status($r, $id), 'queued', 'nothing changed');
        is(($db->query("SELECT COUNT(*) FROM images WHERE name = 'bad'"))
           [0][0], 0, 'nothing was made');
        is_deeply([ claims($r) ], [], 'nothing was claimed');
    });

    check('renewals' => sub {
        my ($id, $claim) = saving($r, 'queued', lease => 10);
        my $renew = sub {
            my ($lease, $which) = @_;

            return $r->request('PUT', '/claims/' . ($which || $claim),
                               json => { lease => $lease });
        };

        my $a = $renew->(500);
        status_is($a, 200, 'renewed');
        lease_is($a, 500, 'the new lease');
        is($a->json()->{claim}{image_id}, $id, 'whose it is');
        lease_is($renew->(3), 3, 'also shorter');

        expire($db, $claim);
        lease_is($renew->(50), 50,
                 'over, but not yet swept: its uploader is back');

        for my $body ('', '{', '[]', '{}', '{"lease": 0}', '{"lease": -5}',
                      '{"lease": 3601}', '{"lease": "20"}',
                      '{"lease": 1.5}', '{"lease": true}',
                      '{"lease": 99999999999999999999}')
        {
            $a = $r->request('PUT', "/claims/$claim", body => $body);
            status_is($a, 400, "PUT $body");
            like($a->{body}, qr/lease|JSON|object/, 'it names what is wrong');
        }

        status_is($renew->(5, $unknown), 404, 'an unknown claim');
        status_is($renew->(5, 'x'), 404, 'what is no claim');
        status_is($renew->(5, '%ff'), 404, 'no UTF-8');
        status_is($r->request('GET', "/claims/$unknown"), 404,
                  'GET of an unknown one');

        $r->request('DELETE', "/claims/$claim");
        status_is($renew->(5), 404, 'one that was given up');
        is(status($r, $id), 'queued', 'nothing came back to life');
    });

    check('given up' => sub {
        for my $abort (qw/ queued killed /) {
            my ($id, $claim) = saving($r, $abort);
            my $a = $r->request('DELETE', "/claims/$claim");

            status_is($a, 200, $abort);
            is($a->json()->{claim}{status}, $abort, 'it says so');
            is(status($r, $id), $abort, 'it is so');
            status_is($r->request('DELETE', "/claims/$claim"), 404,
                      'only once');
            status_is(commit($r, $id, $claim, 7), 409, 'no commit after it');
            is(status($r, $id), $abort, 'nothing changed');
            is(image_of($r, $id)->{location}, undef, 'no location');
        }

        # the data is there already, of an image that others made active
        my ($id, $claim) = saving($r);
        $db->query("UPDATE images SET status = 'active' WHERE id = '$id'");
        status_is($r->request('DELETE', "/claims/$claim"), 200, 'active');
        is(status($r, $id), 'active', 'an active image is left alone');
    });

    check('a failed upload ends its claim' => sub {
        for my $word (qw/ killed queued /) {
            my ($id, $claim) = saving($r);

            status_is(put($r, $id, { status => $word }, 'saving',
                          claim($claim)), 200, $word);
            is_deeply([ claims($r) ], [], 'no claim');
            is(status($r, $id), $word, 'status');
        }
    });

    check('a commit without its claim changes nothing' => sub {
        my ($id, $claim) = saving($r);
        my $before = image_of($r, $id);

        for my $other (uuid(), $unknown) {
            my $a = put($r, $id, { %{data($id, 9)}, name => 'new',
                                   properties => { a => 'b' } }, 'saving',
                        claim($other));

            status_is($a, 409, 'another claim');
            is($a->{body}, 'Image operation conflicts', 'its words');
        }

        is_deeply(image_of($r, $id), $before, 'nothing changed');
        is_deeply([ claims($r) ], [ $claim ], 'the claim stands');
        status_is(commit($r, $id, $claim, 9), 200, 'its own does');
    });

    check('a commit whose answer was lost' => sub {
        my ($id, $claim) = saving($r);

        status_is(commit($r, $id, $claim, 11), 200, 'the first time');
        my $image = image_of($r, $id);
        status_is(commit($r, $id, $claim, 11), 200, 'the same data again');
        is_deeply(image_of($r, $id), $image, 'the same image');
        status_is(commit($r, $id, $claim, 12), 409, 'other data');
        is_deeply(image_of($r, $id), $image, 'nothing changed');
    });

    check('one of many commits wins' => sub {
        my ($id, $claim) = saving($r);
        my @jobs = map { my $n = $_; in_background(sub {
            return commit($r, $id, $claim, 100 + $n)->{status};
        }) } 1 .. 6;
        my @status = map { $_->() } @jobs;

        is("@{[ sort @status ]}", '200 409 409 409 409 409', 'one');

        my ($winner) = grep { $status[$_] == 200 } 0 .. 5;
        my $image = image_of($r, $id);

        is($image->{size}, 101 + $winner, 'its size');
        is($image->{checksum}, sprintf('%032x', 101 + $winner), 'its sum');
        is(scalar @{$image->{location_data}}, 1, 'one location');
    });

    check('one of many claims wins' => sub {
        my $id = new_image($r, {})->{id};
        my @mine = map { uuid() } 1 .. 6;
        my @jobs = map { my $claim = $_; in_background(sub {
            return put($r, $id, { status => 'saving' }, 'queued',
                       claim($claim))->{status};
        }) } @mine;
        my @status = map { $_->() } @jobs;
        my ($winner) = grep { $status[$_] == 200 } 0 .. 5;

        is("@{[ sort @status ]}", '200 409 409 409 409 409', 'one');
        is_deeply([ claims($r) ], [ $mine[$winner] ], 'its claim');
        $r->request('DELETE', "/claims/$mine[$winner]");
    });

    check('a deletion under a claim' => sub {
        my $id = new_image($r, { status => 'active',
                                 location => 'file:///store/d' })->{id};
        my $claim = uuid();

        status_is(put($r, $id, { status => 'deleted' }, 'active',
                      claim($claim, 'delete', lease => 60)), 200,
                  'announced');
        is($r->request('GET', "/claims/$claim")->json()->{claim}{on_expire},
           'delete', 'claimed');
        is($r->request('DELETE', "/claims/$claim")->json()->{claim}{status},
           'deleted', 'whoever announced it is gone');
        ok(image_of($r, $id)->{deleted}, 'the deletion is finished');
        is(($db->query("SELECT url FROM ngx_glance_removals
                        WHERE image_id = '$id'"))[0][0], 'file:///store/d',
           'and the data will be removed');
        $r->request('DELETE', "/removals/$id");
    });

    check('a status that comes without a claim ends the old one' => sub {
        for my $case ([ 'killed', 'saving' ], [ 'queued' ], [ 'active' ],
                      [ 'deleted', 'saving' ])
        {
            my ($status, $from) = @$case;
            my ($id, $claim) = saving($r, 'killed');

            status_is(put($r, $id, $status eq 'active' ? data($id, 3)
                                   : { status => $status }, $from), 200,
                      "$status without a claim");
            is_deeply([ claims($r) ], [], 'the claim is gone');

            # what it could have ended: the upload of one who does not claim
            next if $status ne 'queued';

            status_is(put($r, $id, { status => 'saving' }, 'queued'), 200,
                      'another upload');
            expire($db, $claim);
            status_is($r->request('DELETE', "/claims/$claim"), 404,
                      'the old one has nothing to give up');
            is(status($r, $id), 'saving', 'and ends nothing');
        }

        my ($id, $claim) = saving($r, 'killed');

        status_is(put($r, $id, { status => 'saving', name => 'n' }), 200,
                  'a status that was there');
        is_deeply([ claims($r) ], [ $claim ], 'leaves the upload its claim');
        status_is(put($r, $id, { name => 'm' }), 200, 'so does a name');
        status_is(commit($r, $id, $claim, 3), 200, 'which ends well');
    });

    check('DELETE ends a claim, and its commit finds nothing' => sub {
        my ($id, $claim) = saving($r);

        status_is($r->request('DELETE', "/images/$id"), 200, 'deleted');
        is_deeply([ claims($r) ], [], 'no claim');
        status_is(commit($r, $id, $claim, 3), 404, 'no commit');
        status_is($r->request('PUT', "/claims/$claim",
                              json => { lease => 5 }), 404, 'no renewal');
        is(image_of($r, $id)->{status}, 'saving', 'as it was');
    });

    check('removals' => sub {
        my $new = sub {
            my (@urls) = @_;
            my $id = new_image($r, { status => 'active', location_data => [
                map { { url => $_, metadata => {} } } @urls ] })->{id};

            $r->request('DELETE', "/images/$id");
            return $id;
        };
        my $list = sub {
            my ($query) = @_;
            my $a = $r->request('GET', '/removals' . ($query || ''));

            return $a->json()->{removals};
        };
        my $due = sub {
            $db->query('UPDATE ngx_glance_removals SET next_try = 1');
        };

        my $id = $new->('file:///a/1', 'http://host/2', 'swift://s/3',
                        'https://host/4');

        is_deeply($list->(), [], 'at first the API server removes the data');
        $due->();

        my $rows = $list->();

        is_deeply([ map { $_->{url} } @$rows ],
                  [ 'file:///a/1', 'swift://s/3' ],
                  'what is read only is not removed');
        is_deeply($rows->[0], { id => $rows->[0]{id}, image_id => $id,
                                url => 'file:///a/1', tries => 0,
                                last_error => undef }, 'a row');

        my $failed = sub {
            return $r->request('PUT', "/removals/$id",
                               json => { error => $_[0] });
        };
        my @pauses;

        for my $n (1 .. 12) {
            status_is($failed->("unlink: try $n"), 204, "try $n failed");
            push @pauses, ($db->query("SELECT MAX(next_try) - MIN($_)
                FROM ngx_glance_removals WHERE image_id = '$id'"))[0][0]
                for $kind eq 'mysql' ? 'UNIX_TIMESTAMP()'
                    : "CAST(strftime('%s', 'now') AS INTEGER)";
        }

        for my $n (1 .. 12) {
            my $pause = $n > 9 ? 3600 : 10 * 2 ** ($n - 1);

            ok($pauses[$n - 1] <= $pause && $pauses[$n - 1] > $pause - 10,
               "the next try after $pause s, or less by what the test takes")
                or diag($pauses[$n - 1]);
        }

        is_deeply($list->(), [], 'not before');
        $due->();
        is($list->()[0]{tries}, 12, 'tries');
        is($list->()[0]{last_error}, 'unlink: try 12', 'last_error');

        my $second = $new->('file:///a/5');
        $due->();
        is(scalar @{$list->('?limit=2')}, 2, 'limit');
        is(scalar @{$list->('?limit=0')}, 0, 'limit 0');
        is(scalar @{$list->('?limit=5000')}, 3, 'a large limit');
        is(scalar @{$list->('?colour=red')}, 3, 'other words');
        is_deeply([ map { $_->{image_id} }
                    @{$list->("?after=$rows->[1]{id}")} ], [ $second ],
                  'behind a row');

        for my $value ('x', '-1', '', '1.5', '%zz') {
            status_is($r->request('GET', "/removals?limit=$value"), 400,
                      "limit $value");
            status_is($r->request('GET', "/removals?after=$value"), 400,
                      "after $value");
        }

        # one of several stores has done its part

        my $urls = sub {
            return join(' ', map { $_->{url} }
                             grep { $_->{image_id} eq $id } @{$list->()});
        };
        my $named = sub {
            my ($method, %more) = @_;
            return $r->request($method, "/removals/$id", json => { %more });
        };

        status_is($named->('PUT', error => 'x', url => 'swift://s/3'), 204,
                  'one failed');
        is($urls->(), 'file:///a/1', 'the other is due');
        $due->();
        status_is($named->('PUT', error => 'x', url => 'swift://S/3'), 404,
                  'another URL is none');
        status_is($named->('DELETE', url => 'FILE:///a/1'), 204, 'nothing');
        is($urls->(), 'file:///a/1 swift://s/3', 'is forgotten by that');
        status_is($named->('DELETE', url => 'file:///a/1'), 204, 'one is done');
        is($urls->(), 'swift://s/3', 'the other is still to be done');

        for my $body ('{', '[]', '{"url": 1}', '{"url": null}') {
            status_is($r->request('DELETE', "/removals/$id",
                                  body => $body), 400, "DELETE $body");
        }

        is($urls->(), 'swift://s/3', 'refusals forget nothing');

        status_is($r->request('DELETE', "/removals/$id"), 204, 'done');
        is_deeply([ map { $_->{image_id} } @{$list->()} ], [ $second ],
                  'all of this image, none of the other');
        status_is($r->request('DELETE', "/removals/$id"), 204,
                  'done again: whoever removed it is content');
        status_is($failed->('too late'), 404, 'nothing to fail');

        for my $body ('', '{', '[]', '{"error": "' . 'x' x 256 . '"}',
                      '{"error": "\u0007"}')
        {
            my $a = $r->request('PUT', "/removals/$second", body => $body);
            status_is($a, 400, 'PUT ' . substr($body, 0, 20));
            like($a->{body}, qr/error|JSON|object/, 'it says why');
        }

        is($list->()[0]{tries}, 0, 'those are no tries');
        $r->request('DELETE', "/removals/$second");
        status_is($r->request($_, '/removals/%ff',
                              body => '{"error": ""}'), 404,
                  "$_: no UTF-8")
            for qw/ PUT DELETE /;
    });

    check('what an upload may leave' => sub {
        my $url = 'swift+config://ref/c/x';
        my ($id, $claim) = map { sprintf('%08x-0000-4000-8000-%012x', $_, $_) }
                           77, 78;
        my $add = sub {
            return $r->request('POST', '/removals',
                               json => { image_id => $_[0], url => $_[1] });
        };
        my $urls = sub {
            return [ map { $_->{url} } grep { $_->{image_id} eq $id }
                     @{$r->request('GET', '/removals')->json()->{removals}} ];
        };

        status_is($add->($id, "$url#$claim"), 201, 'noted');
        is_deeply($urls->(), [ "$url#$claim" ], 'and found');

        status_is($r->request('DELETE', "/removals/$id",
                              json => { url => $url }), 204,
                  "the image's data are removed");
        is_deeply($urls->(), [ "$url#$claim" ], 'that is something else');

        for my $case ([ $id, $url ], [ $id, "$url#" ], [ $id, "$url#$url" ],
                      [ $id, "$url$claim" ], [ '', "$url#$claim" ],
                      [ '../x', "$url#$claim" ], [ $id, undef ],
                      [ $id, 'x' x 5000 . "#$claim" ], [ undef, undef ])
        {
            status_is($add->(@$case), 400, 'refused: '
                      . join(' ', map { substr($_ // 'null', 0, 40) } @$case));
        }

        status_is($r->request('DELETE', "/removals/$id",
                              json => { url => "$url#$claim" }), 204,
                  'removed');
        is(scalar $db->query("SELECT id FROM ngx_glance_removals
                              WHERE image_id = '$id'"), 0, 'and forgotten');
    });

    check('methods' => sub {
        for my $case ([ 'POST', '/claims', 'GET' ],
                      [ 'DELETE', '/claims', 'GET' ],
                      [ 'POST', "/claims/$unknown", 'GET, PUT, DELETE' ],
                      [ 'PUT', '/removals', 'GET, POST' ],
                      [ 'DELETE', '/removals', 'GET, POST' ],
                      [ 'GET', '/removals/1', 'PUT, DELETE' ])
        {
            my ($method, $path, $allow) = @$case;
            my $a = $r->request($method, $path, body => '{}');

            status_is($a, 405, "$method $path");
            has_header($a, 'Allow', $allow);
        }
    });

    is_deeply([ claims($r) ], [], 'no claim is left');
}, upload_lease => 3600, sweep_interval => 3600);


# who may claim

for_each_registry(sub {
    my ($r) = @_;

    my $claim = uuid();
    my $plain = Glance::HTTP->new(port => $r->{port});

    check('claims are for those who know the secret' => sub {
        for my $path ('/claims', "/claims/$claim", '/removals') {
            status_is($plain->request('GET', $path), 401, $path);
        }

        status_is($plain->request('DELETE', "/claims/$claim"), 401,
                  'DELETE');
        status_is($r->request('GET', '/claims', tenant('alice')), 200,
                  'with the secret');
    });
}, registry_secret => 's3cret', 'paste_deploy/flavor' => 'trusted',
   upload_lease => 3600);


# leases end, and registries sweep

check('sweeps' => sub {
    for_each_registry(sub {
        my ($r, $kind) = @_;

        my $db = $r->{database};

        check('what was asked for happens' => sub {
            my %want = (queued => 'queued', killed => 'killed');
            my (%id, %claim);

            for my $abort (sort keys %want) {
                ($id{$abort}, $claim{$abort}) = saving($r, $abort);
            }

            my $deleted = new_image($r, { status => 'active',
                                          location => 'file:///x' })->{id};
            $claim{delete} = uuid();
            put($r, $deleted, { status => 'deleted' }, 'active',
                claim($claim{delete}, 'delete', lease => 3600));

            my ($alive, $living) = saving($r);

            expire($db, values %claim);
            ok(wait_until(sub { claims($r) == 1 }), 'swept')
                or return;

            is(status($r, $id{$_}), $want{$_}, $_) for sort keys %want;
            ok(image_of($r, $deleted)->{deleted}, 'delete');
            is(status($r, $alive), 'saving', 'a lease that runs');
            is_deeply([ claims($r) ], [ $living ], 'its claim');
            status_is(commit($r, $alive, $living, 4), 200, 'its commit');

            my $a = commit($r, $id{queued}, $claim{queued}, 6);
            status_is($a, 409, 'a commit after the lease');
            is(status($r, $id{queued}), 'queued', 'nothing changed');
            is(image_of($r, $id{queued})->{size}, undef, 'no size');
            is(image_of($r, $id{queued})->{location}, undef, 'no location');

            my $again = uuid();
            status_is(put($r, $id{queued}, { status => 'saving' }, 'queued',
                          claim($again)), 200, 'the image can be uploaded');
            status_is(commit($r, $id{queued}, $again, 8), 200, 'and is');
        });

        check('who has no claim of ours is never touched' => sub {
            my %row;

            for my $status (qw/ saving uploading importing queued active
                                pending_delete /)
            {
                my $id = uuid();

                $db->query("INSERT INTO images (id, name, status, created_at,
                    updated_at, deleted, min_disk, min_ram, protected,
                    visibility, os_hidden) VALUES ('$id', 'python',
                    '$status', '2011-01-01 00:00:00', '2011-01-01 00:00:00',
                    0, 0, 0, 0, 'shared', 0)");
                $row{$id} = $status;
            }

            # one after the other: when it is swept, so was all before it
            for (1 .. 2) {
                my ($id, $claim) = saving($r);

                expire($db, $claim);
                ok(wait_until(sub { status($r, $id) eq 'killed' }), 'a sweep');
            }

            for my $id (sort keys %row) {
                my ($got) = $db->query("SELECT status, deleted, updated_at
                    FROM images WHERE id = '$id'");

                is($got->[0], $row{$id}, $row{$id});
                like($got->[2], qr/^2011-01-01 00:00:00/, 'updated_at');
            }

            # our claim, but the image went on without us
            my ($id, $claim) = saving($r);

            $db->query("UPDATE images SET status = 'active',
                        updated_at = '2011-01-01 00:00:00' WHERE id = '$id'");
            expire($db, $claim);
            ok(wait_until(sub { !claims($r) }), 'its claim ends');
            is(image_of($r, $id)->{status}, 'active', 'it stays active');
            like(image_of($r, $id)->{updated_at}, qr/^2011/, 'as it was');
        });

        check('a sweep and a commit: one of them wins' => sub {
            my (%status, @claims);

            for my $n (1 .. 30) {
                my ($id, $claim) = saving($r, 'killed');

                push @claims, [ $id, $claim ];
            }

            expire($db, map { $_->[1] } @claims);

            for my $one (@claims) {
                my ($id, $claim) = @$one;
                my $status = commit($r, $id, $claim, 77)->{status};
                my $image = image_of($r, $id);

                $status{$status}++;
                is("$status $image->{status} " . ($image->{location} ? 1 : 0),
                   $status == 200 ? '200 active 1' : '409 killed 0',
                   'consistent');
            }

            is(($status{200} || 0) + ($status{409} || 0), 30, 'all told');
        });

        check('more than a batch is swept at once' => sub {
            # the first sweep comes a lease after the start
            $r->stop();
            $r->start(upload_lease => 2, sweep_interval => 3600);

            my @id = map { uuid() } 1 .. 250;

            for my $table (
                [ 'images (id, name, status, created_at, deleted, min_disk,
                   min_ram, protected, visibility, os_hidden)',
                  "'%s', 'many', 'saving', '2011-01-01 00:00:00', 0, 0, 0, 0,
                   'shared', 0" ],
                [ 'ngx_glance_claims (id, image_id, on_expire, expires_at,
                   created_at)', "'%s', '%1\$s', 'killed', 1, 1" ])
            {
                my ($columns, $values) = @$table;

                $db->query("INSERT INTO $columns VALUES "
                    . join(', ', map { sprintf("($values)", $_) } @id));
            }

            ok(wait_until(sub { !claims($r) }, 60), 'all claims are over');
            is(($db->query("SELECT COUNT(*) FROM images WHERE name = 'many'
                            AND status = 'killed'"))[0][0], 250,
               'all images are given up');
        });
    }, upload_lease => 1, sweep_interval => 1);
});


check('two registries sweep at once' => sub {
    for_each_registry(sub {
        my ($r, $kind) = @_;

        my $db = $r->{database};
        my $second = Glance::Registry->new(database => $db,
                                           options => { %{$r->{options}} });

        $second->start();

        my @claims = map { [ saving($r, $_ % 2 ? 'queued' : 'killed') ] }
                     1 .. 60;

        expire($db, map { $_->[1] } @claims);
        ok(wait_until(sub { !claims($r) }), 'swept');

        is(join(' ', map { status($second, $claims[$_][0]) } 0 .. 59),
           join(' ', ('queued', 'killed') x 30), 'each as it was asked');

        my @given_up = map { /given up image=(\S+)/ ? $1 : () }
            map { split(/\n/, read_file($_->{log})) } $r, $second;

        is(join(' ', sort @given_up),
           join(' ', sort map { $_->[0] } @claims), 'each once');

        finish($second);
    }, upload_lease => 1, sweep_interval => 1);
});


# glance-worker

check('glance-worker' => sub {
    for_each_registry(sub {
        my ($r, $kind) = @_;

        my $db = $r->{database};
        my $store = store_dir();
        my $worker = Glance::Worker->new(store => $store, registry => $r);
        my $once = sub {
            my ($title, $want) = @_;
            my ($status, $text) = $worker->once();

            is($status, $want || 0, "$title: exit status") or diag($text);
        };
        my $files = sub {
            return join(' ', sort map { s!^\Q$store\E/!!r }
                        grep { -f } glob("$store/* $store/.upload/*"));
        };

        $once->('an empty store');
        mkdir("$store/.upload");

        check('temporary files of the dead' => sub {
            my ($id, $claim) = saving($r, 'queued');
            my ($live, $living) = saving($r);

            write_file("$store/.upload/$id.$claim", 'half');
            write_file("$store/.upload/$live.$living", 'half');
            write_file("$store/.upload/notes.txt", 'not ours');
            write_file("$store/.upload/$unknown.$unknown", 'unknown');

            open(my $lock, '<', "$store/.upload/$live.$living");
            flock($lock, 2) or die "flock() failed: $!\n";

            $once->('one lives');
            is($files->(), join(' ', sort ".upload/$live.$living",
                                '.upload/notes.txt'),
               'only what is locked, or not ours, is left');
            is(status($r, $id), 'queued', 'the dead one is given up');
            is(status($r, $live), 'saving', 'the living one is not');

            close($lock);
            $once->('none lives');
            is($files->(), '.upload/notes.txt', 'it is removed');
            is(status($r, $live), 'killed', 'it is given up');
            unlink("$store/.upload/notes.txt");
        });

        check('an upload that came to its end stays' => sub {
            my ($id, $claim) = saving($r);

            write_file("$store/.upload/$id.$claim", 'whole');
            link("$store/.upload/$id.$claim", "$store/$id");
            put($r, $id, { %{data($id, 5)}, location => undef,
                location_data => [ { url => "file://$store/$id",
                                     metadata => {} } ] }, 'saving',
                claim($claim));

            $once->('active');
            is($files->(), $id, 'the image stays, its temporary name goes');
            is(read_file("$store/$id"), 'whole', 'with its data');
            unlink("$store/$id");
        });

        check('one that was linked but not recorded goes' => sub {
            my ($id, $claim) = saving($r);

            write_file("$store/.upload/$id.$claim", 'whole');
            link("$store/.upload/$id.$claim", "$store/$id");
            $once->('not recorded');
            is($files->(), '', 'both names are gone');
            is(status($r, $id), 'killed', 'the image is given up');
        });

        check('removals are tried again' => sub {
            my $remove = sub {
                my $id = new_image($r, { status => 'active' })->{id};

                put($r, $id, { location => "file://$store/$id" });
                $r->request('DELETE', "/images/$id");
                $db->query('UPDATE ngx_glance_removals SET next_try = 1');
                return $id;
            };
            my $rows = sub {
                return join(' ', map { join(':', @$_) } $db->query(
                    'SELECT tries, last_error FROM ngx_glance_removals'));
            };

            my $id = $remove->();
            write_file("$store/$id", 'old');
            $once->('due');
            is($files->(), '', 'the data are gone');
            is($rows->(), '', 'and the row');

            $id = $remove->();
            $once->('no such file');
            is($rows->(), '', 'is as good as removed');

            $id = $remove->();
            mkdir("$store/$id");
            $worker->allow(qr/cannot remove/);
            $once->('what cannot be removed');
            like($rows->(), qr/^1:unlink: /, 'is tried later');
            rmdir("$store/$id");
            write_file("$store/$id", 'old');
            $once->('not yet due');
            is($files->(), $id, 'not before its time');
            $db->query('UPDATE ngx_glance_removals SET next_try = 1');
            $once->('later');
            is($files->() . $rows->(), '', 'removed at last');

            # of another store: this node has nothing to do with it
            my $foreign = new_image($r, { status => 'active',
                location => 'file:///elsewhere/x' })->{id};
            my $sneaky = new_image($r, { status => 'active',
                location => "file://$store/../passwd" })->{id};

            $r->request('DELETE', "/images/$_") for $foreign, $sneaky;
            $db->query('UPDATE ngx_glance_removals SET next_try = 1');
            $once->('foreign');
            is(scalar $db->query('SELECT id FROM ngx_glance_removals
                                  WHERE tries = 0'), 2,
               'rows of others stay');
            $db->query('DELETE FROM ngx_glance_removals');
        });

        check('more than it asks for at once' => sub {
            my @id = map { uuid() } 1 .. 230;

            write_file("$store/$_", 'x') for @id;
            $db->query('INSERT INTO ngx_glance_removals (image_id, url,
                tries, next_try, created_at) VALUES '
                . join(', ', map { "('$_', 'file://$store/$_', 0, 1, 1)" }
                       @id));
            $once->('230');
            is($files->(), '', 'all files');
            is(scalar $db->query('SELECT id FROM ngx_glance_removals'), 0,
               'all rows');
        });

        check('foreign rows do not keep ours waiting' => sub {
            my @id = map { uuid() } 1 .. 150;
            my $mine = uuid();

            write_file("$store/$mine", 'x');
            $db->query('INSERT INTO ngx_glance_removals (image_id, url,
                tries, next_try, created_at) VALUES '
                . join(', ', (map { "('$_', 'swift://s/$_', 0, 1, 1)" } @id),
                       "('$mine', 'file://$store/$mine', 0, 2, 1)"));
            $once->('150 of others before it');
            is($files->(), '', 'ours is removed');
            is(scalar $db->query('SELECT id FROM ngx_glance_removals'), 150,
               'theirs wait for them');
            $db->query('DELETE FROM ngx_glance_removals');
        });

        check('without a registry nothing is removed' => sub {
            my ($id, $claim) = saving($r);

            write_file("$store/.upload/$id.$claim", 'half');
            $r->stop();
            $once->('no registry', 1);
            is($files->(), ".upload/$id.$claim", 'left alone');
            $r->start();
            $once->('there again');
            is($files->(), '', 'removed');
        });

        is(join("\n", $worker->complaints()), '', 'the worker is well');
    }, upload_lease => 3600, sweep_interval => 3600);
});


done_testing();

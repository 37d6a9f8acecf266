package Glance::Env;

# Copyright (C) ngx_glance authors

# A whole service: database, registries, nginx with a store; and what tests
# ask about it.

use warnings;
use strict;

use File::Find ();
use JSON::PP ();
use Test::More;

use Glance::Data qw/ digest_of_file /;
use Glance::Database;
use Glance::HTTP;
use Glance::Identity;
use Glance::Nginx;
use Glance::Process qw/ store_dir wait_until write_file /;
use Glance::Registry;
use Glance::Store;


# new(kind, options):
#
#   registries => 1, nginxes => 1        how many of each
#   registry => { option => value }      of glance-registry.conf
#   nginx => { option => value }         see Glance::Nginx
#   store => DIR                         of files, or beside a remote store
#   database => Glance::Database
#   worker => 1                          glance-worker runs

sub new {
    my ($class, $kind, %o) = @_;

    Glance::Identity::apply(\%o);

    my $env = bless { %o, kind => $kind, programs => [] }, $class;

    $env->{store} ||= store_dir();
    $env->{database} ||= Glance::Database->new($kind);

    for my $n (1 .. $o{registries} || 1) {
        my $registry = Glance::Registry->new(
            database => $env->{database},
            options => { %{$o{registry} || {}} },
            headers => $o{identity},
        );

        push @{$env->{all_registries}}, $registry;
        $registry->start();
    }

    $env->{registry} = $env->{all_registries}[0];

    for my $n (1 .. $o{nginxes} || 1) {
        my $nginx = Glance::Nginx->new(
            store => $env->{store},
            registries => [ map { $_->address() }
                            @{$env->{all_registries}} ],
            secret => $o{registry}{registry_secret},
            node => "node$n",
            %{$o{nginx} || {}},
        );

        push @{$env->{all_nginxes}}, $nginx;
        $nginx->start();
    }

    $env->{nginx} = $env->{all_nginxes}[0];

    if ($o{worker}) {
        $env->worker()->start();
    }

    return $env;
}


# the node agent of the store; made when first asked for

sub worker {
    my ($env) = @_;

    return $env->{worker_program} ||= Glance::Worker->new(
        store => $env->{store},
        registry => $env->{registry},
        options => {
            $env->remote() ? (run_dir => $env->{nginx}{dir}) : (),
            %{$env->{worker_options} || {}},
        },
    );
}


# HTTP

sub connect {
    my ($env, %o) = @_;

    return $env->{nginx}->connect(%o);
}


sub request {
    my ($env, $method, $path, %o) = @_;

    return $env->connect()->request($method, $path, %o);
}


# POST /images with what the seed requires, unless given: headers as a hash
# of x-image-meta names; undef leaves a required one out

sub post {
    my ($env, $meta, %o) = @_;

    return $env->request('POST', '/images', $env->with_meta($meta, %o));
}


sub put {
    my ($env, $id, $meta, %o) = @_;

    return $env->request('PUT', "/images/$id",
                         $env->with_meta({ name => undef, type => undef,
                                           %{$meta || {}} }, %o));
}


sub with_meta {
    my ($env, $meta, %o) = @_;

    my %meta = (name => 'an image', type => 'raw', %{$meta || {}});
    my @headers = map { ("x-image-meta-$_" => $meta{$_}) }
                  grep { defined $meta{$_} } sort keys %meta;

    my %named = map { lc $_ => 1 } @{$o{headers} || []};
    my $data = defined $o{body} || $o{file} || $o{chunks} || $o{chunked}
               || $o{length};

    push @headers, 'Content-Type' => 'application/octet-stream'
        if $data && !$named{'content-type'};

    return (%o, headers => [ @headers, @{$o{headers} || []} ]);
}


# the id of a new image; the test ends when there is none

sub create {
    my ($env, $meta, %o) = @_;

    my $r = $env->post($meta, %o);

    die 'cannot create an image: ' . $r->summary() . "\n"
        if $r->{status} != 201;

    return $r->json()->{image}{id};
}


# API v1: path behind /v1/images, headers as above, none required

sub v1 {
    my ($env, $method, $path, $meta, %o) = @_;

    return $env->request($method, "/v1/images$path",
                         $env->with_meta({ name => undef, type => undef,
                                           %{$meta || {}} }, %o));
}


sub v1_create {
    my ($env, $meta, %o) = @_;

    my $r = $env->v1('POST', '', $meta, %o);

    die 'cannot create an image: ' . $r->summary() . "\n"
        if $r->{status} != 201;

    return $r->json()->{image}{id};
}


# API v2: path behind /v2/images; json => anything is the body

sub v2 {
    my ($env, $method, $path, %o) = @_;

    if (exists $o{json}) {
        $o{body} = JSON::PP->new->utf8->allow_nonref->encode(delete $o{json});
    }

    return $env->request($method, "/v2/images$path", %o);
}


# the id of a new image, with the data of body => .. if there are any

sub v2_create {
    my ($env, $fields, %o) = @_;

    my $r = $env->v2('POST', '', headers => $o{headers} || [], json => {
        name => 'an image', disk_format => 'raw', container_format => 'bare',
        %{$fields || {}} });

    die 'cannot create an image: ' . $r->summary() . "\n"
        if $r->{status} != 201;

    my $id = $r->json()->{id};

    return $id if !defined $o{body};

    $r = $env->v2_upload($id, %o);

    die 'cannot upload: ' . $r->summary() . "\n" if $r->{status} != 204;

    return $id;
}


sub v2_upload {
    my ($env, $id, %o) = @_;

    my %given = map { lc $_ => 1 } @{$o{headers} || []};

    return $env->v2('PUT', "/$id/file", %o, headers => [
        $given{'content-type'} ? ()
            : ('Content-Type' => 'application/octet-stream'),
        @{$o{headers} || []} ]);
}


sub status_of {
    my ($env, $id) = @_;

    my ($row) = $env->rows("id = '$id'");

    return $row ? $row->[1] : 'none';
}


# whose an image is if nobody says so: the project of who asks, if any

sub owner {
    my ($env) = @_;

    return $env->{owner};
}


# the truth: data in the store, whichever it is, and rows of the database

sub default_store {
    return Glance::Store::kind();
}


# one that is known and not configured

sub absent_store {
    return Glance::Store::kind() eq 's3' ? 'swift' : 's3';
}


sub remote {
    my ($env) = @_;

    return Glance::Store::of($env->{store});
}


# "{store}/ID" of a file; of others, what they call that image

sub files {
    my ($env) = @_;

    my @files;

    File::Find::find({ no_chdir => 1, wanted => sub {
        my $name = $_;

        return if !-e $name || -d _;

        $name =~ s!^\Q$env->{store}\E/!!;
        push @files, $name;
    }}, $env->{store});

    push @files, $env->remote()->files() if $env->remote();
    @files = sort @files;

    return @files;
}


# (size, MD5) of an image's data in the store

sub digest {
    my ($env, $id) = @_;

    my $file = "$env->{store}/$id";

    return (-s $file, digest_of_file($file)) if -e $file;
    return $env->remote() ? $env->remote()->digest($id) : ();
}


sub location {
    my ($env, $id) = @_;

    return $env->remote() ? $env->remote()->location($id)
                          : "file://$env->{store}/$id";
}


# what locations have in them

sub places {
    my ($env) = @_;

    my $remote = $env->remote() ? $env->remote()->{name} : 'file:';

    return qr/file:|swift\+|s3:|\Q$env->{store}\E|\b$remote\b/;
}


# puts other data in their place, and takes them away

sub replace_data {
    my ($env, $id, $data) = @_;

    return $env->remote() ? $env->remote()->replace($id, $data)
                          : write_file("$env->{store}/$id", $data);
}


sub remove_data {
    my ($env, $id) = @_;

    return $env->remote() ? $env->remote()->remove($id)
                          : unlink("$env->{store}/$id");
}


sub temp_files {
    my ($env) = @_;

    return grep { m!^\.upload/! } $env->files();
}


# [id, status, deleted, size, checksum]

sub rows {
    my ($env, $where) = @_;

    return $env->{database}->query(
        'SELECT id, status, deleted, size, checksum FROM images'
        . ($where ? " WHERE $where" : '') . ' ORDER BY id');
}


sub claims {
    my ($env) = @_;

    return $env->{database}->query(
        'SELECT id, image_id, on_expire FROM ngx_glance_claims');
}


# assertions

# nothing was recorded or stored: the refusal came before registration

sub is_empty {
    my ($env, $title) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $r = $env->{registry}->request('GET',
        '/images/detail?is_public=none&limit=1000');

    my $list = $r->{status} == 200 ? $r->json() : undef;
    my @found = ((map { "file $_" } $env->files()),
                 (map { "row @$_" } $env->rows()),
                 (map { "claim @$_" } $env->claims()),
                 (map { "listed $_->{id}" } @{$list->{images} || []}),
                 $list ? () : 'no list: ' . $r->summary());

    is(join("\n", @found), '', $title || 'no row and no file');
}


# records of failed uploads may stay, killed or deleted; data may not.  What
# the service does behind the client's back may take its time.

sub nothing_left {
    my ($env, $title, @ids) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my %known = map { $_ => 1 } @ids;
    my @found;

    wait_until(sub {
        @found = ((map { "file $_" } grep { !$known{$_} } $env->files()),
                  (map { "row @$_" }
                   grep { !$known{$_->[0]} && $_->[1] ne 'killed'
                          && !$_->[2] } $env->rows()),
                  (map { "claim @$_" } grep { !$known{$_->[1]} }
                   $env->claims()));
        return !@found;
    });

    is(join("\n", @found), '', $title || 'no data, nothing half done');
}


# data and records agree: every active image has its bytes, every file has
# its active image, and nothing is under way.  Waits until it is so.

sub consistent {
    my ($env, $title) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my @found;

    wait_until(sub { @found = $env->contradictions(); return !@found }, 60);

    is(join("\n", @found), '', $title || 'data and records agree');
}


sub contradictions {
    my ($env) = @_;

    my @found = map { "claim @$_" } $env->claims();
    my %file = map { $_ => 1 } $env->files();

    for my $row ($env->rows()) {
        my ($id, $status, $deleted, $size, $checksum) = @$row;

        if ($deleted || $status eq 'killed' || $status eq 'queued') {
            push @found, "file of $status image $id" if $file{$id};
            delete $file{$id};
            next;
        }

        if ($status ne 'active') {
            push @found, "image $id is $status";
            delete $file{$id};
            next;
        }

        if (!delete $file{$id}) {
            push @found, "no file of active image $id";

        } elsif (join(' ', $env->digest($id)) ne "$size $checksum") {
            push @found, "wrong bytes in active image $id";
        }
    }

    return (@found, map { "file $_" } sort keys %file);
}


# empties service and store behind its back

sub wipe {
    my ($env) = @_;

    for my $table (qw/ image_properties image_locations image_members
                       image_tags ngx_glance_claims ngx_glance_removals
                       images /)
    {
        eval { $env->{database}->query("DELETE FROM $table") };
    }

    $env->remote()->wipe() if $env->remote();
    unlink map { "$env->{store}/$_" } $env->files();
}


# the end of a test: everything stops, and no log has a complaint

sub finish {
    my ($env) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my @programs = grep { defined } $env->{worker_program},
                   @{$env->{all_nginxes} || []},
                   @{$env->{all_registries} || []};

    for my $p (@programs) {
        next if !$p->{pid};

        if (!$p->alive()) {
            fail("$p->{name} runs until the end");
            diag($p->tail());
        }

        $p->stop(signal => $p->{name} eq 'nginx' ? 'QUIT' : 'TERM');
    }

    my @complaints = map { $_->complaints() } @programs, 'Glance::Store',
                     'Glance::Identity';

    is(join("\n", @complaints), '', 'no alerts, no sanitizer reports');
}


1;

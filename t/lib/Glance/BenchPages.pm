package Glance::BenchPages;

# Copyright (C) ngx_glance authors

# What a page of 25 images costs the registry, out of many images and out of
# few: a list must not get slower as a cloud grows.

use warnings;
use strict;

use Glance::Database;
use Glance::Registry;

my $Few = 1000;
my $Owners = 10;
my $Batch = 50_000;
my $Turns = 20;

# what users ask for; each page of it is measured
my @Lists = (
    [ all => '' ],
    [ name => 'sort=name:asc' ],
    [ public => 'visibility=public' ],
    [ owner => 'owner=p1' ],
    [ search => 'name=image%2042' ],
    [ hidden => 'os_hidden=true' ],
    [ property => 'os_distro=rare' ],
);

# few images have what these look for
my %Once = map { $_ => 1 } qw/ search hidden property /;

my @Pages = qw/ first middle last /;


# [ name, title ] of every row of the table

sub rows {
    my %title = (all => 'of all', name => 'by name', public => 'of public ones',
                 owner => 'of a project', search => 'of a name',
                 hidden => 'of hidden ones', property => 'of a property');

    return map {
        my ($list) = @$_;
        map { [ "page_${list}_$_", "page $title{$list}, $_" ] }
        $Once{$list} ? 'first' : @Pages;
    } @Lists;
}


# new(bench => Glance::Bench, many => N, kind => 'sqlite' or 'mysql')

sub new {
    my ($class, %o) = @_;

    my $p = bless { kind => 'sqlite', %o }, $class;

    for my $side (qw/ many few /) {
        my $r = Glance::Registry->new(
            database => Glance::Database->new($p->{kind}),
            options => { api_limit_max => 1000 })->start();

        $p->{$side} = { registry => $r,
                        images => $side eq 'few' ? $Few : $p->{many} };
        fill($p->{$side});
    }

    return $p;
}


# images of the last second each, one in ten public, with two properties, which
# lie beside each other, as when images are created one by one; forty are
# hidden, and forty have a property that others have not

sub fill {
    my ($side) = @_;

    my $db = $side->{registry}{database};
    my $sqlite = $db->{kind} eq 'sqlite';
    my $time = $sqlite
        ? "strftime('%Y-%m-%d %H:%M:%S', 1577836800 + i, 'unixepoch')"
          . " || '.000000'"
        : "FROM_UNIXTIME(1577836800 + i)";
    my $id = id_of($sqlite ? "printf('%08x', i)" : "LPAD(HEX(i), 8, '0')",
                   $sqlite);
    my $name = $sqlite ? "'image ' || i" : "CONCAT('image ', i)";
    my $owner = $sqlite ? "'p' || (i % $Owners)"
                        : "CONCAT('p', i % $Owners)";

    my $part = int($side->{images} / 40);
    my @insert = (
        [ 'images (id, name, size, status, created_at, updated_at, deleted,'
          . ' disk_format, container_format, checksum, owner, min_disk,'
          . ' min_ram, protected, visibility, os_hidden)',
          "$id, $name, 1024, 'active', $time, $time, 0, 'qcow2', 'bare',"
          . " '00000000000000000000000000000000', $owner, 0, 0, 0,"
          . " CASE WHEN i % 10 = 0 THEN 'public' ELSE 'private' END,"
          . " CASE WHEN i % $part = 3 THEN 1 ELSE 0 END" ],
        [ 'image_properties (image_id, name, value, created_at, deleted)',
          "$id, key_name, CASE WHEN key_name = 'os_distro'"
          . " AND i % $part = 7 THEN 'rare' ELSE 'linux' END, $time, 0",
          " CROSS JOIN (SELECT 'os_type' AS key_name"
          . " UNION ALL SELECT 'os_distro') k ORDER BY i" ],
    );

    for (my $done = 0; $done < $side->{images}; $done += $Batch) {
        my $last = $done + $Batch;
        $last = $side->{images} if $last > $side->{images};

        my $numbers = 'WITH RECURSIVE n(i) AS (SELECT ' . ($done + 1)
                      . " UNION ALL SELECT i + 1 FROM n WHERE i < $last) ";

        for my $insert (@insert) {
            my ($table, $values, $from) = (@$insert, '');
            my $select = "SELECT $values FROM n$from";

            $db->query($sqlite
                ? "$numbers INSERT INTO $table $select"
                : "SET max_recursive_iterations = $Batch;"
                  . " INSERT INTO $table $numbers $select");
        }
    }

    # MySQL does so by itself, though later; SQLite does not
    $db->query('ANALYZE TABLE images, image_properties') if !$sqlite;
}


sub id_of {
    my ($text, $sqlite) = @_;

    my $rest = "'-0000-4000-8000-000000000000'";

    return $sqlite ? "$text || $rest" : "CONCAT(LOWER($text), $rest)";
}


# Seconds of processor for a request, on each side: in short turns that
# alternate, so that what else the machine does is the same for both.

sub measure {
    my ($p, $seconds, $add) = @_;

    for my $list (@Lists) {
        my ($name, $query) = @$list;

        for my $page ($Once{$name} ? 'first' : @Pages) {
            my %path = map {
                $_ => $p->path($p->{$_}, $name, $query, $page)
            } qw/ many few /;
            my (%cpu, %requests);

            for my $turn (1 .. $Turns) {
                for my $side ($turn % 2 ? qw/ many few / : qw/ few many /) {
                    my ($cpu, $n) = $p->cost($p->{$side}{registry},
                                             $path{$side}, $seconds / $Turns);
                    $cpu{$side} += $cpu;
                    $requests{$side} += $n;
                }
            }

            $add->("page_${name}_$page",
                   map { $cpu{$_} / $requests{$_} * 1e6 } qw/ many few /);
        }
    }
}


# of a page behind the marker in the middle, or 30 images before the end

sub path {
    my ($p, $side, $name, $query, $page) = @_;

    my $path = "/v2/images?limit=25" . ($query ? "&$query" : '');

    return $path if $page eq 'first';

    my ($where, $order) = ('', 'created_at DESC, id DESC');

    $where = " AND visibility = 'public'" if $name eq 'public';
    $where = " AND owner = 'p1'" if $name eq 'owner';
    $order = 'name ASC, created_at DESC, id DESC' if $name eq 'name';

    my $db = $side->{registry}{database};
    my ($count) = $db->query(
        "SELECT COUNT(*) FROM images WHERE deleted = 0$where");
    my $skip = $page eq 'middle' ? int($count->[0] / 2) : $count->[0] - 30;
    my ($id) = $db->query("SELECT id FROM images WHERE deleted = 0$where"
                          . " ORDER BY $order LIMIT 1 OFFSET $skip");

    return "$path&marker=$id->[0]";
}


sub cost {
    my ($p, $registry, $path, $seconds) = @_;

    my @servers = ($registry, Glance::Database::server() || ());

    # the first one fills caches
    $registry->request('GET', $path);

    my ($cpu, $r) = Glance::Bench::cpu_of(sub {
        return $p->{bench}->load($registry, path => $path,
                                 seconds => $seconds);
    }, @servers);

    return ($cpu, $r->{requests});
}


sub finish {
    my ($p) = @_;

    $_->{registry}->stop() for @$p{qw/ many few /};
}


1;

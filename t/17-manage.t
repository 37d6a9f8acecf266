#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# glance-manage: tables are created, recognized and left alone, and what was
# deleted long ago is purged without touching what lives or waits.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;
use Glance::Database;
use Glance::Foreign qw/ create_glance_tables glance_image /;
use Glance::RegistryTest;


my $Program = Glance::Program::built('glance-manage');
my $HEAD = '2024_1_contract01';

my @kinds = split(/[ ,]+/, $ENV{GLANCE_TEST_DATABASES} || 'sqlite mysql');


# (exit status, all that it prints)

sub manage {
    my ($d, @arguments) = @_;

    return run_command([ $Program, '--sql-connection', $d->{connection},
                         @arguments ], env => { HOME => '/nonexistent' });
}


sub manage_is {
    my ($d, $status, $words, $title, @arguments) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my ($got, $text) = manage($d, @arguments);

    is($got, $status, "$title: exit status $status") or diag($text);
    like($text, $words, "$title: $words");
    unlike($text, qr/g1\@nce|g1%40nce/, "$title: no password");

    return $text;
}


# code gets a fresh database of each kind

sub for_each_fresh {
    my ($title, $code) = @_;

    for my $kind (@kinds) {
        check("$title ($kind)" => sub {
            my $missing = Glance::Database::missing($kind);

            plan(skip_all => $missing) if $missing;
            $code->(Glance::Database->new($kind), $kind);
        });
    }
}


sub tables {
    my ($d) = @_;

    my @rows = $d->query($d->{kind} eq 'sqlite'
        ? "SELECT name FROM sqlite_master WHERE type = 'table'"
          . " AND name NOT LIKE 'sqlite_%' ORDER BY name"
        : 'SHOW TABLES');

    return map { $_->[0] } @rows;
}


sub one {
    my ($d, $sql) = @_;

    my ($row) = $d->query($sql);

    return $row->[0];
}


# the registry answers from this database

sub served {
    my ($d, $code) = @_;

    my $r = Glance::Registry->new(database => $d);

    $r->start();
    $code->($r);
    finish($r);
}


for_each_fresh('S-25 sync of an empty database' => sub {
    my ($d) = @_;

    manage_is($d, 3, qr/db sync/, 'check before', 'db', 'check');
    manage_is($d, 1, qr/^ERROR: .*db sync/m, 'purge before', 'db', 'purge');
    manage_is($d, 0, qr/tables created, revision $HEAD/, 'sync', 'db',
              'sync');

    my @tables = tables($d);

    is(scalar(grep { !/^ngx_glance_/ } @tables), 16, 'tables of Glance')
        or diag("@tables");
    is(scalar(grep { /^ngx_glance_/ } @tables), 6, 'tables of our own');

    manage_is($d, 0, qr/up to date, revision $HEAD/, 'sync again', 'db',
              'sync');
    is(join(' ', tables($d)), join(' ', @tables), 'the same tables');

    my $text = manage_is($d, 0, qr/^$HEAD$/m, 'version', 'db', 'version');
    is($text, "$HEAD\n", 'nothing but the revision');

    manage_is($d, 0, qr/up to date/, 'check', 'db', 'check');
    manage_is($d, 0, qr/up to date/, $_, 'db', $_)
        for qw/ expand migrate contract /;

    served($d, sub {
        my ($r) = @_;

        my $image = new_image($r, { name => 'synced', is_public => 1 });
        is(image_of($r, $image->{id})->{name}, 'synced', 'it serves');
    });

    manage_is($d, 0, qr/up to date/, 'sync beside images', 'db', 'sync');
    is(one($d, 'SELECT COUNT(*) FROM images'), 1, 'the image is there');
});


for_each_fresh('the spellings of 2011' => sub {
    my ($d) = @_;

    manage_is($d, 0, qr/empty database/i, 'version_control',
              'version_control');
    manage_is($d, 0, qr/revision $HEAD/, 'db_sync', 'db_sync');
    manage_is($d, 0, qr/up to date/, 'upgrade', 'upgrade', $HEAD);
    manage_is($d, 0, qr/up to date/, 'db sync heads', 'db', 'sync', 'heads');
    manage_is($d, 0, qr/^$HEAD$/m, 'db_version', 'db_version');
    manage_is($d, 0, qr/up to date/, $_, $_)
        for qw/ db_check db_expand db_migrate db_contract /;
    manage_is($d, 0, qr/up to date/, '--version', 'db', 'sync', '--version',
              'heads');
    manage_is($d, 1, qr/^ERROR: nope: .*revision/m, '--version of another',
              'db', 'upgrade', '--version=nope');
    manage_is($d, 0, qr/already/, 'version_control again',
              'version_control', '6');
    manage_is($d, 1, qr/^ERROR: 6: .*revision/m, 'a number of 2011',
              'upgrade', '6');
    manage_is($d, 1, qr/^ERROR: .*not supported/m, 'downgrade', 'downgrade',
              '5');
});


for_each_fresh('several at once' => sub {
    my ($d) = @_;

    my @running = map {
        in_background(sub { return manage($d, 'db', 'sync') })
    } 1 .. 4;

    for my $result (map { [ $_->() ] } @running) {
        is($result->[0], 0, 'exit status 0') or diag($result->[1]);
    }

    manage_is($d, 0, qr/up to date/, 'check', 'db', 'check');
    is(one($d, 'SELECT COUNT(*) FROM alembic_version'), 1, 'one revision');
});


# a database of a Python Glance

for_each_fresh('schema B of a real Glance' => sub {
    my ($d) = @_;

    create_glance_tables($d, [$HEAD]);
    glance_image($d, id => 'from-glance', locations => ['file:///x/1'],
                 properties => { os_distro => 'debian' });

    manage_is($d, 3, qr/db sync/, 'check: ours are missing', 'db', 'check');

    my $text = manage_is($d, 0, qr/left as they are, revision $HEAD/, 'sync',
                         'db', 'sync');

    like($text, qr/ngx_glance_claims/, 'tells what it created');
    is(join(' ', grep { /^ngx/ } tables($d)),
       'ngx_glance_claims ngx_glance_imports ngx_glance_jobs ngx_glance_once '
       . 'ngx_glance_removals',
       'tables of our own');
    is(one($d, 'SELECT COUNT(*) FROM alembic_version'), 1, 'one revision');

    manage_is($d, 0, qr/up to date/, 'check', 'db', 'check');

    served($d, sub {
        my ($r) = @_;

        my $image = image_of($r, 'from-glance');

        is($image->{name}, 'image of Glance', 'its image is served');
        is($image->{properties}{os_distro}, 'debian', 'its property');
        like($image->{created_at}, qr/^2024-05-01T10:00:00/, 'its time');
    });

    # these are the beginning of others: who tidies up may drop them
    for my $table (qw/ image_properties image_tags /) {
        my $index = "ix_${table}_image_id";

        $d->query("DROP INDEX $index"
                  . ($d->{kind} eq 'mysql' ? " ON $table" : ''));
    }

    served($d, sub {
        my ($r) = @_;

        is(image_of($r, 'from-glance')->{name}, 'image of Glance',
           'served without an index');
        is($r->request('GET', $_)->json()->{images}[0]{id}, 'from-glance',
           "$_ without an index")
            for '/images/detail', '/v2/images?os_distro=debian';
    });
});


for_each_fresh('schema A, and a rolling upgrade' => sub {
    my ($d) = @_;

    create_glance_tables($d, ['2023_1_contract01'],
                         without => [qw/ node_reference cached_images /]);

    manage_is($d, 0, qr/left as they are, revision 2023_1/, 'sync', 'db',
              'sync');
    manage_is($d, 0, qr/2023_1_contract01, which is served/, 'check', 'db',
              'check');

    $d->query("INSERT INTO alembic_version VALUES ('2024_1_expand01')");

    manage_is($d, 5, qr/contract/, 'check in between', 'db', 'check');
    manage_is($d, 1, qr/^ERROR/m, 'contract', 'db', 'contract');
    manage_is($d, 0, qr/^2023_1_contract01\n2024_1_expand01$/m,
              'version in between', 'db', 'version');
    manage_is($d, 0, qr/left as they are/, 'sync in between', 'db', 'sync');
});


for_each_fresh('a schema too old to be served' => sub {
    my ($d) = @_;

    create_glance_tables($d, ['queens_contract01'],
        without => [qw/ node_reference cached_images /],
        drop => [qw/ images.os_hidden images.os_hash_algo
                     images.os_hash_value /]);

    my @tables = tables($d);

    manage_is($d, 1, qr/^ERROR: .*queens_contract01 cannot be served/m,
              'sync', 'db', 'sync');
    manage_is($d, 3, qr/queens_contract01 is too old/, 'check', 'db',
              'check');
    is(join(' ', tables($d)), join(' ', @tables), 'nothing was created');
});


for_each_fresh('tables that Glance does not know' => sub {
    my ($d) = @_;

    create_glance_tables($d, []);

    manage_is($d, 0, qr/not under migration control/, 'version', 'db',
              'version');
    manage_is($d, 1, qr/^ERROR: .*without a revision/m, 'version_control',
              'db', 'version_control');
    manage_is($d, 0, qr/revision unknown/, 'sync', 'db', 'sync');
    is(one($d, 'SELECT COUNT(*) FROM alembic_version'), 0,
       'no revision is claimed');
});


# purge

# rows of an image and its children, soft-deleted so many days ago

sub dead_image {
    my ($d, $id, $days, %set) = @_;

    my $time = $d->{kind} eq 'mysql'
               ? "UTC_TIMESTAMP() - INTERVAL $days DAY"
               : "datetime('now', '-$days days') || '.000000'";

    glance_image($d, id => $id, locations => ["file:///x/$id"],
                 properties => { a => 1, b => 2 });
    $d->query("INSERT INTO image_members (image_id, member, can_share,"
              . " created_at, deleted) VALUES ('$id', 'm', 0, $time, 0);"
              . "INSERT INTO image_tags (image_id, value, created_at,"
              . " deleted) VALUES ('$id', 't', $time, 0);"
              . "INSERT INTO tasks (id, type, status, owner, created_at,"
              . " deleted) VALUES ('task-$id', 'import', 'success', 'o',"
              . " $time, 0); INSERT INTO task_info (task_id, input) VALUES"
              . " ('task-$id', '{}')");

    my $status = $set{status} || 'deleted';

    $d->query("UPDATE images SET deleted = 1, deleted_at = $time,"
              . " status = '$status' WHERE id = '$id';"
              . "UPDATE image_locations SET deleted = 1, deleted_at = $time,"
              . " status = '$status' WHERE image_id = '$id';"
              . join(';', map { "UPDATE $_ SET deleted = 1, deleted_at = $time"
                                . " WHERE image_id = '$id'" }
                          qw/ image_properties image_members image_tags /)
              . ";UPDATE tasks SET deleted = 1, deleted_at = $time"
              . " WHERE id = 'task-$id'");
}


sub ids {
    my ($d, $table, $column) = @_;

    $column ||= 'image_id';

    return join(' ', map { $_->[0] } $d->query(
        "SELECT DISTINCT $column FROM $table ORDER BY $column"));
}


my @children = qw/ image_properties image_locations image_members
                   image_tags /;

for_each_fresh('purge' => sub {
    my ($d) = @_;

    create_glance_tables($d, [$HEAD]);
    manage($d, 'db', 'sync');

    dead_image($d, 'old', 40);
    dead_image($d, 'older', 400);
    dead_image($d, 'young', 10);
    dead_image($d, 'pending', 400, status => 'pending_delete');
    dead_image($d, 'waiting', 400);
    $d->query("INSERT INTO ngx_glance_removals (image_id, url, tries,"
              . " next_try, created_at) VALUES ('waiting',"
              . " 'swift+http://user:key\@h/c/waiting', 3, 0, 0)");

    glance_image($d, id => 'live', locations => ['file:///x/live'],
                 properties => { kept => 1, revived => 1 });
    $d->query("UPDATE image_properties SET deleted_at ="
              . " '2020-01-01 00:00:00' WHERE name = 'revived'");

    my $text = manage_is($d, 0, qr/^image_properties +6 rows deleted$/m,
                         'purge', 'db', 'purge', '--age_in_days', 30,
                         '--max_rows', 6);

    like($text, qr/^tasks +4 rows/m, 'tasks');
    is(ids($d, 'images', 'id'), 'live old older pending waiting young',
       'no image goes');
    manage_is($d, 0, qr/^image_properties +2 rows deleted$/m, 'purge again',
              'db', 'purge');

    is(ids($d, $_), $_ =~ /properties/ ? 'live young' : 'young',
       "$_ of the young and the living")
        for qw/ image_properties image_members image_tags /;
    is(ids($d, 'image_locations'), 'live pending young', 'locations');
    is(ids($d, 'tasks', 'id'), 'task-young', 'tasks');
    is(ids($d, 'task_info', 'task_id'), 'task-young', 'what tasks have');
    is(one($d, "SELECT COUNT(*) FROM image_properties"
               . " WHERE image_id = 'live'"), 2,
       'a property that was revived lives');

    manage_is($d, 0, qr/^images +1 rows deleted$/m, 'images', 'db',
              'purge_images_table');
    is(ids($d, 'images', 'id'), 'live old pending waiting young',
       'what waits for a worker or a scrubber stays');

    manage_is($d, 0, qr/^images +2 rows deleted$/m, 'all', 'db',
              'purge_images_table', '--age-in-days=0', '--max-rows=-1');
    is(ids($d, 'images', 'id'), 'live pending waiting',
       'the rest, with its children');
    is(ids($d, $_), $_ =~ /locations/ ? 'live pending'
                  : $_ =~ /properties/ ? 'live' : '', "$_ at the end")
        for @children;

    $text = manage_is($d, 0, qr/^waiting +worker .* 3 /m, 'removals', 'db',
                      'removals');
    like($text, qr/^pending +scrubber .*file:/m, 'a delayed delete');
    unlike($text, qr/user|key/, 'no credentials');
});


for_each_fresh('purge of many rows' => sub {
    my ($d) = @_;

    manage($d, 'db', 'sync');
    glance_image($d, id => 'live');

    my @rows = map { "('live', 't$_', '2020-01-01 00:00:00', 1,"
                     . " '2020-01-01 00:00:00')" } 1 .. 1100;

    $d->query('INSERT INTO image_tags (image_id, value, created_at, deleted,'
              . ' deleted_at) VALUES ' . join(', ', @rows));
    $d->query("INSERT INTO image_tags (image_id, value, created_at, deleted)"
              . " VALUES ('live', 'stays', '2020-01-01 00:00:00', 0)");

    manage_is($d, 0, qr/^image_tags +100 rows/m, 'default', 'db', 'purge');
    manage_is($d, 0, qr/^image_tags +0 rows/m, 'none', 'db', 'purge',
              '--max-rows', 0);
    manage_is($d, 0, qr/^image_tags +450 rows/m, 'several batches', 'db',
              'purge', '--max-rows', 450);
    manage_is($d, 0, qr/^image_tags +550 rows/m, 'all that is left', 'db',
              'purge', '--max-rows', -1);
    is(one($d, 'SELECT value FROM image_tags'), 'stays', 'one that lives');
});


for_each_fresh('claims' => sub {
    my ($d) = @_;

    manage($d, 'db', 'sync');
    $d->query("INSERT INTO ngx_glance_claims (id, image_id, node, on_expire,"
              . " expires_at, created_at) VALUES ('c1', 'image-1', 'node7',"
              . " 'killed', 4000000000, 0)");

    manage_is($d, 0, qr/^image-1 +c1 +killed +\d+s node7$/m, 'claims', 'db',
              'claims');
});


# what goes wrong

check('no database' => sub {
    my $dir = temp_dir();

    my %bad = (
        "sqlite:///$dir/no/such/dir/g.sqlite" => qr/cannot open/,
        'mysql://glance:g1@nce@127.0.0.1:1/glance' => qr/connect/i,
        'postgresql://a:g1@nce@h/db' => qr/not supported/,
        'nonsense' => qr/no URL/,
        'mysql://glance:g1@nce@127.0.0.1' => qr/no database/,
    );

    for my $url (sort keys %bad) {
        my ($scheme) = $url =~ /^(\w+)/;
        my $text = manage_is({ connection => $url }, 1, $bad{$url},
                             "sync $scheme", 'db', 'sync');

        is(() = $text =~ /^ERROR: /mg, 1, "$scheme: one message");
    }

    my $d = { connection => "sqlite:///$dir/none.sqlite" };

    manage_is($d, 3, qr/no database yet/, 'check', 'db', 'check');
    manage_is($d, 1, qr/^ERROR/m, $_, 'db', $_)
        for qw/ version purge claims removals /;
    ok(!-e "$dir/none.sqlite", 'no file was created');
});


for_each_fresh('no access' => sub {
    my ($d, $kind) = @_;

    # of a file: its rights, which root does not heed
    if ($kind eq 'sqlite') {
        $d = { connection => 'sqlite:////dev/null/g.sqlite' };
        manage_is($d, 1, qr/^ERROR: .*cannot open/m, 'sync', 'db', 'sync');
        return;
    }

    my $wrong = { connection => $d->{connection} =~ s/g1%40nce/g1%40ncx/r };

    manage_is($wrong, 1, qr/^ERROR: .*denied/mi, 'sync', 'db', 'sync');
});


check('usage' => sub {
    my $d = { connection => 'sqlite:////nonexistent/x' };

    for my $words ([], ['db'], ['db', 'nonsense'], ['sync'],
                   ['db', 'version', 'x'], ['db', 'sync', 'a', 'b'],
                   ['--no-such-option'])
    {
        manage_is($d, 2, qr/^Usage: glance-manage/m, "\"@$words\"", @$words);
    }

    manage_is($d, 2, qr/must be an integer/, 'age', 'db', 'purge',
              '--age-in-days', '3d');
    manage_is($d, 1, qr/^ERROR: --age-in-days/m, 'negative age', 'db',
              'purge', '--age-in-days=-1');
    manage_is($d, 1, qr/^ERROR: --max-rows/m, 'negative rows', 'db', 'purge',
              '--max-rows=-2');
    manage_is($d, 0, qr/db purge_images_table/, 'help', '--help');
    manage_is($d, 0, qr/^glance-manage \d/, 'version', '--version');
});


# S-22: where the connection is looked for

sub run_in {
    my ($dir, @arguments) = @_;

    return run_command([ $Program, @arguments ], dir => $dir,
                       env => { HOME => "$dir/home" });
}


check('S-22 the configuration is searched' => sub {
    my $dir = temp_dir();

    my ($status, $text);

    SKIP: {
        my ($machine) = grep { -e } map { ("/etc/glance/$_", "/etc/$_") }
                        qw/ glance-api.conf glance-registry.conf /;
        skip("this machine has $machine", 2) if $machine;

        ($status, $text) = run_in($dir, 'db', 'version');

        is($status, 1, 'no configuration: 1');
        like($text, qr/^ERROR: Unable to locate any configuration file/,
             'why');
    }

    mkdir("$dir/home");
    mkdir("$dir/home/.glance");
    write_file("$dir/home/.glance/glance-api.conf",
               "[database]\nconnection = sqlite:///$dir/api.sqlite\n");

    ($status, $text) = run_in($dir, 'db', 'sync');
    is($status, 0, 'glance-api.conf') or diag($text);
    ok(-e "$dir/api.sqlite", 'its [database] connection');

    write_file("$dir/glance-registry.conf",
               "sql_connection = sqlite:///$dir/registry.sqlite\n");
    run_in($dir, 'db', 'sync');
    ok(-e "$dir/registry.sqlite", 'glance-registry.conf before it');

    write_file("$dir/home/.glance/glance-manage.conf", "debug = False\n");
    ($status, $text) = run_in($dir, 'db', 'sync');
    like($text, qr/registry\.sqlite/,
         'a file without a connection is passed over');

    write_file("$dir/home/.glance/glance-manage.conf",
               "[database]\nconnection = sqlite:///$dir/manage.sqlite\n");
    run_in($dir, 'db', 'sync');
    ok(-e "$dir/manage.sqlite", 'glance-manage.conf before all');

    write_file("$dir/other", "sql_connection = sqlite:///$dir/other.db\n");
    run_in($dir, '--config-file', "$dir/other", 'db', 'sync');
    ok(-e "$dir/other.db", '--config-file');

    ($status, $text) = run_in($dir, '--config-file', "$dir/none", 'db',
                              'sync');
    is($status, 1, 'a file that is not there: 1');
});


done_testing();

package Glance::Foreign;

# Copyright (C) ngx_glance authors

# A database as "db sync" of a Python Glance leaves it: the tables of its
# releases, with nothing of ours; and rows as that Glance writes them.

use warnings;
use strict;

use Exporter qw/ import /;

our @EXPORT_OK = qw/ create_glance_tables glance_image /;


# name => [columns]; "!" stands for NOT NULL, "*" for the generated key

my %Tables = (
    images => [
        'id varchar(36)! PRIMARY KEY', 'name varchar(255)', 'size bigint',
        'status varchar(30)!', 'created_at datetime!', 'updated_at datetime',
        'deleted_at datetime', 'deleted tinyint(1)!',
        'disk_format varchar(20)', 'container_format varchar(20)',
        'checksum varchar(32)', 'owner varchar(255)', 'min_disk int!',
        'min_ram int!', 'protected tinyint(1)! DEFAULT 0',
        'virtual_size bigint',
        "visibility enum('private','public','shared','community')!"
            . " DEFAULT 'shared'",
        'os_hidden tinyint(1)! DEFAULT 0', 'os_hash_algo varchar(64)',
        'os_hash_value varchar(128)', 'CHECK (deleted in (0,1))',
        'CHECK (protected in (0,1))',
    ],
    image_properties => [
        '*', 'image_id varchar(36)!', 'name varchar(255)!', 'value text',
        '+', 'FOREIGN KEY (image_id) REFERENCES images (id)',
        'CONSTRAINT ix_image_properties_image_id_name UNIQUE'
            . ' (image_id, name)',
    ],
    image_locations => [
        '*', 'image_id varchar(36)!', 'value text!', '+', 'meta_data text',
        "status varchar(30)! DEFAULT 'active'",
        'FOREIGN KEY (image_id) REFERENCES images (id)',
    ],
    image_members => [
        '*', 'image_id varchar(36)!', 'member varchar(255)!',
        'can_share tinyint(1)!', '+',
        "status varchar(20)! DEFAULT 'pending'",
        'FOREIGN KEY (image_id) REFERENCES images (id)',
        'CONSTRAINT image_members_image_id_member_deleted_at_key UNIQUE'
            . ' (image_id, member, deleted_at)',
    ],
    image_tags => [
        '*', 'image_id varchar(36)!', 'value varchar(255)!', '+',
        'FOREIGN KEY (image_id) REFERENCES images (id)',
    ],
    tasks => [
        'id varchar(36)! PRIMARY KEY', 'type varchar(30)!',
        'status varchar(30)!', 'owner varchar(255)!', 'expires_at datetime',
        '+', 'image_id varchar(36)', 'request_id varchar(64)',
        'user_id varchar(64)',
    ],
    task_info => [
        'task_id varchar(36)! PRIMARY KEY', 'input text', 'result text',
        'message text', 'FOREIGN KEY (task_id) REFERENCES tasks (id)',
    ],
    metadef_namespaces => [
        '*', 'namespace varchar(80)!', 'display_name varchar(80)',
        'description text', 'visibility varchar(32)',
        'protected tinyint(1)', 'owner varchar(255)!', 'created_at datetime!',
        'updated_at datetime',
        'CONSTRAINT uq_metadef_namespaces_namespace UNIQUE (namespace)',
    ],
    node_reference => [
        'node_reference_id', 'node_reference_url varchar(255)!',
        'CONSTRAINT uq_node_reference_node_reference_url UNIQUE'
            . ' (node_reference_url)',
    ],
    cached_images => [
        '*', 'image_id varchar(36)!', 'last_accessed datetime!',
        'last_modified datetime!', 'size bigint!', 'hits int!',
        'checksum varchar(32)', 'node_reference_id bigint!',
    ],
    alembic_version => [ 'version_num varchar(32)! PRIMARY KEY' ],
);

my @Order = qw/
    images image_properties image_locations image_members image_tags tasks
    task_info metadef_namespaces node_reference cached_images alembic_version
/;

my %Indexes = (
    checksum_image_idx => 'images (checksum)',
    ix_images_deleted => 'images (deleted)',
    owner_image_idx => 'images (owner)',
    created_at_image_idx => 'images (created_at)',
    updated_at_image_idx => 'images (updated_at)',
    visibility_image_idx => 'images (visibility)',
    os_hidden_image_idx => 'images (os_hidden)',
    os_hash_value_image_idx => 'images (os_hash_value)',
    ix_image_properties_deleted => 'image_properties (deleted)',
    ix_image_properties_image_id => 'image_properties (image_id)',
    ix_image_locations_deleted => 'image_locations (deleted)',
    ix_image_locations_image_id => 'image_locations (image_id)',
    ix_image_members_deleted => 'image_members (deleted)',
    ix_image_members_image_id => 'image_members (image_id)',
    ix_image_members_image_id_member => 'image_members (image_id, member)',
    ix_image_tags_image_id => 'image_tags (image_id)',
    ix_image_tags_image_id_tag_value => 'image_tags (image_id, value)',
    ix_tasks_deleted => 'tasks (deleted)',
    ix_tasks_updated_at => 'tasks (updated_at)',
);


# revisions: the rows of alembic_version; drop => ["table.column", ..] and
# without => [tables] for older releases

sub create_glance_tables {
    my ($d, $revisions, %o) = @_;

    my $mysql = $d->{kind} eq 'mysql';
    my %without = map { $_ => 1 } @{$o{without} || []};
    my %drop = map { $_ => 1 } @{$o{drop} || []};
    my $sql = '';

    for my $table (grep { !$without{$_} } @Order) {
        my @columns = map { column($_, $mysql) } @{$Tables{$table}};

        @columns = grep { !/^(\w+)/ || !$drop{"$table.$1"} } @columns;

        # constraints come last
        @columns = ((grep { !/^[A-Z]/ } @columns),
                    (grep { /^[A-Z]/ } @columns));
        $sql .= "CREATE TABLE $table (" . join(', ', @columns) . ')'
                . ($mysql ? ' ENGINE=InnoDB DEFAULT CHARSET=utf8' : '')
                . ";\n";
    }

    for my $name (sort keys %Indexes) {
        my ($table, $column) = $Indexes{$name} =~ /^(\w+) \((\w+)/;

        next if $without{$table} || $drop{"$table.$column"};
        $sql .= "CREATE INDEX $name ON $Indexes{$name};\n";
    }

    $sql .= "INSERT INTO alembic_version VALUES ('$_');\n" for @$revisions;

    $d->query($sql);
}


sub column {
    my ($text, $mysql) = @_;

    return $mysql ? 'id int NOT NULL AUTO_INCREMENT PRIMARY KEY'
                  : 'id INTEGER NOT NULL PRIMARY KEY' if $text eq '*';

    return ('created_at datetime NOT NULL', 'updated_at datetime',
            'deleted_at datetime', 'deleted tinyint(1) NOT NULL',
            'CHECK (deleted in (0,1))') if $text eq '+';

    return $mysql ? "$text bigint NOT NULL AUTO_INCREMENT PRIMARY KEY"
                  : "$text INTEGER NOT NULL PRIMARY KEY"
        if $text eq 'node_reference_id';

    $text =~ s/!/ NOT NULL/;

    if (!$mysql) {
        $text =~ s/enum\([^)]*\)/varchar(9)/;
        $text =~ s/tinyint\(1\)/BOOLEAN/;
    }

    return $text;
}


# glance_image($d, id => .., set => { column => SQL }, locations => [url]):
# an active public image of Python's, which writes microseconds to SQLite

sub glance_image {
    my ($d, %o) = @_;

    my $time = $d->{kind} eq 'mysql' ? "'2024-05-01 10:00:00'"
                                     : "'2024-05-01 10:00:00.123456'";
    my %row = (
        id => "'$o{id}'", name => "'image of Glance'", size => 3,
        status => "'active'", created_at => $time, updated_at => $time,
        deleted => 0, disk_format => "'raw'", container_format => "'bare'",
        min_disk => 0, min_ram => 0, protected => 0,
        visibility => "'public'", os_hidden => 0, owner => "'project'",
        %{$o{set} || {}},
    );
    my @names = sort keys %row;

    $d->query('INSERT INTO images (' . join(', ', @names) . ') VALUES ('
              . join(', ', map { $row{$_} } @names) . ')');

    for my $url (@{$o{locations} || []}) {
        $d->query('INSERT INTO image_locations (image_id, value, created_at,'
                  . ' deleted, meta_data, status) VALUES'
                  . " ('$o{id}', '$url', $time, 0, '{}', 'active')");
    }

    for my $name (sort keys %{$o{properties} || {}}) {
        $d->query('INSERT INTO image_properties (image_id, name, value,'
                  . " created_at, deleted) VALUES ('$o{id}', '$name',"
                  . " '$o{properties}{$name}', $time, 0)");
    }
}


1;

#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# API v2: the schemas that clients build their models from, and what else
# there is to be known of the service (specs: v2/02 2.9, v2/05 5.4, 5.6).
# Descriptions are for people; all else is a contract.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;

use Glance::Test;
use Glance::V2;

my ($true, $false) = (JSON::PP::true, JSON::PP::false);

my @string = (type => 'string');
my @text = (type => [ 'null', 'string' ]);
my @ro = (readOnly => $true);
my @custom = (is_base => $false);
my @uuid = (pattern => '^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}'
                       . '-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}'
                       . '-([0-9a-fA-F]){12}$');


sub image_schema {
    my (%o) = @_;

    my $validation = {
        type => 'object', writeOnly => $true, additionalProperties => $false,
        properties => {
            checksum => { @string, minLength => 32, maxLength => 32 },
            os_hash_algo => { @string, maxLength => 64 },
            os_hash_value => { @string, maxLength => 128 },
        },
        required => [ 'os_hash_algo', 'os_hash_value' ],
    };

    my $locations = {
        type => 'array',
        items => {
            type => 'object',
            properties => { url => { @string, maxLength => 255 },
                            metadata => { type => 'object' },
                            validation_data => $validation },
            required => [ 'url', 'metadata' ],
        },
    };

    return {
        name => 'image',
        properties => {
            id => { @string, @uuid },
            name => { @text, maxLength => 255 },
            status => { @string, @ro, enum => [ qw/
                queued saving active killed deleted uploading importing
                pending_delete deactivated / ] },
            visibility => { @string, enum => [ qw/
                community public private shared / ] },
            protected => { type => 'boolean' },
            os_hidden => { type => 'boolean' },
            checksum => { @text, @ro, maxLength => 32 },
            os_hash_algo => { @text, @ro, maxLength => 64 },
            os_hash_value => { @text, @ro, maxLength => 128 },
            owner => { @text, maxLength => 255 },
            size => { type => [ 'null', 'integer' ], @ro },
            virtual_size => { type => [ 'null', 'integer' ], @ro },
            container_format => { @text, enum => [
                undef, @{$o{container} || [ qw/
                    ami ari aki bare ovf ova docker compressed / ]} ] },
            disk_format => { @text, enum => [ undef, @{$o{disk} || [ qw/
                ami ari aki vhd vhdx vmdk raw qcow2 vdi iso ploop / ]} ] },
            created_at => { @string, @ro },
            updated_at => { @string, @ro },
            tags => { type => 'array', items => { @string,
                                                  maxLength => 255 } },
            direct_url => { @string, @ro },
            min_ram => { type => 'integer' },
            min_disk => { type => 'integer' },
            self => { @string, @ro },
            file => { @string, @ro },
            schema => { @string, @ro },
            locations => $locations,
            kernel_id => { @text, @uuid, @custom },
            ramdisk_id => { @text, @uuid, @custom },
            (map { $_ => { @string, @custom } } qw/
                instance_uuid architecture os_distro os_version description
                cinder_encryption_key_id /),
            cinder_encryption_key_deletion_policy => { @string, @custom,
                enum => [ qw/ on_image_deletion do_not_delete / ] },
        },
        additionalProperties => { @string },
        links => [ { rel => 'self', href => '{self}' },
                   { rel => 'enclosure', href => '{file}' },
                   { rel => 'describedby', href => '{schema}' } ],
    };
}


sub images_schema {
    return {
        name => 'images',
        properties => { images => { type => 'array',
                                    items => image_schema(@_) },
                        map { $_ => { @string } } qw/ first next schema / },
        links => [ { rel => 'first', href => '{first}' },
                   { rel => 'next', href => '{next}' },
                   { rel => 'describedby', href => '{schema}' } ],
    };
}


sub member_schema {
    return {
        name => 'member',
        properties => {
            member_id => { @string }, image_id => { @string, @uuid },
            created_at => { @string }, updated_at => { @string },
            status => { @string, enum => [ qw/
                pending accepted rejected / ] },
            schema => { @string, @ro },
        },
    };
}


sub members_schema {
    return {
        name => 'members',
        properties => { members => { type => 'array',
                                     items => member_schema() },
                        schema => { @string } },
        links => [ { rel => 'describedby', href => '{schema}' } ],
    };
}


# of tasks and metadata definitions

sub task_schema {
    my (@without) = @_;

    my %properties = (
        id => { @string, @uuid },
        type => { @string, enum => [ qw/
            import api_image_import location_import / ] },
        status => { @string, enum => [ qw/
            pending processing success failure / ] },
        (map { $_ => { type => [ 'null', 'object' ] } } qw/ input result /),
        (map { $_ => { @string } } qw/ owner message image_id request_id
                                       user_id created_at updated_at /),
        expires_at => { @text }, self => { @string, @ro },
        schema => { @string, @ro },
    );

    delete @properties{@without};

    return { name => 'task', properties => \%properties };
}


sub tasks_schema {
    return {
        name => 'tasks',
        properties => {
            tasks => { type => 'array',
                       items => task_schema(qw/ input result message /) },
            schema => { @string },
        },
        links => [ { rel => 'describedby', href => '{schema}' } ],
    };
}


sub ref_to { return { '$ref' => "#/definitions/$_[0]" } }

sub array_of { return { type => 'array', items => $_[0], @_[1 .. $#_] } }


# keys of a metadata definition

sub definition {
    my (%more) = @_;

    my @time = (@string, @ro, format => 'date-time');

    return { created_at => { @time }, updated_at => { @time }, %more };
}


sub property_fields {
    my $type = { @string, enum => [ qw/
        array boolean integer number object string /, undef ] };

    return {
        name => { @string, maxLength => 80 }, title => { @string },
        description => { @string }, operators => array_of({ @string }),
        type => $type, required => ref_to('stringArray'),
        minimum => { type => 'number' }, maximum => { type => 'number' },
        (map { ("max$_" => ref_to('positiveInteger'),
                "min$_" => ref_to('positiveIntegerDefault0')) }
         qw/ Length Items /),
        pattern => { @string, format => 'regex' },
        enum => { type => 'array' }, readonly => { type => 'boolean' },
        default => {}, uniqueItems => { type => 'boolean',
                                        default => $false },
        items => { type => 'object', properties => {
            type => $type, enum => { type => 'array' } } },
        additionalItems => { type => 'boolean' },
    };
}


sub metadefs_schemas {
    my @name = (@string, maxLength => 80);
    my @closed = (additionalProperties => $false);

    my %definitions = (
        positiveInteger => { type => 'integer', minimum => 0 },
        positiveIntegerDefault0 => { allOf => [
            ref_to('positiveInteger'), { default => 0 } ] },
        stringArray => array_of({ @string }, uniqueItems => $true),
    );
    my %some = (%definitions, stringArray => array_of({ @string },
                uniqueItems => $true, minItems => 1));

    $definitions{property} = {
        type => 'object', additionalProperties => {
            type => 'object', required => [ 'title', 'type' ],
            properties => property_fields() },
    };

    my $namespace = {
        name => 'namespace', @closed, required => [ 'namespace' ],
        properties => definition(
            namespace => { @name }, display_name => { @name },
            description => { @string, maxLength => 500 },
            visibility => { @string, enum => [ 'public', 'private' ] },
            protected => { type => 'boolean' },
            owner => { @string, maxLength => 255 },
            self => { @string, @ro }, schema => { @string, @ro },
            resource_type_associations => array_of({
                type => 'object', properties => { map { $_ => { @string } }
                    qw/ name prefix properties_target / } }),
            properties => ref_to('property'),
            objects => array_of({ type => 'object', properties => {
                name => { @string }, description => { @string },
                required => ref_to('stringArray'),
                properties => ref_to('property') } }),
            tags => array_of({ type => 'object', properties => {
                name => { @string } } })),
    };

    my $object = {
        name => 'object', @closed, required => [ 'name' ],
        properties => definition(
            name => { @name }, description => { @string },
            required => ref_to('stringArray'),
            properties => ref_to('property'),
            self => { @string, @ro }, schema => { @string, @ro }),
    };

    my $property = { name => 'property', @closed,
                     properties => property_fields() };
    my $tag = { name => 'tag', @closed, required => [ 'name' ],
                properties => definition(name => { @name }) };
    my $type = { name => 'resource_type_association', @closed,
                 required => [ 'name' ],
                 properties => definition(map { $_ => { @name } } qw/
                     name prefix properties_target /) };

    my $page = sub {
        my ($name, $items, %more) = @_;

        my $properties = images_schema()->{properties};
        delete $properties->{images};

        return { name => $name, links => images_schema()->{links}, %more,
                 properties => { %$properties, $name => $items } };
    };

    return (
        namespace => { %$namespace, definitions => \%definitions },
        namespaces => $page->('namespaces', array_of($namespace),
                              definitions => \%definitions),
        object => { %$object, definitions => \%definitions },
        objects => $page->('objects', array_of($object),
                           definitions => \%definitions),
        property => { %$property, definitions => \%some,
                      required => [ 'type', 'title', 'name' ] },
        properties => $page->('properties', {
            type => 'object', additionalProperties => { %$property,
                required => [ 'type', 'title' ] } }, definitions => \%some),
        tag => $tag, tags => $page->('tags', array_of($tag)),
        resource_type => $type,
        resource_types => $page->('resource_type_associations',
                                  array_of($type)),
    );
}


# a property may be called "description", too

sub bare {
    my ($data) = @_;

    return [ map { bare($_) } @$data ] if ref $data eq 'ARRAY';
    return $data if ref $data ne 'HASH';

    return { map { $_ => bare($data->{$_}) }
             grep { $_ ne 'description' || ref $data->{$_} } keys %$data };
}


# names of attributes that nothing is said of

sub silent {
    my ($schema) = @_;

    my $properties = $schema->{properties};

    return join(' ', grep { ($properties->{$_}{description} // '') eq '' }
                     sort keys %$properties);
}


for_each_v2(sub {
    my ($v2) = @_;

    check('schemas' => sub {
        my %want = (image => image_schema(), images => images_schema(),
                    member => member_schema(), members => members_schema(),
                    task => task_schema(), tasks => tasks_schema());

        my %metadefs = metadefs_schemas();

        $want{"metadefs/$_"} = $metadefs{$_} for keys %metadefs;

        for my $name (sort keys %want) {
            my $r = $v2->ask('p1', 'GET', "/schemas/$name");

            status_is($r, 200, $name);
            has_header($r, 'Content-Type', 'application/json');
            is_deeply(bare($r->json()), $want{$name}, 'its contract');
            is($v2->ask('p1/other', 'GET', "/schemas/$name")->{body},
               $r->{body}, 'whatever the role');
        }

        is(silent($v2->ask('p1', 'GET', '/schemas/image')->json()), '',
           'each attribute of an image is described');

        fault_is($v2->ask('p1', 'GET', "/schemas/$_"), 404,
                 'The resource could not be found.')
            for 'nope', 'namespace', 'image/image', 'imagess', '',
                'metadefs', 'metadefs/', 'metadefs/image', 'metadefs/tag/x';
        has_header(fault_is($v2->ask('p1', 'POST', '/schemas/image'), 405,
                            'not allowed'), 'Allow', 'GET');
        fault_is($v2->ask('p1', 'GET', "/schemas/$_", body => 'x'), 400,
                 'A body is not expected with this request.')
            for 'image', 'metadefs/tag';
    });

    check('what there is' => sub {
        my $import = $v2->ask('p1/other', 'GET', '/info/import');

        status_is($import, 200);
        is_deeply(bare($import->json()),
                  { 'import-methods' => { type => 'array', value => [] } },
                  'no way to import yet');

        fault_is($v2->ask($_, 'GET', '/info/stores'), 404,
                 'Multi backend is not supported at this site.')
            for 'p1', 'root/admin';
        fault_is($v2->ask($_, 'GET', '/info/stores/detail'), 404,
                 'Multi backend is not supported at this site.')
            for 'p1/service', 'root/admin';
        fault_is($v2->ask('p1', 'GET', '/info/stores/detail'), 403,
                 'stores_info_detail');
        is($v2->ask('p1', 'GET', '/info/usage')->{body}, '{"usage": {}}',
           'no limits of Keystone');

        fault_is($v2->ask('p1', 'GET', "/info/$_", body => 'x'), 400,
                 'A body is not expected with this request.')
            for qw/ import stores usage /;
        fault_is($v2->ask('p1', 'GET', '/info'), 404, 'could not be found');
        fault_is($v2->ask('p1', 'PUT', '/info/usage'), 404,
                 'could not be found');
    });

    check('tasks of an image, which a Python Glance left' => sub {
        my $db = $v2->{db};
        my $id = $v2->create('p1')->{id};
        my $task = 'a0a0a0a0-0000-4000-8000-';

        is($v2->ask('p1', 'GET', "/images/$id/tasks")->{body},
           '{"tasks": []}', 'none');

        $db->query("INSERT INTO tasks (id, type, status, owner, expires_at,
            created_at, updated_at, deleted, image_id, request_id, user_id)
            VALUES ('${task}000000000001', 'api_image_import', 'failure',
            'p1', '2026-11-24 12:04:12', '2026-11-22 12:04:12',
            '2026-11-22 12:04:13', 0, '$id', 'req-1', 'u1'),
            ('${task}000000000002', 'api_image_import', 'success', 'p1',
            NULL, '2026-11-23 00:00:00', NULL, 0, '$id', NULL, NULL),
            ('${task}000000000003', 'api_image_import', 'success', 'p1',
            NULL, '2026-11-24 00:00:00', NULL, 1, '$id', NULL, NULL)");
        $db->query("INSERT INTO task_info (task_id, input, result, message)
            VALUES ('${task}000000000001',
            '{\"image_id\": \"x\", \"backend\": [null]}', NULL,
            'no \"luck\"')");

        my $r = $v2->ask('p1/reader', 'GET', "/images/$id/tasks");

        status_is($r, 200);

        my $tasks = $r->json()->{tasks};

        is(join(' ', map { substr($_->{id}, -1) } @$tasks), '2 1',
           'the newest first');
        is_deeply($tasks->[1], {
            id => "${task}000000000001", type => 'api_image_import',
            status => 'failure', owner => 'p1',
            expires_at => '2026-11-24T12:04:12.000000',
            created_at => '2026-11-22T12:04:12.000000',
            updated_at => '2026-11-22T12:04:13.000000',
            deleted_at => undef, deleted => $false, image_id => $id,
            request_id => 'req-1', user_id => 'u1',
            input => { image_id => 'x', backend => [ undef ] },
            result => undef, message => 'no "luck"',
        }, 'all of it');

        fault_is($v2->ask('p2', 'GET', "/images/$id/tasks"), 404,
                 "No image found with ID $id");
        fault_is($v2->ask('p1/service', 'GET', "/images/$id/tasks"), 404,
                 'could not be found');
        fault_is($v2->ask('p1', 'POST', "/images/$id/tasks"), 404,
                 'could not be found');
    });
});

for_each_v2(sub {
    my ($v2) = @_;

    my %formats = (disk => [ qw/ raw gpt / ], container => [ 'bare' ]);

    is_deeply(bare($v2->ask('p1', 'GET', '/schemas/images')->json()),
              images_schema(%formats), 'the formats that are configured');

    my $id = $v2->create('p1', { disk_format => 'gpt' })->{id};

    status_is($v2->patch('p1', $id, replace(disk_format => 'raw')), 200,
              'one of them');
    fault_is($v2->patch('p1', $id, replace(disk_format => 'iso')), 400,
             'not one of raw, gpt for disk_format');
}, 'image_format/disk_formats' => 'raw, gpt',
   'image_format/container_formats' => 'bare');

done_testing();

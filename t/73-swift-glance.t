#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# Images that Glance's own store driver has written to Swift are served and
# removed by us, and ours by it.  Its locations name another user than ours.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Swift;
use Glance::Test;


plan(skip_all => Glance::Swift::missing()) if Glance::Swift::missing();

my ($status) = run_command([ '/usr/bin/python3', '-c',
                             'import glance_store' ]);

plan(skip_all => 'no glance_store (package python3-glance-store)')
    if $status != 0;


# driver.py ADDRESS USER KEY add|get|delete ARGUMENTS

my $driver = write_file(temp_dir() . '/driver.py', <<'PYTHON');
import io, sys
from oslo_config import cfg
import glance_store
address, user, key, verb, first, second = sys.argv[1:]
conf = cfg.ConfigOpts()
glance_store.register_opts(conf)
conf([], project='glance', default_config_files=[])
for name, value in dict(
        stores=['swift'], default_store='swift', swift_store_user=user,
        swift_store_auth_address=address, swift_store_key=key,
        swift_store_auth_version='1', swift_store_container='glance',
        swift_store_create_container_on_put=True,
        swift_store_large_object_size=2,
        swift_store_large_object_chunk_size=1).items():
    conf.set_override(name, value, group='glance_store')
glance_store.create_stores(conf)
if verb == 'add':
    with open(second, 'rb') as f:
        data = f.read()
    print(glance_store.add_to_backend(conf, first, io.BytesIO(data),
                                      len(data), 'swift')[0])
elif verb == 'get':
    chunks, size = glance_store.get_from_backend(first)
    with open(second, 'wb') as f:
        for chunk in chunks:
            f.write(chunk)
else:
    glance_store.delete_from_backend(first)
PYTHON

my $MiB = 1024 * 1024;
my $swift = Glance::Swift->new()->start();
my $file = temp_dir() . '/data';


sub python {
    my ($verb, @arguments) = @_;

    my ($rc, $text) = run_command([ '/usr/bin/python3', $driver,
        $swift->auth_address(), 'test:glance',
        Glance::Swift::key('test:glance'), $verb, @arguments ]);

    is($rc, 0, "glance_store: $verb") or diag($text);

    return (grep { m!^swift\+! } split(/\n/, $text))[0];
}


with_env('sqlite', sub {
    my ($env) = @_;

    for my $size (1000, 3 * $MiB + 7) {
        my $data = noise($size);

        check("S-05 $size bytes written by Glance" => sub {
            my $id = $env->create({}, body => 'x' x $size);
            my $ours = ($env->{database}->query(
                "SELECT value FROM image_locations WHERE image_id = '$id'"))
                [0][0];

            python('delete', $ours, '');
            is_deeply([ $swift->objects() ], [], 'it has removed ours');

            write_file($file, $data);

            my $theirs = python('add', $id, $file);

            $env->{database}->query("UPDATE image_locations
                SET value = '$theirs' WHERE image_id = '$id'");
            is(md5_of($env->request('GET', "/images/$id")->{body}),
               md5_of($data), 'served');

            my $r = $env->request('GET', "/images/$id",
                                  headers => [ Range => 'bytes=990-' ]);
            is(md5_of($r->{body}), md5_of(substr($data, 990)), 'in part');

            status_is($env->request('DELETE', "/images/$id"), 200, 'deleted');
            is_deeply([ $swift->objects() ], [], 'with all its segments');
        });

        check("S-05 $size bytes written by us" => sub {
            my $id = $env->create({}, body => $data);
            my ($row) = $env->{database}->query("SELECT value
                FROM image_locations WHERE image_id = '$id'");

            python('get', $row->[0], $file);
            is(md5_of(read_file($file)), md5_of($data), 'read by Glance');
            status_is($env->request('DELETE', "/images/$id"), 200);
        });
    }
}, nginx => { directives => $swift->directives(
    glance_swift_accounts => $swift->accounts(
        open_locations => JSON::PP::true()),
    glance_swift_large_object_size => '2m',
    glance_swift_large_object_chunk_size => '1m') });


$swift->stop();
done_testing();

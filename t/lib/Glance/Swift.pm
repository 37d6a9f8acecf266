package Glance::Swift;

# Copyright (C) ngx_glance authors

# OpenStack's Swift of the distribution, one of each of its servers, with
# memcached for its tokens.

use warnings;
use strict;

use parent -norequire, 'Glance::Program';

use JSON::PP ();

use Glance::HTTP;
use Glance::Process qw/
    find_program free_port read_file run_command spawn stop_process store_dir
    temp_dir write_file
/;
use Glance::Program;


# ACCOUNT:USER => key
our %Users = (
    'test:tester' => 'te%st/i n"g\\$',
    'test:glance' => 'testing',
    'test:reader' => 'reading',
);

my @Servers = qw/ account container object /;

# one import for all four; swift_dir has to be set before anything is imported
my $Launcher = <<'PYTHON';
import os, sys, signal
import swift.common.utils as utils
etc = sys.argv[1]
utils.set_swift_dir(etc)
utils.eventlet_monkey_patch()
from swift.common import wsgi
from swift.common.ring import RingBuilder
import swift.proxy.server, swift.account.server
import swift.container.server, swift.obj.server
for name, port in (a.split('=') for a in sys.argv[2:]):
    b = RingBuilder(4, 1, 0)
    b.add_dev(dict(region=1, zone=1, ip='127.0.0.1', port=int(port),
                   device='d1', weight=1.0))
    b.rebalance()
    b.get_ring().save('%s/%s.ring.gz' % (etc, name))
pids = []
def stop(*_):
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    os._exit(0)
for name in ('account', 'container', 'object', 'proxy'):
    pid = os.fork()
    if pid == 0:
        sys.argv = ['swift-%s-server' % name]
        os._exit(wsgi.run_wsgi('%s/%s.conf' % (etc, name), name + '-server',
                               verbose=True) or 0)
    pids.append(pid)
    with open('%s/%s.pid' % (etc, name), 'w') as f:
        f.write('%d\n' % pid)
signal.signal(signal.SIGTERM, stop)
os.wait()
stop()
PYTHON


# new(constraints => { max_file_size => .. }; keystone => Glance::Keystone:
# its tokens are good for the accounts KEY_{project id}, too)

sub new {
    my ($class, %o) = @_;

    my $dir = temp_dir();

    my $p = bless {
        %o,
        name => 'swift',
        dir => $dir,
        devices => store_dir(),
        port => free_port(),
        memcached => free_port(),
        ports => { map { $_ => free_port() } @Servers },
        output => "$dir/output.log",
        forbidden => qr/Traceback \(most recent call last\)/,
    }, $class;

    mkdir("$p->{devices}/d1");

    return $p;
}


# why there is none, undef if there is

sub missing {
    for my $name (qw/ proxy account container object /) {
        return "no swift-$name-server (package swift-$name)"
            if !find_program("swift-$name-server");
    }

    return 'no memcached' if !find_program('memcached');
    return;
}


# the same for tokens of Keystone

sub no_middleware {
    my ($status) = run_command([ '/usr/bin/python3', '-c',
                                 'import keystonemiddleware' ]);

    return $status ? 'no keystonemiddleware (python3-keystonemiddleware)'
                   : undef;
}


sub start {
    my ($p) = @_;

    $p->configure();

    my $user = getpwuid($>);

    $p->{memcached_pid} = spawn(name => 'memcached', argv => [
        find_program('memcached'), '-l', '127.0.0.1', '-p', $p->{memcached},
        '-U', 0, '-m', 16, '-t', 1, '-u', $user ]);

    return $p->launch([ '/usr/bin/python3', "$p->{dir}/launch.py",
                        $p->{dir},
                        map { "$_=$p->{ports}{$_}" } @Servers ]);
}


sub stop {
    my ($p, %o) = @_;

    stop_process(delete $p->{memcached_pid});
    delete $p->{token};

    return $p->SUPER::stop(%o);
}


sub configure {
    my ($p) = @_;

    my $user = getpwuid($>);
    my %limits = (max_file_size => 5368709122, %{$p->{constraints} || {}});

    write_file("$p->{dir}/launch.py", $Launcher);
    write_file("$p->{dir}/swift.conf", <<"CONF");
[swift-hash]
swift_hash_path_suffix = s
swift_hash_path_prefix = p
[storage-policy:0]
name = gold
default = yes
[swift-constraints]
@{[ join("\n", map { "$_ = $limits{$_}" } sort keys %limits) ]}
CONF

    my $common = <<"CONF";
[DEFAULT]
bind_ip = 127.0.0.1
user = $user
swift_dir = $p->{dir}
workers = 0
log_udp_host = 127.0.0.1
log_udp_port = 9
CONF

    for my $name (@Servers) {
        write_file("$p->{dir}/$name.conf", <<"CONF");
$common
bind_port = $p->{ports}{$name}
devices = $p->{devices}
mount_check = false
disable_fallocate = true
fallocate_reserve = 0
recon_cache_path = $p->{dir}
[pipeline:main]
pipeline = $name-server
[app:$name-server]
use = egg:swift#$name
CONF
    }

    my $users = join("\n", map {
        my ($account, $name) = split(/:/);
        my $rights = $name eq 'reader' ? '' : ' .admin';
        # tempauth cannot have blanks in a key
        "user_${account}_$name = " . key($_) . $rights
    } sort keys %Users);

    my $plain = join('', map { "[filter:$_]\nuse = egg:swift#$_\n" }
        qw/ catch_errors gatekeeper healthcheck listing_formats bulk tempurl
            copy slo dlo symlink /);

    my ($tokens, $filters) = $p->{keystone}
        ? ('authtoken keystoneauth tempauth', $p->keystone_filters())
        : ('tempauth', '');

    my $pipeline = 'catch_errors gatekeeper healthcheck proxy-logging cache '
        . "listing_formats bulk tempurl s3api $tokens copy slo dlo "
        . 'versioned_writes symlink proxy-logging proxy-server';

    write_file("$p->{dir}/proxy.conf", <<"CONF");
$common
bind_port = $p->{port}
[pipeline:main]
pipeline = $pipeline
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
allow_account_management = true
node_timeout = 5
error_suppression_interval = 0
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:$p->{memcached}
[filter:tempauth]
use = egg:swift#tempauth
user_admin_admin = admin .admin .reseller_admin
$users
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
min_segment_size = 5242880
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_object_versioning = true
[filter:proxy-logging]
use = egg:swift#proxy_logging
$filters$plain
CONF
}


# asked about each token each time

sub keystone_filters {
    my ($p) = @_;

    my $url = "http://127.0.0.1:$p->{keystone}{port}";

    return <<"CONF";
[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
www_authenticate_uri = $url
auth_url = $url
auth_type = password
username = nova
password = nova
project_name = service
user_domain_id = default
project_domain_id = default
interface = public
delay_auth_decision = true
token_cache_time = -1
include_service_catalog = false
[filter:keystoneauth]
use = egg:swift#keystoneauth
reseller_prefix = KEY_
operator_roles = member, service
CONF
}


# keys as a configuration may have them; tempauth splits at blanks

sub key {
    my ($user) = @_;

    return $Users{$user} =~ s/ //gr;
}


sub ready {
    my ($p) = @_;

    for my $port ($p->{port}, values %{$p->{ports}}) {
        my $r = eval { Glance::HTTP->new(port => $port)
                       ->request('GET', '/healthcheck', close => 1,
                                 timeout => 10) };
        return 0 if !$r || !$r->{status};
        return 0 if $port == $p->{port} && $r->{status} != 200;
    }

    return 1;
}


# a server of it: 'object', 'proxy', ..

sub pid_of {
    my ($p, $name) = @_;

    return read_file("$p->{dir}/$name.pid") + 0;
}


sub auth_address {
    my ($p) = @_;

    return "http://127.0.0.1:$p->{port}/auth/v1.0";
}


# what glance_swift_accounts names

sub accounts {
    my ($p, %o) = @_;

    my $file = "$p->{dir}/accounts.json";

    write_file($file, JSON::PP->new->canonical->encode({
        default => 'ref1',
        accounts => { ref1 => {
            auth_address => $p->auth_address(),
            user => 'test:tester',
            key => key('test:tester'),
            %o,
        } },
    }));
    chmod(0600, $file);

    return $file;
}


# what the module needs to know

sub directives {
    my ($p, %o) = @_;

    my %d = (
        glance_default_store => 'swift',
        glance_swift_accounts => $o{glance_swift_accounts}
                                 || $p->accounts(),
        glance_swift_create_container => 'on',
        %o,
    );

    return join("\n            ", map { "$_ $d{$_};" } sort keys %d);
}


# behind the service's back, as an administrator of the account

sub request {
    my ($p, $method, $path, %o) = @_;

    if (!$p->{token}) {
        my $r = Glance::HTTP->new(port => $p->{port})->request(
            'GET', '/auth/v1.0', close => 1,
            headers => [ 'X-Auth-User' => 'test:tester',
                         'X-Auth-Key' => key('test:tester') ]);

        die 'no token of Swift: ' . $r->summary() . "\n"
            if $r->{status} != 200;

        $p->{token} = $r->header('X-Auth-Token');
    }

    return Glance::HTTP->new(port => $p->{port})->request(
        $method, "/v1/AUTH_test/$path", close => 1, %o,
        headers => [ 'X-Auth-Token' => $p->{token}, @{$o{headers} || []} ]);
}


# names of objects

sub objects {
    my ($p, $container) = @_;

    my $r = $p->request('GET', ($container || 'glance') . '?format=json');

    my @names = $r->{status} == 404 ? ()
              : sort map { $_->{name} } @{$r->json()};

    return @names;
}


# everything, and the containers

sub wipe {
    my ($p) = @_;

    my $r = $p->request('GET', '?format=json');

    for my $container (map { $_->{name} } @{$r->json() || []}) {
        $p->request('DELETE', "$container/$_") for $p->objects($container);
        $p->request('DELETE', $container);
    }
}


1;

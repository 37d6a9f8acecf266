package Glance::Keystone;

# Copyright (C) ngx_glance authors

# OpenStack's Keystone of the distribution, with some projects and users, on
# SQLite.  The database is made once and kept in the build directory.

use warnings;
use strict;

use parent -norequire, 'Glance::Program';

use File::Copy ();
use JSON::PP ();
use MIME::Base64 ();

use Glance::HTTP;
use Glance::Process qw/
    find_program free_port read_file run_command temp_dir wait_until
    write_file
/;
use Glance::Program;

# user => [ project, roles ]
my %Users = (
    alice => [ 'alpha', 'member' ],
    anton => [ 'alpha', 'member' ],
    bob => [ 'beta', 'member' ],
    carol => [],
    dora => [ 'gamma', 'member' ],
    emil => [ 'delta', 'member' ],
    glance => [ 'service', 'service' ],
    nova => [ 'service', 'service', 'member' ],
);

# nobody else's: it must not be found in any log
my $Service_password = 'k3y$t0ne "\\';

my $json = JSON::PP->new->utf8->canonical;


# new(expiration => seconds, like => another Keystone: its database and keys)

sub new {
    my ($class, %o) = @_;

    my $dir = temp_dir();

    my $p = bless {
        expiration => 3600,
        %o,
        name => 'keystone',
        dir => $dir,
        base => $o{like} ? $o{like}{base} : $dir,
        port => free_port(),
        output => "$dir/output.log",
        forbidden => qr/DAMN|Segmentation fault|out of memory/,
    }, $class;

    if (!$o{like}) {
        $p->new_keys();

        my $saved = saved();

        make_database($saved) if !-e $saved;
        File::Copy::copy($saved, "$dir/keystone.db")
            or die "copy of \"$saved\" failed: $!\n";
    }

    return $p;
}


# why there is none, undef if there is

sub missing {
    return 'no keystone (package keystone)' if !find_program('keystone-manage');
    return 'no uwsgi for Python (package uwsgi-plugin-python3)'
        if !find_program('uwsgi_python3');
    return 'no sqlite3' if !find_program('sqlite3');
    return;
}


sub password {
    my ($user) = @_;

    return $user eq 'glance' ? $Service_password : $user;
}


# tokens made with other keys are not recognized any more

sub new_keys {
    my ($p) = @_;

    for my $name (qw/ fernet credential /) {
        mkdir("$p->{base}/$name", 0700);

        for my $number (0, 1) {
            open(my $random, '<:raw', '/dev/urandom') or die "urandom: $!\n";
            read($random, my $bytes, 32);

            my $key = MIME::Base64::encode_base64($bytes, '');
            $key =~ tr!+/!-_!;

            my $file = "$p->{base}/$name/$number";
            unlink $file;
            write_file($file, $key);
            chmod(0600, $file);
        }
    }
}


sub start {
    my ($p, %o) = @_;

    @$p{keys %o} = values %o;

    write_file($p->conf(), <<"CONF");
[DEFAULT]
log_file = $p->{dir}/keystone.log
public_endpoint = http://127.0.0.1:$p->{port}
[database]
connection = sqlite:///$p->{base}/keystone.db?timeout=60
[token]
provider = fernet
expiration = $p->{expiration}
[fernet_tokens]
key_repository = $p->{base}/fernet
[fernet_receipts]
key_repository = $p->{base}/fernet
[credential]
key_repository = $p->{base}/credential
[cache]
enabled = true
backend = dogpile.cache.memory_pickle
[identity]
password_hash_rounds = 4
CONF

    return $p->launch([
        find_program('uwsgi_python3'), '--http-socket',
        "127.0.0.1:$p->{port}", '--add-header', 'Connection: close',
        '--wsgi-file', find_program('keystone-wsgi-public'), '--need-app',
        '--processes', 1, '--threads', 1, '--buffer-size', 65535,
        '--die-on-term', '--skip-atexit',
    ], env => { OS_KEYSTONE_CONFIG_FILES => $p->conf() });
}


sub conf {
    my ($p) = @_;

    return "$p->{dir}/keystone.conf";
}


sub ready {
    my ($p) = @_;

    my $r = eval { $p->request('GET', '/v3/', timeout => 10) };

    return $r && $r->{status} == 200;
}


sub request {
    my ($p, $method, $path, %o) = @_;

    $o{headers} ||= [];

    if ($o{json}) {
        $o{body} = $json->encode($o{json});
        push @{$o{headers}}, 'Content-Type' => 'application/json';
    }

    return Glance::HTTP->new(port => $p->{port})
           ->request($method, $path, close => 1, %o);
}


# a new token; scope is the name of a project, '' for none, 'system'

sub token {
    my ($p, $user, $scope) = @_;

    $scope = $user eq 'admin' ? 'admin' : $Users{$user}[0]
        if !defined $scope;

    my %domain = (domain => { id => 'default' });
    my %scope = $scope eq '' ? ()
              : $scope eq 'system' ? (scope => { system => { all => \1 } })
              : (scope => { project => { name => $scope, %domain } });

    my $r = $p->request('POST', '/v3/auth/tokens?nocatalog', json => { auth => {
        identity => { methods => ['password'], password => { user => {
            name => $user, password => password($user), %domain } } },
        %scope } });

    my $token = $r->header('X-Subject-Token');

    die "no token for $user: " . $r->summary() . "\n" if !$token;

    return $token;
}


sub revoke {
    my ($p, $token) = @_;

    my $r = $p->request('DELETE', '/v3/auth/tokens', headers => [
        'X-Auth-Token' => $token, 'X-Subject-Token' => $token ]);

    die 'cannot revoke: ' . $r->summary() . "\n" if $r->{status} != 204;
}


# the id of a project

sub project {
    my ($p, $name) = @_;

    my $r = $p->request('GET', "/v3/projects?name=$name", headers => [
        'X-Auth-Token' => $p->token('admin') ]);

    return $r->json()->{projects}[0]{id};
}


# what a user of the command line has in his environment

sub environment {
    my ($p, $user) = @_;

    return (
        OS_AUTH_URL => "http://127.0.0.1:$p->{port}/v3",
        OS_USERNAME => $user,
        OS_PASSWORD => password($user),
        OS_PROJECT_NAME => $user eq 'admin' ? 'admin' : $Users{$user}[0],
        OS_USER_DOMAIN_ID => 'default',
        OS_PROJECT_DOMAIN_ID => 'default',
    );
}


# the catalogue's address of the image service, or of another type

sub publish {
    my ($p, $url, $type) = @_;

    $type ||= 'image';

    my @headers = ('X-Auth-Token' => $p->token('admin'));
    my $call = sub {
        my ($method, $path, $json) = @_;

        my $r = $p->request($method, $path, headers => [ @headers ],
                            json => $json);

        die 'no entry in the catalogue: ' . $r->summary() . "\n"
            if $r->{status} !~ /^20[01]$/;

        return $r->json();
    };

    if ($p->{endpoint}{$type}) {
        $call->('PATCH', "/v3/endpoints/$p->{endpoint}{$type}",
                { endpoint => { url => $url } });
        return;
    }

    my ($service) = @{$call->('GET', "/v3/services?type=$type")->{services}};

    $service ||= $call->('POST', '/v3/services',
        { service => { type => $type, name => $type } })->{service};

    $p->{endpoint}{$type} = $call->('POST', '/v3/endpoints', { endpoint => {
        service_id => $service->{id}, interface => 'public', url => $url,
        region_id => 'RegionOne' } })->{endpoint}{id};
}


# the file that glance_keystone_credentials names

sub credentials {
    my ($p, %o) = @_;

    my $file = "$p->{dir}/credentials.json";

    return write_credentials($file, user => 'glance',
                             password => $Service_password, %o);
}


sub write_credentials {
    my ($file, %o) = @_;

    my %domain = (domain => { id => 'default' });

    unlink $file;

    my $mask = umask(077);
    write_file($file, $json->encode({ auth => {
        identity => { methods => ['password'], password => { user => {
            name => $o{user}, password => $o{password}, %domain } } },
        scope => { project => { name => 'service', %domain } } } }));
    umask($mask);

    return $file;
}


# the database for all tests

sub saved {
    my ($version) = (run_command([ 'dpkg-query', '-W', '-f', '${Version}',
                                   'keystone' ]))[1] =~ /(\S+)/;
    my $text = join(' ', map { ($_, password($_), @{$Users{$_}}) }
                    sort keys %Users);

    require Digest::MD5;

    return sprintf('%s/keystone-%s.db', Glance::Program::build_dir(),
                   substr(Digest::MD5::md5_hex("$version $text"), 0, 12));
}


sub make_database {
    my ($saved) = @_;

    my $dir = temp_dir();

    my $p = bless { name => 'keystone', dir => $dir, base => $dir,
                    port => free_port(), expiration => 3600,
                    output => "$dir/output.log",
                    forbidden => qr/DAMN/ }, __PACKAGE__;

    $p->new_keys();

    # writes the configuration; without tables it is of no other use
    eval { local $Glance::Process::Patience = 0; $p->start() };
    $p->kill();

    for my $command (
        [ 'db_sync' ],
        [ 'bootstrap', '--bootstrap-password', 'admin',
          '--bootstrap-region-id', 'RegionOne' ])
    {
        my ($status, $text) = run_command([ find_program('keystone-manage'),
            '--config-file', $p->conf(), @$command ]);

        die "keystone-manage @$command failed:\n$text\n" if $status != 0;
    }

    sqlite("$dir/keystone.db", 'PRAGMA journal_mode=WAL');

    $p->start();
    $p->fill();
    $p->stop();

    sqlite("$dir/keystone.db", "VACUUM INTO '$dir/saved.db'");
    sqlite("$dir/saved.db", 'PRAGMA journal_mode=WAL');

    File::Copy::copy("$dir/saved.db", "$saved.$$")
        or die "copy to \"$saved.$$\" failed: $!\n";
    rename("$saved.$$", $saved) or die "rename to \"$saved\" failed: $!\n";
}


sub sqlite {
    my ($file, $sql) = @_;

    my ($status, $text) = run_command([ find_program('sqlite3'), '-batch',
                                        $file, $sql ]);

    die "SQL failed: $sql\n$text\n" if $status != 0;
}


# projects, users and roles

sub fill {
    my ($p) = @_;

    my @headers = ('X-Auth-Token' => $p->token('admin'));

    my $post = sub {
        my ($kind, %o) = @_;

        my $r = $p->request('POST', "/v3/${kind}s", headers => [ @headers ],
                            json => { $kind => { %o } });

        die "no $kind: " . $r->summary() . "\n" if $r->{status} != 201;

        return $r->json()->{$kind}{id};
    };

    my %project = map { $_ => $post->('project', name => $_) }
                  qw/ alpha beta gamma delta service /;

    # it may be there from the start
    eval { $post->('role', name => 'service') };

    my $r = $p->request('GET', '/v3/roles', headers => [ @headers ]);
    my %role = map { $_->{name} => $_->{id} } @{$r->json()->{roles}};

    for my $name (sort keys %Users) {
        my $user = $post->('user', name => $name,
                           password => password($name));
        my ($project, @roles) = @{$Users{$name}};

        for my $role (@roles) {
            my $path = join('/', '/v3/projects', $project{$project}, 'users',
                            $user, 'roles', $role{$role});

            my $grant = $p->request('PUT', $path, headers => [ @headers ]);

            die 'no role: ' . $grant->summary() . "\n"
                if $grant->{status} != 204;
        }
    }
}


1;

#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# S-10, S-22: the deployment guide, typed by root on a machine that has nothing
# of it: names, ports, users and directories are those of README.  The machine
# is a scratch root with a network of its own.

use warnings;
use strict;

use Cwd qw/ abs_path /;
use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Root;
use Glance::Test;

my $guide = 'From glance-api.conf';
my $other = 'In an nginx that serves other sites';
my $tls = 'TLS and HTTP/2';

my ($Root, $mariadb);


if (@ARGV && $ARGV[0] eq 'inside') {
    inside($ARGV[1]);
    exit;
}

{
    my $missing = Glance::Root::missing();

    plan(skip_all => $missing) if $missing;
    plan(skip_all => 'sanitizers are not installed')
        if $ENV{GLANCE_TEST_SANITIZER};
    plan(skip_all => 'it is Debian\'s nginx that is installed')
        if $ENV{NGINX_BIN};
    plan(skip_all => "no $_") for grep { !find_program($_) }
                                  qw/ adduser curl mariadbd openssl /;
}

check('S-10 S-22 in a scratch root' => sub {
    my $dir = temp_dir();
    my ($status, $text) = Glance::Root::inside($dir, abs_path($0), 'inside',
                                               $dir);

    # its lines are those of a subtest
    print $text =~ s/^/    /gmr;

    is($status, 0, 'all of it');
});

done_testing();


###############################################################################

# below here: in the scratch root

# lines for a shell of root, each of which has to succeed

sub types {
    my ($title, $lines) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my ($status, $text) = $Root->run('/bin/sh', '-e', '-c', $lines);

    is($status, 0, $title) or diag($text);

    return $text;
}


sub pastes {
    my ($file, $text) = @_;

    write_file($Root->path($file), $text);
}


# what "make install PREFIX=/usr" brings

sub installed {
    my $build = Glance::Program::build_dir();

    mkdir($Root->path($_)) for qw! /usr/lib/nginx /usr/lib/nginx/modules !;

    my ($status, $text) = run_command([ 'cp', glob("$build/glance-*[a-z]"),
                                        $Root->path('/usr/bin') ]);

    is($status, 0, 'programs') or diag($text);
    ($status, $text) = run_command([ 'cp',
        "$build/ngx_http_glance_module.so",
        $Root->path('/usr/lib/nginx/modules') ]);
    is($status, 0, 'module') or diag($text);
    symlink('/usr/lib/nginx/modules',
            $Root->path('/usr/share/nginx/modules'));
}


# a server, as the distribution starts it

sub database {
    my @common = ('--no-defaults', '--user=mysql', '--datadir=/run/my/data');
    my $argv = [ 'chroot', $Root->{path}, 'mariadbd', @common,
                 '--socket=/run/my/socket', '--bind-address=127.0.0.1',
                 '--port=3306' ];

    types('a database server', "mkdir /run/my\nchown mysql /run/my\n"
          . "mariadb-install-db @common --skip-test-db"
          . ' --auth-root-authentication-method=normal >/dev/null 2>&1');
    $mariadb = spawn(name => 'mariadbd', argv => $argv,
                     env => Glance::Root::environment());

    ok(wait_until(sub {
        ($Root->run('mariadb', '-uroot', '-S/run/my/socket', '-eSELECT 1'))[0]
            == 0
    }), 'it serves');
}


# an upload and a download by curl: its options, and the address of API v1

sub serves {
    my ($title, @curl) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $text = types("$title: an upload", 'curl -sS -H'
        . " 'x-image-meta-name: n' -H 'x-image-meta-disk_format: raw' -H"
        . " 'x-image-meta-container_format: bare' -H 'Content-Type:"
        . " application/octet-stream' --data-binary \@/tmp/image @curl/images");
    my ($id) = $text =~ /"id": "([0-9a-f-]{36})"/;

    like($text, qr/"status": "active"/, "$title: active") or return;
    like(types("$title: a download", "curl -sS @curl/images/$id >/tmp/copy\n"
               . 'cmp /tmp/image /tmp/copy && echo same'), qr/^same$/m,
         "$title: the data");
    return $Root->owner("/var/lib/glance/images/$id") =~ s/:.*//r;
}


# who runs the programs, as far as they run

sub users {
    my $ps = types('ps', 'ps axo user:20,args');

    return join(' ', map { "$_->[1]:$_->[0]" }
                     sort { $a->[1] cmp $b->[1] }
                     map { m!^(\S+)\s+\S*\bglance-(\w+)\s! ? [ $1, $2 ]
                           : /^(\S+)\s+nginx: (worker) process$/
                             ? [ $1, 'nginx' ] : () } split(/\n/, $ps));
}


sub inside {
    my ($dir) = @_;

    $Root = Glance::Root->new($dir);

    # this machine may have a Glance
    types('nothing is there', 'rm -rf /etc/glance /var/lib/glance'
          . ' /var/log/glance; userdel glance 2>/dev/null; mkdir -p'
          . ' /var/log/nginx; head -c 300000 /dev/urandom >/tmp/image');
    installed();
    database();

    types('the user and his directories', readme_block('Deployment', 'sh'));
    pastes('/tmp/sql', readme_block('Deployment', 'sql'));
    types('the database', 'mariadb -uroot -S/run/my/socket </tmp/sql');

    check('S-10 S-22 glance-api.conf' => sub {
        pastes('/etc/glance/glance-registry.conf', readme_block($guide, 'ini'));
        pastes('/etc/glance/glance-api.conf', readme_block($guide, 'ini', 1));
        like(types('as it says', readme_block($guide, 'sh')),
             qr/ 0 unknown, 0 invalid\n.*^Starting glance-scrubber/ms,
             'all are started');

        is(serves('it serves', 'http://127.0.0.1:9292/v1'), 'glance', 'owner');
        like(users(),
             qr/^(?:nginx:glance\ )+registry:glance\ scrubber:glance
                \ worker:glance$/x, 'nobody but nginx\'s master is root');
        types('stopped', 'glance-control all stop');
    });

    check("S-10 S-22 $other" => sub {
        types('the sites', 'mkdir -p /var/www/html /var/www/cloud;'
              . ' echo www >/var/www/html/index.html;'
              . ' echo cloud >/var/www/cloud/index.html');
        pastes('/etc/nginx/nginx.conf', readme_block($other, 'nginx'));
        types('as it says', readme_block($other, 'sh'));
        types('nginx', 'nginx');

        is(serves('it serves', "-H 'Host: cloud.example.com'",
                  'http://127.0.0.1/image/v1'), 'www-data', 'owner');
        is(types('a site', 'curl -sS http://127.0.0.1/'), "www\n",
           'what was there');
        is(types('the other', "curl -sS -H 'Host: cloud.example.com'"
                 . ' http://127.0.0.1/'), "cloud\n", 'beside it');
        like(users(), qr/nginx:www-data registry:glance worker:www-data$/,
             'who does what');
        types('stopped', "nginx -s stop\nglance-control all stop");
    });

    check("S-10 S-22 $tls" => sub {
        types('a certificate', 'openssl req -x509 -newkey rsa:2048 -nodes'
              . ' -keyout /etc/glance/api.key -out /etc/glance/api.crt -days 2'
              . ' -subj /CN=localhost -addext subjectAltName=DNS:localhost'
              . ' 2>/dev/null; chown -R glance: /var/lib/glance/images');

        my @curl = ('--cacert', '/etc/glance/api.crt',
                    'https://localhost:9292/v1');

        pastes('/etc/glance/glance-api.conf', readme_block($guide, 'ini', 1)
               . readme_block($tls, 'ini') =~ s/^\[.*\n//r);
        types('started', 'glance-control all start');
        is(serves('glance-api.conf', @curl), 'glance', 'owner');

        types('only nginx is another one', 'glance-control api stop');
        pastes('/etc/nginx/nginx.conf', readme_block($tls, 'nginx'));
        types('nginx', 'nginx');
        is(serves('nginx.conf', @curl), 'glance', 'owner');
        types('stopped', "nginx -s stop\nglance-control all stop");
    });

    is(types('no complaints', 'grep -hE "ERROR|CRITICAL|\[(alert|emerg|crit)"'
             . ' /var/log/glance/*.log /var/log/nginx/*.log || true'), '',
       'in no log');
    stop_process($mariadb);
    done_testing();
}

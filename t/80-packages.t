#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# S-11: the Debian packages are built, and installed, used, upgraded, removed
# and purged in a scratch root, alone and beside the packages of Debian's own
# Glance.
#
#   GLANCE_TEST_ROOT=DIR    a Debian below the scratch root, not this machine,
#                           with nginx, python3, ucf, and what ngx-glance needs

use warnings;
use strict;

use Cwd qw/ abs_path /;
use FindBin;
use lib "$FindBin::Bin/lib";

use Glance::Test;
use Glance::Debian;
use Glance::Root;

my $top = abs_path("$FindBin::Bin/..");

# of Debian; python3-glance needs a hundred more, which only running it does
my @debian = qw/ glance-common glance-api python3-glance /;

# what those have, too
my @common = qw/ glance-api glance-control glance-manage glance-scrubber /;

my @programs = qw/ api control manage registry scrubber worker /;
my @units = qw/ registry worker scrubber api /;

my ($Root, %Running);


if (@ARGV && $ARGV[0] eq 'inside') {
    inside($ARGV[1]);
    exit;
}

plan(skip_all => 'sanitizers are not packaged')
    if $ENV{GLANCE_TEST_SANITIZER};
plan(skip_all => 'no dpkg-buildpackage here')
    if !find_program('dpkg-buildpackage');

{
    my ($status, $text) = run_command([ 'dpkg-checkbuilddeps' ],
                                      dir => $top);

    plan(skip_all => "a package is missing: $text") if $status != 0;
}


sub slurp_command {
    my (@argv) = @_;

    my ($status, $text) = run_command(\@argv);

    is($status, 0, "@argv[0, 1]") or diag($text);

    return $text;
}


my $build = Glance::Program::build_dir();
my $deb = "$top/$build/deb";
my %packages;

check('S-11: make deb' => sub {

    # the variables of a make that runs the tests are not meant for this one

    my ($status, $text) = run_command(
        [ 'make', '-C', $top, 'packages', "BUILD=$build" ], timeout => 580,
        env => { MAKEFLAGS => undef, MFLAGS => undef, MAKELEVEL => undef });

    is($status, 0, 'built') or diag($text);

    %packages = Glance::Debian::packages($deb);

    is(join(' ', sort grep { !/-dbgsym$/ } keys %packages),
       'libnginx-mod-http-glance ngx-glance', 'the packages') or return;

    my ($version) = read_file("$top/CHANGES")
                    =~ /^Changes with ngx_glance (\S+)$/m;

    like(slurp_command('dpkg-deb', '-f', $packages{$_}, 'Version'),
         qr/^\Q$version\E-\d+$/, "$_: the version of CHANGES")
        for qw/ libnginx-mod-http-glance ngx-glance /;

    my ($abi) = read_file('/usr/share/nginx/src/debian/'
                          . 'libnginx-mod.abisubstvars')
                =~ /^nginx:abi=(\S+)/m;

    like(slurp_command('dpkg-deb', '-f', $packages{'libnginx-mod-http-glance'},
                       'Depends'),
         qr/(?:^|, )\Q$abi\E(?:,|$)/, "the module is bound to $abi");

    SKIP: {
        skip('no lintian here', 1) if !find_program('lintian');

        ($status, $text) = run_command([ 'lintian', '--allow-root',
            '--fail-on', 'error,warning', '--suppress-tags',
            'initial-upload-closes-no-bugs', glob("$deb/*.changes") ]);

        is($status, 0, 'lintian') or diag($text);
    }
});


SKIP: {
    my $missing = !%packages ? 'there are no packages'
                             : Glance::Root::missing();

    skip($missing, 1) if $missing;

    my $dir = temp_dir();
    my ($debian, $why) = Glance::Debian::fetch(@debian, 'dbconfig-common');

    symlink($deb, "$dir/ours");
    symlink($debian, "$dir/debian") if $debian;
    note("Debian's packages: $why") if !$debian;

    check('S-11: in a scratch root' => sub {
        my ($status, $text) = Glance::Root::inside($dir, abs_path($0),
                                                   'inside', $dir);

        # its lines are those of a subtest
        print $text =~ s/^/        /gmr;

        is($status, 0, 'all of it');
    });
}

done_testing();


###############################################################################

# below here: in the scratch root

sub command_ok {
    my ($title, @argv) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my ($status, $text) = $Root->run(@argv);

    is($status, 0, $title) or diag($text);

    return $text;
}


sub dpkg {
    my ($title, @argv) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return command_ok($title, 'dpkg', '--force-unsafe-io', @argv);
}


# files for the root, as it sees them

sub copied {
    my (@files) = @_;

    run_command([ 'cp', @files, $Root->path('/tmp') ]);

    return map { s!.*/!/tmp/!r } @files;
}


sub install {
    my ($title, @files) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return dpkg($title, '-i', copied(@files));
}


sub unit {
    my ($name) = @_;

    return read_file($Root->path("/lib/systemd/system/ngx-glance-$name"
                                 . '.service'));
}


# a stand-in for "systemctl start": what the units say

sub start {
    my (@names) = @_;

    for my $name (@names) {
        my $unit = unit($name);
        my ($user) = $unit =~ /^User=(\w+)$/m;
        my ($run) = $unit =~ /^RuntimeDirectory=(\S+)$/m;
        my ($command) = $unit =~ /^ExecStart=(.*)$/m;

        my $dir = $Root->path("/run/$run");
        mkdir($dir);
        chown($Root->user($user), $dir);

        $Running{$name} = $Root->start($user, [ split(' ', $command) ],
                                       name => $name, log => log_of($name));
    }

    my $worker = $Root->path('/run/ngx-glance/glance-worker.pid');

    wait_until(sub { dead() || get('/images') == 200 && -e $worker });

    is(join(' ', dead()), '', 'all of them live')
        or diag(map { "$_: " . read_file(log_of($_)) } @names);
    is(get('/images'), 200, 'the services answer');
}


sub log_of {
    my ($name) = @_;

    return $Root->path("/tmp/$name.out");
}


sub dead {
    return grep { !alive($Running{$_}) } sort keys %Running;
}


sub stop {
    for my $name (reverse @units) {
        my $pid = delete $Running{$name} or next;
        my ($signal) = unit($name) =~ /^KillSignal=SIG(\w+)$/m;

        is(stop_process($pid, signal => $signal || 'TERM'), 0,
           "$name stops at its signal");
    }
}


sub get {
    my ($path, %o) = @_;

    my $http = eval { Glance::HTTP->new(port => 9292, %o) } or return 0;

    return eval { $http->request('GET', $path, close => 1)->{status} } || 0;
}


sub download_ok {
    my ($id, $data, %o) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $r = Glance::HTTP->new(port => 9292, %o)
            ->request('GET', "/images/$id", close => 1);
    status_is($r, 200, "image $id");
    ok($r->{body} eq $data, 'its data');
}


sub upload {
    my ($data, %o) = @_;

    my $r = Glance::HTTP->new(port => 9292, %o)->request('POST', '/images',
        body => $data, close => 1,
        headers => [ 'Content-Type' => 'application/octet-stream',
                     'x-image-meta-name' => 'n', 'x-image-meta-type' => 'raw' ]
    );

    status_is($r, 201, 'an upload');

    return $r->json()->{image}{id};
}


sub link_of {
    my ($program) = @_;

    my $text = command_ok("where $program leads", 'readlink', '-f',
                          "/usr/bin/$program");

    chomp $text;

    return $text;
}


sub enabled {
    my ($unit) = @_;

    return $Root->exists("/etc/systemd/system/multi-user.target.wants/"
                         . "ngx-glance-$unit.service");
}


# the same packages, of another version; code may change the files

sub repack {
    my ($file, $version, $code) = @_;

    my $dir = temp_dir();

    run_command([ 'dpkg-deb', '-R', $file, "$dir/package" ]);

    my $control = read_file("$dir/package/DEBIAN/control");

    $control =~ s/^Version: \S+$/Version: $version/m;
    $control =~ s/(libnginx-mod-http-glance \(=) [^)]+/$1 $version/;
    write_file("$dir/package/DEBIAN/control", $control);
    $code->("$dir/package") if $code;

    my $new = "$dir/" . ($file =~ s!.*/([^_]+)_[^_]+!$1_$version!r);

    run_command([ 'dpkg-deb', '-Znone', '-b', "$dir/package", $new ]);

    return $new;
}


sub nothing_left {
    my ($title) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is(join("\n", $Root->changes()), '', $title);

    my $text = read_file($Root->path('/etc/passwd'))
               . read_file($Root->path('/etc/group'));

    unlike($text, qr/^glance:/m, 'no user and no group');
    is(join(' ', glob($Root->path('/var/lib/dpkg/alternatives/glance*'))), '',
       'no alternatives');
    is(join(' ', glob($Root->path('/var/lib/systemd/'
                                  . 'deb-systemd-helper-*/*glance*'))), '',
       'no enabled units');
}


sub inside {
    my ($dir) = @_;

    my %ours = Glance::Debian::packages("$dir/ours");
    my %debian = Glance::Debian::packages("$dir/debian");
    my @ours = @ours{qw/ libnginx-mod-http-glance ngx-glance /};
    my @newer = (repack($ours[0], '99-1'),
                 repack($ours[1], '99-1', \&upgrade_conffile));

    $Root = Glance::Root->new($dir);

    without_debian();
    $Root->settle();

    my $data = noise(300_000);
    my $id;

    check('install' => sub { installed(@ours) });
    check('serve' => sub { $id = served($data) });
    check('upgrade' => sub { upgraded($id, $data, @newer) });
    check('remove and install again' => sub { removed($id, $data, @newer) });

    SKIP: {
        skip("Debian's glance-api is not there", 1) if !%debian;

        check('Debian\'s packages come and go' => sub {
            joined($id, $data, %debian);
        });
    }

    check('purge' => sub {
        stop();
        dpkg('purged', '-P', 'ngx-glance', 'libnginx-mod-http-glance');
        nothing_left('nothing of ours is left');
    });

    SKIP: {
        skip("Debian's glance-api is not there", 1) if !%debian;

        check('Debian\'s packages were there before' => sub {
            beside(\@ours, %debian);
        });
    }

    done_testing();
}


# the machine's own Glance is not in the scratch root

sub without_debian {
    my @there = grep { ($Root->run('dpkg', '--status', $_))[0] == 0 }
                'glance', @debian;

    if (@there) {
        check('Debian\'s packages, which the machine has, are purged' => sub {
            dpkg("@there", '--force-depends', '-P', @there);
        });
    }

    $Root->run('deluser', 'glance') if $Root->user('glance');
    $Root->run('delgroup', 'glance')
        if read_file($Root->path('/etc/group')) =~ /^glance:/m;

    $Root->run('rm', '-rf', '/etc/glance', '/var/lib/glance',
               '/var/log/glance');
}


sub installed {
    my (@files) = @_;

    install('installed', @files);

    command_ok('nothing is missing', 'dpkg', '--audit');
    command_ok("$_: all files are there", 'dpkg', '--verify', $_)
        for qw/ ngx-glance libnginx-mod-http-glance /;

    # the module, in Debian's nginx

    ok($Root->exists('/etc/nginx/modules-enabled/50-mod-http-glance.conf'),
       'the module is enabled');
    command_ok('nginx -t', 'nginx', '-t', '-q');
    like(command_ok('nginx -T', 'nginx', '-T', '-q'),
         qr!^load_module modules/ngx_http_glance_module\.so;$!m,
         'nginx loads it');

    # user, directories, files

    is(join(' ', $Root->user('glance')), '64062 64062',
       'the user number that Debian reserves');
    is($Root->owner('/var/lib/glance'), 'glance:glance 750', 'data');
    is($Root->owner('/var/lib/glance/images'), 'glance:glance 750', 'images');
    is($Root->owner('/var/log/glance'), 'glance:adm 750', 'logs');
    is($Root->owner("/etc/glance/$_"), 'root:glance 640', $_)
        for qw/ glance-api.conf glance-registry.conf /;

    command_ok('the files of /etc/glance are understood', 'glance-manage',
               'config', 'check');

    # programs

    my ($version) = read_file("$top/CHANGES")
                    =~ /^Changes with ngx_glance (\S+)$/m;

    for my $name (@programs) {
        my $file = "/usr/lib/ngx-glance/glance-$name";

        is(link_of("ngx-glance-$name"), $file, 'is ours');
        is(link_of("glance-$name"), $file, 'and so is this');
        is(command_ok("glance-$name --version", "glance-$name", '--version'),
           "glance-$name $version\n", 'its version');

        for my $page ("glance-$name", "ngx-glance-$name") {
            my $text = command_ok("the page $page(8)", 'zcat',
                                  "/usr/share/man/man8/$page.8.gz");

            like($text, qr/^\Q.TH GLANCE\-\E\U$name\E 8 /m, 'of that name');
            like($text, qr/^\\fB\\-h, \\-\\-help\\fR$/m, 'with options');
        }
    }

    # units and log rotation

    ok(enabled($_), "ngx-glance-$_ is enabled") for @units;

    SKIP: {
        skip('no systemd-analyze here', 1)
            if !$Root->exists('/usr/bin/systemd-analyze');

        my $text = command_ok('systemd-analyze verify', 'systemd-analyze',
            '--man=no', 'verify',
            map { "/lib/systemd/system/ngx-glance-$_.service" } @units);

        unlike($text, qr/ngx-glance/, 'no complaint about the units');
    }
}


sub served {
    my ($data) = @_;

    start(@units);

    ok($Root->exists('/var/lib/glance/glance.sqlite'),
       'the database was created');
    is($Root->owner('/var/lib/glance/glance.sqlite') =~ s/ .*//r,
       'glance:glance', 'it is the user\'s');

    my $id = upload($data);

    download_ok($id, $data);
    is($Root->owner("/var/lib/glance/images/$id") =~ s/ .*//r,
       'glance:glance', 'the file is the user\'s');

    like(command_ok('glance-control', 'glance-control', 'all', 'status'),
         qr/(?:is running\.\.\.\n.*){3}/s, 'sees the services');

    my ($nginx) = read_file($Root->path('/run/ngx-glance/glance-api.pid'))
                  =~ /^(\d+)$/;

    my ($uid) = $Root->user('glance');

    like(read_file("/proc/$_/status"), qr/^Uid:\t$uid\t$uid\t$uid\t$uid$/m,
         'nobody is root') for $nginx, children($nginx), values %Running;

    # ExecReload

    my ($reload) = unit('api') =~ /^ExecReload=(.*)$/m;
    my @before = children($nginx);
    my $pid = $Root->start('glance', [ split(' ', $reload) ],
                           log => log_of('reload'));

    is(stop_process($pid, signal => 'CONT'), 0, $reload)
        or diag(read_file(log_of('reload')));

    ok(wait_until(sub { my %now = map { $_ => 1 } children($nginx);
                        !grep { $now{$_} } @before }), 'new workers');
    download_ok($id, $data);

    SKIP: {
        skip('no logrotate here', 1)
            if !$Root->exists('/usr/sbin/logrotate');

        rotated($id, $data);
    }

    sited($data);

    return $id;
}


# Debian's own nginx, with the minimal configuration of README

sub sited {
    my ($data) = @_;

    my ($conf) = read_file("$top/README.md")
        =~ /^## Minimal configuration\n.*?^```nginx\n(.*?)^```$/ms;
    my ($pool) = $conf =~ /^(thread_pool .*;)$/m;
    my ($site) = $conf =~ /^http \{\n(.*)^\}$/ms;

    my %port = (port => 9293);
    my $store = $Root->path('/srv/images');
    my @files = map { $Root->path("/etc/nginx/$_") }
                'modules-enabled/60-pool.conf', 'conf.d/glance.conf';

    $site =~ s/listen 9292;/listen 127.0.0.1:$port{port};/;
    $site =~ s!(glance_file_root\s+)\S+;!$1/srv/images;!;

    write_file($files[0], "$pool\n");
    write_file($files[1], $site);
    mkdir($store);
    chown($Root->user('www-data'), $store);

    my $nginx = $Root->start('root', [ 'nginx', '-g', 'daemon off;' ],
                             log => log_of('nginx'));

    ok(wait_until(sub { !alive($nginx) || get('/images', %port) == 200 })
       && alive($nginx), 'a site of Debian\'s nginx')
        or diag(read_file(log_of('nginx')));

    my $id = upload($data, %port);

    download_ok($id, $data, %port);
    is(-s "$store/$id", length $data, 'its file');
    is(stop_process($nginx, signal => 'QUIT'), 0, 'nginx ends');

    unlink(@files, "$store/$id");
    $Root->run('rm', '-rf', '/srv/images');
}


# "glance-control all start" as one does without systemd

sub controlled {
    my ($id, $data) = @_;

    for my $command (qw/ start status stop /) {
        my $pid = $Root->start('glance', [ 'glance-control', 'all',
                                           $command ],
                               log => log_of('control'));

        is(stop_process($pid, signal => 'CONT'), 0,
           "glance-control all $command")
            or diag(read_file(log_of('control')));

        download_ok($id, $data) if $command ne 'stop';
    }
}


sub rotated {
    my ($id, $data) = @_;

    my @logs = map { "/var/log/glance/$_.log" }
               qw/ api api-access registry scrubber worker /;

    ok($Root->exists($_), $_) for @logs;

    command_ok('logrotate', 'logrotate', '-f', '/etc/logrotate.d/glance');

    ok($Root->exists("$_.1"), "$_ is rotated") for @logs;
    is($Root->owner($logs[1]), 'glance:adm 640', 'the new one');

    # a line in the new file: it was opened anew

    ok(wait_until(sub { get("/images/$id");
                        -s $Root->path($logs[1]) }), 'it is written to');
    is(join(' ', dead()), '', 'all of them live');
}


# a conffile that differs, and one that the administrator has changed

sub upgrade_conffile {
    my ($package) = @_;

    my $file = "$package/etc/logrotate.d/glance";

    write_file($file, read_file($file) . "# new\n");
}


sub upgraded {
    my ($id, $data, @newer) = @_;

    my $conf = $Root->path('/etc/glance/glance-api.conf');

    write_file($conf, read_file($conf) . "# mine\n");

    stop();
    install('upgraded', @newer);
    command_ok('nothing is missing', 'dpkg', '--audit');

    like(read_file($conf), qr/^# mine$/m, 'a changed file is kept');
    like(read_file($Root->path('/etc/logrotate.d/glance')), qr/^# new$/m,
         'a conffile is upgraded');
    ok(enabled($_), "ngx-glance-$_ is enabled") for @units;
    is(link_of('glance-api'), '/usr/lib/ngx-glance/glance-api', 'ours');

    start(@units);
    download_ok($id, $data);
}


sub removed {
    my ($id, $data, @newer) = @_;

    stop();
    controlled($id, $data);
    dpkg('removed', '-r', 'ngx-glance', 'libnginx-mod-http-glance');

    ok(!$Root->exists("/usr/bin/glance-$_"), "no glance-$_") for @programs;
    command_ok('nginx -t', 'nginx', '-t', '-q');
    unlike(command_ok('nginx -T', 'nginx', '-T', '-q'), qr/glance/,
           'nginx does not load the module');
    ok($Root->exists("/var/lib/glance/images/$id"), 'the image is there');
    ok($Root->exists('/etc/glance/glance-api.conf'), 'so is the file');

    install('installed again', @newer);
    ok(enabled($_), "ngx-glance-$_ is enabled") for @units;

    start(@units);
    download_ok($id, $data);
}


# Their dependencies are not there: the files and the scripts of packages are
# what can be in each other's way.

sub install_debian {
    my (%debian) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    dpkg('Debian\'s packages are installed', '--force-depends', '-i',
         copied(@debian{@debian, helpers()}));
}


# what the scripts of those call, unless the machine has it

sub helpers {
    return grep { ($Root->run('dpkg', '--status', $_))[0] != 0 }
           'dbconfig-common';
}


sub is_debians {
    my ($program) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $file = $Root->path("/usr/bin/$program");

    ok(-f $file && !-l $file && read_file($file) =~ /^#! ?\S*python/,
       "$program is Debian's");
}


sub joined {
    my ($id, $data, %debian) = @_;

    my $conf = read_file($Root->path('/etc/glance/glance-api.conf'));
    my @helpers = helpers();

    install_debian(%debian);

    is_debians($_) for @common;
    is(link_of('glance-registry'), '/usr/lib/ngx-glance/glance-registry',
       'what they do not have stays ours');
    is(read_file($Root->path('/etc/glance/glance-api.conf')), $conf,
       'our file is kept');
    download_ok($id, $data);

    stop();
    start(@units);
    download_ok($id, $data);

    SKIP: {
        skip('no logrotate here', 1)
            if !$Root->exists('/usr/sbin/logrotate');

        unlike(command_ok('logrotate', 'logrotate', '-d',
                          '/etc/logrotate.conf'), qr/^error:.*glance/m,
               'no log is rotated twice');
    }

    dpkg('Debian\'s packages are removed', '--force-depends', '-r', @debian);

    is(link_of($_), "/usr/lib/ngx-glance/$_", 'ours again') for @common;
    download_ok($id, $data);

    # their purge takes images and configuration along: put them back

    stop();
    mkdir($Root->path("/tmp/$_")) for qw/ data etc /;
    command_ok('saved', 'cp', '-a', '/var/lib/glance/images',
               '/var/lib/glance/glance.sqlite', '/tmp/data');
    command_ok('saved', 'cp', '-a', '/etc/glance/glance-api.conf',
               '/etc/glance/glance-registry.conf', '/tmp/etc');

    dpkg('Debian\'s packages are purged', '--force-depends', '-P', @debian,
         @helpers);

    # which it forgets
    unlink($Root->path('/etc/glance/glance-image-import.conf'));

    command_ok('put back', 'mkdir', '-p', '/var/lib/glance', '/etc/glance');
    command_ok('put back', 'cp', '-a', '/tmp/data/.', '/var/lib/glance');
    command_ok('put back', 'cp', '-a', '/tmp/etc/.', '/etc/glance');
    command_ok('owned by it', 'install', '-d', '-o', 'glance', '-g', 'glance',
               '/var/lib/glance', '/var/log/glance', '/etc/glance');

    start(@units);
    download_ok($id, $data);
}


sub beside {
    my ($ours, %debian) = @_;

    install_debian(%debian);

    my $image = '/var/lib/glance/images/theirs';
    my $database = '/var/lib/glance/glance.sqlite';
    my @before = map { $Root->owner($_) } qw! /var/lib/glance /etc/glance
                     /etc/glance/glance-api.conf !;

    write_file($Root->path($image), 'theirs');
    write_file($Root->path($database), 'theirs');

    my $said = install('ours are installed', @$ours);

    like($said, qr/glance-api is installed; .* are not started/s,
         'it says what it does not do');
    ok(!enabled($_), "ngx-glance-$_ is not enabled") for @units;
    is_debians($_) for @common;
    is(link_of('ngx-glance-control'), '/usr/lib/ngx-glance/glance-control',
       'ours is there under another name');
    is(join(' ', map { $Root->owner($_) } qw! /var/lib/glance /etc/glance
                     /etc/glance/glance-api.conf !), "@before",
       'owners are as they were');

    dpkg('ours are purged', '-P', 'ngx-glance', 'libnginx-mod-http-glance');

    is_debians($_) for @common;
    command_ok("$_: all files are there", 'dpkg', '--verify', $_)
        for @debian;
    is(read_file($Root->path($_)), 'theirs', "$_ is kept")
        for $image, $database;
    ok($Root->exists('/etc/glance/glance-api.conf'), 'so is their file');
    ok(!$Root->exists('/etc/glance/glance-registry.conf'), 'ours is not');
    ok($Root->user('glance'), 'the user is kept');
    ok(!$Root->exists('/var/lib/ngx-glance'), 'no state of ours');
}

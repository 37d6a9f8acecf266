package Glance::Bench;

# Copyright (C) ngx_glance authors

# What the benchmark compares, side by side on one file system: our service
# as conf/nginx.conf.sample has it, and a stock nginx with the same settings,
# one worker each.

use warnings;
use strict;

use File::Basename ();
use File::Path ();
use JSON::PP ();
use POSIX ();
use Time::HiRes qw/ time /;

use Glance::Database;
use Glance::HTTP;
use Glance::MockKeystone;
use Glance::Nginx;
use Glance::Process qw/
    free_port read_file run_command send_signal spawn store_dir temp_dir
    wait_until
/;
use Glance::Program;
use Glance::Registry;

my $image = 0;


# new(dir => DIRECTORY, tools => DIRECTORY): everything is started

sub new {
    my ($class, %o) = @_;

    File::Path::make_path($o{dir});
    $ENV{TMPDIR} = $o{dir};

    my $b = bless { %o, store => store_dir() }, $class;

    $b->{registry} = Glance::Registry->new(
        database => Glance::Database->new('sqlite'))->start();

    $b->{hello} = Glance::Bench::Hello->new(tools => $o{tools})->start();

    $b->{api} = Glance::Bench::Nginx->new(
        store => $b->{store},
        registries => [ $b->{registry}->address() ],
    )->start();

    $b->{keystone} = Glance::MockKeystone->new()->start();

    # the same with identities, which the same registry believes
    $b->{tokens} = Glance::Bench::Nginx->new(
        store => $b->{store},
        registries => [ $b->{registry}->address() ],
        names => {
            '127.0.0.1:5000' => "127.0.0.1:$b->{keystone}{port}",
            '/etc/glance/keystone.json' => $b->{keystone}->credentials(),
        },
    )->start();

    $b->{stock} = Glance::Bench::Nginx->new(
        store => $b->{store},
        registries => [ "127.0.0.1:$b->{hello}{port}" ],
        stock => 1,
    )->start();

    return $b;
}


# every program ends as it should; what their logs complain about

sub finish {
    my ($b) = @_;

    my @programs = @$b{qw/ api tokens stock registry hello keystone /};
    my @died = map { "$_->{name} died: " . $_->tail() }
               grep { !$_->alive() } @programs;

    $_->stop(signal => $_->{name} eq 'nginx' ? 'QUIT' : 'TERM')
        for @programs;

    my $asked = $b->{keystone}->asked(qr/GET.* good-/);

    push @died, "Keystone was asked $asked times about one token"
        if $asked > 1;

    return (@died, map { $_->complaints() } @programs);
}


# programs of t/bench: what they print

sub tool {
    my ($b, $name, @arguments) = @_;

    my ($status, $text) = run_command([ "$b->{tools}/$name", @arguments ],
                                      timeout => 600);

    die "$name @arguments failed:\n$text\n" if $status != 0;

    return JSON::PP::decode_json($text);
}


# the same at the side of others

sub begin_tool {
    my ($b, $name, @arguments) = @_;

    open(my $pipe, '-|', "$b->{tools}/$name", @arguments)
        or die "$name: $!\n";

    return $pipe;
}


sub end_tool {
    my ($b, $pipe) = @_;

    my $text = join('', <$pipe>);

    close($pipe) or die "a program of the benchmark failed:\n$text\n";

    return JSON::PP::decode_json($text);
}


# load(server, options of t/bench/load.c); every answer must be a good one

sub load {
    my ($b, $server, %o) = @_;

    return checked($b->tool('load', load_arguments($server, %o)), %o);
}


sub load_arguments {
    my ($server, %o) = @_;

    my @headers = @{delete $o{headers} || []};

    return ('--port', $server->{port},
            (map { ("--$_", $o{$_}) } sort keys %o),
            map { ('--header', $_) } @headers);
}


sub checked {
    my ($r, %o) = @_;

    die 'load of ' . ($o{method} || 'GET') . " $o{path}: $r->{bad} of"
        . " $r->{requests} failed, status $r->{status}\n"
        if $r->{bad};

    return $r;
}


# a load that goes on until another, given its pid by "signal", ends it: the
# pid, and a sub that waits for the end and gives the result

sub load_in_background {
    my ($b, $server, %o) = @_;

    my $log = temp_dir() . '/output';
    my $pid = spawn(argv => [ "$b->{tools}/load",
                              '--announce',
                              load_arguments($server, %o, seconds => 600) ],
                    log => $log);

    wait_until(sub { -s $log }) or die "load of $o{path} does not start\n";

    return ($pid, sub {
        send_signal('TERM', $pid);
        wait_until(sub { !Glance::Process::alive($pid) });

        my $text = read_file($log);

        die "load of $o{path} failed: $text\n" if $text !~ /^(\{.*\})$/m;

        return checked(JSON::PP::decode_json($1), %o);
    });
}


# seconds of processor that code takes of the programs, and its result

sub cpu_of {
    my ($code, @programs) = @_;

    my @pids = map { $_->family() } @programs;
    my $before = cpu_seconds(@pids);
    my $result = $code->();

    return (cpu_seconds(@pids) - $before, $result);
}


# user and system, of all threads: in nanoseconds where the kernel has them

sub cpu_seconds {
    my (@pids) = @_;

    my $sum = 0;

    for my $pid (@pids) {
        my @tasks = glob "/proc/$pid/task/*/schedstat";

        for my $file (@tasks) {
            my ($ns) = split ' ', eval { read_file($file) } || '0';
            $sum += $ns / 1e9;
        }

        next if @tasks;

        my $text = read_file("/proc/$pid/stat");
        my @fields = split ' ', substr($text, rindex($text, ')') + 2);

        $sum += ($fields[11] + $fields[12])
                / POSIX::sysconf(POSIX::_SC_CLK_TCK());
    }

    return $sum;
}


# images

sub new_id {
    return sprintf('be9c0000-0000-4000-8000-%08d', $image++);
}


# headers of an upload; "{n}" for each of many

sub upload_headers {
    my ($id) = @_;

    return [ "x-image-meta-id: ${id}{n}", 'x-image-meta-name: bench',
             'x-image-meta-type: raw', 'x-image-meta-is_public: true',
             'Content-Type: application/octet-stream' ];
}


# (ids, what load says): size bytes of each of "streams" images

sub upload {
    my ($b, $size, %o) = @_;

    my $id = new_id();
    my $r = $b->load($b->{api}, method => 'POST', path => '/images',
                     size => $size, headers => upload_headers($id), %o);

    return ([ map { sprintf('%s%04d', $id, $_) }
              0 .. ($o{streams} || 1) - 1 ], $r);
}


sub delete_images {
    my ($b, @ids) = @_;

    for my $id (@ids) {
        my $r = $b->{api}->connect()->request('DELETE', "/images/$id",
                                              close => 1);

        die "cannot delete image $id: " . $r->summary() . "\n"
            if $r->{status} != 200;
    }
}


# seconds until the data of a file are on the disk

sub sync_file {
    my ($b, $path) = @_;

    my $started = time();
    my ($status, $text) = run_command([ 'sync', '-d', $path ],
                                      timeout => 600);

    die "sync failed: $text\n" if $status != 0;

    return time() - $started;
}


# what one run has left for the disk to do does not burden the next

sub settle {
    my ($b) = @_;

    my ($status, $text) = run_command([ 'sync', '-f', $b->{store} ],
                                      timeout => 600);

    die "sync failed: $text\n" if $status != 0;
}


package Glance::Bench::Nginx;

use parent -norequire, 'Glance::Nginx';

use Glance::Process qw/ read_file /;


# The sample is what we advise, so the sample is what is measured.  With names
# of a Keystone, what it has in comments for identities counts.  The stock
# nginx has the same file without the module: its "location /" serves and
# takes the files of the store's directory, the location of the registry
# becomes that of the bare server.  remote => directives of another store;
# passed => a location of the stock nginx.

sub config {
    my ($p) = @_;

    my $text = $p->adapted(read_file(File::Basename::dirname(__FILE__)
                           . '/../../../conf/nginx.conf.sample'));

    $text =~ s/^load_module/daemon off;\n$&/m;
    $text =~ s/^worker_processes\s[^;]*;/worker_processes 1;/m;

    $text = with_keystone($text) if $p->{names};

    if (my $lines = $p->{remote}) {
        $text =~ s/^\s*glance_default_store\s[^;]*;\n/$lines\n/m;
    }

    return $text if !$p->{stock};

    my $passed = $p->{passed} || '';

    my $stock = "root $p->{store};\n            dav_methods PUT;";

    $text =~ s/^\s*(?:load_module\b|glance\w*\b)[^;]*;\n//mg;
    $text =~ s/\$glance_\w+/-/g;
    $text =~ s/\blocation \/ \{/$passed\n location \/ {\n            $stock/;
    $text =~ s/(\blocation) \/_glance_registry\/ \{\s*internal;/$1 \/hello\/ {/;

    return $text;
}


sub with_keystone {
    my ($text) = @_;

    $text =~ s/^\s*glance_identity none;\n//m;
    $text =~ s/^(\s*)# (glance_(?:identity keystone|keystone))/$1$2/mg;
    $text =~ s{^(\s*\#\ location\ /_glance_keystone/.*?^\s*\#\ \})}
              {$1 =~ s/^(\s*)# ?/$1/mgr}smex;

    return $text;
}


package Glance::Bench::Hello;

use parent -norequire, 'Glance::Program';

use Glance::Process qw/ free_port temp_dir /;


sub new {
    my ($class, %o) = @_;

    my $dir = temp_dir();

    return bless {
        %o,
        name => 'hello',
        dir => $dir,
        port => free_port(),
        output => "$dir/output.log",
        forbidden => qr/./,
    }, $class;
}


sub start {
    my ($p) = @_;

    return $p->launch([ "$p->{tools}/hello", $p->{port} ]);
}


sub ready {
    my ($p) = @_;

    my $http = eval { Glance::HTTP->new(port => $p->{port}, timeout => 10) }
               or return 0;

    return $http->request('GET', '/', close => 1)->{status};
}


1;

package Glance::Deploy;

# Copyright (C) ngx_glance authors

# What README tells operators to write and to start.

use warnings;
use strict;

use Exporter qw/ import /;
use File::Basename ();
use File::Path ();
use IO::Socket::UNIX ();

use Glance::Process qw/
    find_program free_port read_file run_command send_signal temp_dir
    wait_until write_file
/;
use Glance::Program;

our @EXPORT_OK = qw/ readme_block /;


# the nth block of a kind ("nginx", "ini", ..) below a heading

sub readme_block {
    my ($heading, $kind, $n) = @_;

    my $text = read_file(File::Basename::dirname(__FILE__)
                         . '/../../../README.md');

    my ($section) = $text =~ /^##+ \Q$heading\E\n(.*?)(?=^##+ |\z)/ms
        or die "README has no \"$heading\"\n";
    my @blocks = $section =~ /^```\Q$kind\E\n(.*?)^```$/msg;

    return $blocks[$n || 0]
           || die "no block $kind below \"$heading\" of README\n";
}


# new(name => .., api => TEXT, registry => TEXT): a node with all programs,
# as glance-control starts them; texts are files of README, with options of
# the test behind them, which count

sub new {
    my ($class, %o) = @_;

    my $dir = temp_dir();

    my $node = bless {
        %o,
        dir => $dir,
        run => "$dir/run",
        port => free_port(),
        registry_port => free_port(),
        forbidden => qr/\[(?:alert|emerg)\]|(?:ERROR|CRITICAL).*\bbug\b/,
    }, $class;

    File::Path::make_path("$dir/etc", "$dir/log");

    return $node;
}


# options: api and registry, more of them by name

sub configure {
    my ($node, %o) = @_;

    my $dir = $node->{dir};

    $node->options('registry', bind_host => '127.0.0.1',
                   bind_port => $node->{registry_port}, user => 'root',
                   log_file => "$dir/log/registry.log", %{$o{registry}});
    $node->options('api', bind_host => '127.0.0.1',
                   bind_port => $node->{port},
                   log_file => "$dir/log/api.log", user => 'root',
                   workers => 1,
                   nginx_binary => Glance::Nginx::binary(), %{$o{api}});

    return $node;
}


# options that README has are replaced, others are added

sub options {
    my ($node, $program, %options) = @_;

    my $text = $node->{$program};

    for my $name (sort keys %options) {
        $text =~ s/^\Q$name\E = .*/$name = $options{$name}/m
            or $text .= "$name = $options{$name}\n";
    }

    write_file("$node->{dir}/etc/glance-$program.conf", $text);
}


sub control {
    my ($node, $server, $command) = @_;

    return run_command([ Glance::Program::built('glance-control'),
                         '--run-dir', $node->{run}, $server, $command,
                         "$node->{dir}/etc/glance-api.conf" ],
        dir => $node->{dir},
        env => { HOME => $node->{dir},
                 Glance::Program::sanitizer_env($node->{dir}) });
}


sub start {
    my ($node) = @_;

    my ($status, $text) = $node->control('all', 'start');

    die "$node->{name} does not start:\n$text\n" if $status != 0;

    return $node;
}


# the pids of what runs

sub pids {
    my ($node, @servers) = @_;

    @servers = qw/ registry api worker / if !@servers;

    return grep { $_ && Glance::Process::alive($_) }
           map { eval { read_file("$node->{run}/glance-$_.pid") } =~ /(\d+)/ }
           @servers;
}


# as if the machine had lost its power, but for what is in its memory

sub kill {
    my ($node) = @_;

    Glance::Process::kill_process($node->pids());
}


sub connect {
    my ($node, %o) = @_;

    return Glance::HTTP->new(port => $node->{port}, %o);
}


sub complaints {
    my ($node) = @_;

    return map {
        Glance::Program::complaints({ %$node, log => $_ });
    } glob "$node->{dir}/log/*.log";
}


package Glance::Haproxy;

use parent -norequire, 'Glance::Program';

use Glance::Process qw/
    find_program free_port run_command temp_dir write_file
/;


# new(text => haproxy.cfg, nodes => { '192.0.2.11:9292' => port, .. })

sub new {
    my ($class, %o) = @_;

    my $dir = temp_dir();

    return bless {
        %o,
        name => 'haproxy',
        dir => $dir,
        port => free_port(),
        output => "$dir/output.log",
        forbidden => qr/\[ALERT\]|panic|Segmentation/,
    }, $class;
}


sub missing {
    return find_program('haproxy') ? undef : 'no haproxy (package haproxy)';
}


sub start {
    my ($p) = @_;

    my $text = $p->{text};

    $text =~ s!stats socket \S+!stats socket $p->{dir}/admin.sock!;
    $text =~ s!bind \S+!bind 127.0.0.1:$p->{port}!;

    for my $address (keys %{$p->{nodes}}) {
        $text =~ s/\Q$address\E/127.0.0.1:$p->{nodes}{$address}/;
    }

    write_file("$p->{dir}/haproxy.cfg", $text);

    return $p->launch([ find_program('haproxy'), '-db', '-f',
                        "$p->{dir}/haproxy.cfg" ]);
}


sub ready {
    my ($p) = @_;

    return eval { $p->connect(); 1 };
}


sub connect {
    my ($p, %o) = @_;

    return Glance::HTTP->new(port => $p->{port}, %o);
}


# what haproxy says on its socket

sub say {
    my ($p, $command) = @_;

    my $s = IO::Socket::UNIX->new("$p->{dir}/admin.sock")
        or die "no answer of haproxy: $!\n";

    print $s "$command\n";
    local $/;
    my $text = <$s>;

    return defined $text ? $text : '';
}


# of a server: { status => 'UP', scur => 0, .. }

sub server {
    my ($p, $name) = @_;

    my ($head, @lines) = split(/\n/, $p->say('show stat'));

    $head =~ s/^# //;
    my @names = split(/,/, $head);

    for my $line (@lines) {
        my %value;
        @value{@names} = split(/,/, $line, -1);

        return \%value if $value{svname} eq $name;
    }

    return {};
}


1;

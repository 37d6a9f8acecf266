package Glance::Database;

# Copyright (C) ngx_glance authors

# A fresh database per call: a file for SQLite, a schema in this process's
# own server for MySQL.

use warnings;
use strict;

use parent -norequire, 'Glance::Program';

use Glance::Process qw/
    find_program free_port run_command temp_dir write_file
/;
use Glance::Program;

my $server;         # one for all databases of this process
my $number = 0;

# of the user that the services connect as: an URL has to escape it
my $Password = 'g1@nce/%?';


# new('sqlite') or new('mysql'): connection (SQLAlchemy URL), query()

sub new {
    my ($class, $kind) = @_;

    my $d = bless { kind => $kind }, $class;

    if ($kind eq 'sqlite') {
        $d->{file} = temp_dir() . '/glance.sqlite';
        $d->{connection} = "sqlite:///$d->{file}";
        return $d;
    }

    $server ||= start_server($class);

    $d->{server} = $server;
    $d->{schema} = 'glance_' . ++$number;
    $d->{connection} = sprintf('mysql+pymysql://glance:%s@127.0.0.1:%d/%s'
                               . '?charset=utf8', escape($Password),
                               $server->{port}, $d->{schema});

    $server->execute("CREATE DATABASE $d->{schema} CHARACTER SET utf8mb3;"
        . "CREATE USER IF NOT EXISTS glance\@'127.0.0.1'"
        . " IDENTIFIED BY '$Password';"
        . "GRANT ALL ON $d->{schema}.* TO glance\@'127.0.0.1'");

    return $d;
}


sub escape {
    my ($text) = @_;

    $text =~ s/([^A-Za-z0-9_.-])/sprintf('%%%02X', ord $1)/eg;

    return $text;
}


# why a kind of database cannot be tried here, undef if it can

sub missing {
    my ($kind) = @_;

    if ($kind eq 'sqlite') {
        return find_program('sqlite3') ? undef : 'no sqlite3';
    }

    for my $name (qw/ mariadb-install-db mariadbd mariadb /) {
        return "no $name" if !find_program($name);
    }

    return;
}


sub start_server {
    my ($class) = @_;

    my $dir = temp_dir();

    my $p = bless {
        name => 'mariadbd',
        kind => 'server',
        dir => $dir,
        port => free_port(),
        output => "$dir/server.log",
        forbidden => qr/mysqld got signal|\[FATAL\]/,
    }, $class;

    my @user = $> == 0 ? '--user=root' : ();

    # in a common directory each server removes the temporary tables that the
    # others have there
    mkdir("$dir/tmp");

    my ($status, $text) = run_command([
        find_program('mariadb-install-db'), '--no-defaults', @user,
        "--tmpdir=$dir/tmp",
        "--datadir=$dir/data", '--auth-root-authentication-method=normal',
        '--skip-test-db', '--skip-name-resolve',
    ]);

    die "mariadb-install-db failed:\n$text\n" if $status != 0;

    return $p->start();
}


sub start {
    my ($p) = @_;

    my $dir = $p->{dir};

    return $p->launch([
        find_program('mariadbd'), '--no-defaults',
        $> == 0 ? '--user=root' : (),
        "--datadir=$dir/data", "--tmpdir=$dir/tmp", "--socket=$dir/s",
        "--pid-file=$dir/pid", "--port=$p->{port}",
        '--skip-networking=0', '--bind-address=127.0.0.1',
        '--skip-name-resolve', '--skip-log-bin', '--performance-schema=OFF',
        '--innodb-buffer-pool-size=32M', '--innodb-log-file-size=8M',
        '--innodb-flush-log-at-trx-commit=0', '--innodb-doublewrite=0',
        '--max-connections=200',
    ]);
}


sub ready {
    my ($p) = @_;

    return -S "$p->{dir}/s"
           && (run_command([ $p->client(), '-e', 'SELECT 1' ]))[0] == 0;
}


sub client {
    my ($p) = @_;

    return (find_program('mariadb'), '--no-defaults', '--user=root',
            "--socket=$p->{dir}/s", '--default-character-set=utf8mb4',
            '--batch', '--skip-column-names');
}


# text of the result: one line a row, columns by tabs

sub execute {
    my ($p, $sql, @arguments) = @_;

    my ($status, $text) = run_command([ $p->client(), '-e', $sql,
                                        @arguments ]);

    die "SQL failed: " . substr($sql, 0, 300) . "\n$text\n" if $status != 0;

    return $text;
}


# rows as array references; undef, "NULL" and '' are not told apart

sub query {
    my ($d, $sql) = @_;

    my $text;

    if ($d->{kind} eq 'sqlite') {
        my $status;

        ($status, $text) = run_command([
            find_program('sqlite3'), '-batch', '-noheader', '-separator',
            "\t", '-cmd', '.timeout 20000', $d->{file}, $sql,
        ]);

        die "SQL failed: " . substr($sql, 0, 300) . "\n$text\n" if $status != 0;

    } else {
        $text = $d->{server}->execute($sql, $d->{schema});
    }

    return map { [ split(/\t/, $_, -1) ] } split(/\n/, $text);
}


# stops the server of the process for good or for a while

sub server {
    return $server;
}


1;

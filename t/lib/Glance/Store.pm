package Glance::Store;

# Copyright (C) ngx_glance authors

# Where images go unless a test says otherwise: GLANCE_TEST_DEFAULT_STORE is
# "file", or "swift" or "s3" of one Swift that all of a test file shares.  To
# each directory of a file store belongs a container, so that servers which
# share the one share the other.

use warnings;
use strict;

use Glance::Data qw/ md5_of /;
use Glance::S3;
use Glance::Swift;

my ($server, %of);


sub kind {
    return $ENV{GLANCE_TEST_DEFAULT_STORE} || 'file';
}


# why there is none, undef if there is

sub missing {
    my $kind = kind();

    return if $kind eq 'file';

    die "GLANCE_TEST_DEFAULT_STORE is file, swift or s3, not $kind\n"
        if $kind !~ /^(?:swift|s3)$/;

    return Glance::Swift::missing();
}


# the store beside a directory; undef: the directory itself

sub of {
    my ($dir) = @_;

    return if kind() eq 'file';
    return $of{$dir} if $of{$dir};

    $server ||= Glance::Swift->new()->start();

    my $s = bless { name => 'store' . keys %of, server => $server },
                  __PACKAGE__;

    $s->{s3} = Glance::S3->of_swift($server) if kind() eq 's3';

    return $of{$dir} = $s;
}


# what the module needs to know, line by line

sub directives {
    my ($s) = @_;

    my $text = $s->{s3}
        ? $s->{s3}->directives(glance_s3_bucket => $s->{name})
        : $s->{server}->directives(
              glance_swift_container => $s->{name},
              glance_swift_large_object_size => '2m',
              glance_swift_large_object_chunk_size => '1m');

    return split(/;\s*/, $text);
}


# One name for each image, as if it were a file: that of its claim is not
# told, nor are segments whose manifest is there.  All else is.

my $uuid = qr/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/;

sub files {
    my ($s) = @_;

    my @names = $s->{s3} ? $s->{s3}->left($s->{name})
                         : $s->{server}->objects($s->{name});
    my %there = map { $_ => 1 } @names;

    my @files = map { s/-$uuid$//r }
                grep { !(/^((.+)-$uuid)-\d{5}$/
                         && ($there{$1} || $there{$2})) } @names;

    return sort @files;
}


# as it is on record

sub location {
    my ($s, $id) = @_;

    my $place = "$s->{name}/" . $s->object($id);

    return "swift+config://ref1/$place" if !$s->{s3};

    my ($access, $secret) = map {
        s!([^A-Za-z0-9._~/+=-])!sprintf('%%%02x', ord $1)!ger
    } @{$s->{s3}}{qw/ access secret /};

    return "s3://$access:$secret\@127.0.0.1:$s->{server}{port}/$place";
}


# the name of the object of an image

sub object {
    my ($s, $id) = @_;

    my @names = $s->{s3} ? $s->{s3}->objects($s->{name})
                         : $s->{server}->objects($s->{name});
    my ($name) = grep { /^\Q$id\E(?:-$uuid)?$/ } @names;

    return $name;
}


sub request {
    my ($s, $method, $name, %o) = @_;

    return ($s->{s3} || $s->{server})->request($method, "$s->{name}/$name",
                                             %o);
}


# behind the service's back: data, put in place of those of an image, and
# the removal of all that it has

sub replace {
    my ($s, $id, $data) = @_;

    my $r = $s->request('PUT', $s->object($id), body => $data);

    die 'cannot replace: ' . $r->summary() . "\n" if $r->{status} / 100 >= 3;
}


sub remove {
    my ($s, $id) = @_;

    my @names = $s->{s3} ? $s->{s3}->objects($s->{name})
                         : $s->{server}->objects($s->{name});

    $s->request('DELETE', $_) for grep { /^\Q$id\E/ } @names;
}


# (size, MD5); nothing if there are no data

sub digest {
    my ($s, $id) = @_;

    my $name = $s->object($id);

    return if !defined $name;

    my $data = $s->request('GET', $name)->{body};

    return (length $data, md5_of($data));
}


sub wipe {
    my ($s) = @_;

    $s->remove('');
}


sub complaints {
    return $server ? $server->complaints() : ();
}


1;

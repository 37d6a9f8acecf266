package Glance::S3;

# Copyright (C) ngx_glance authors

# S3 as a test sees it, whoever serves it: the API of Swift, or the gateway of
# Ceph.  Requests behind the service's back are signed here once more, in
# another language, by the letter of Amazon's manual.

use warnings;
use strict;

use Digest::SHA qw/ hmac_sha256 hmac_sha256_hex sha256_hex /;
use JSON::PP ();
use POSIX ();

use Glance::HTTP;
use Glance::Process qw/ temp_dir write_file /;


# new(server => .., port => .., access => .., secret => .., region => ..)

sub new {
    my ($class, %o) = @_;

    return bless { region => 'us-east-1', dir => temp_dir(), %o }, $class;
}


# of a started Glance::Swift

sub of_swift {
    my ($class, $swift, %o) = @_;

    return $class->new(server => $swift, port => $swift->{port},
                       access => 'test:tester',
                       secret => Glance::Swift::key('test:tester'), %o);
}


# what glance_s3_credentials names

sub credentials {
    my ($s, %o) = @_;

    my $file = "$s->{dir}/credentials" . ++$s->{files} . '.json';

    write_file($file, JSON::PP->new->canonical->encode({
        access_key => $s->{access}, secret_key => $s->{secret}, %o }));
    chmod(0600, $file);

    return $file;
}


# what the module needs to know

sub directives {
    my ($s, %o) = @_;

    my %d = (
        glance_default_store => 's3',
        glance_s3_credentials => $s->{credentials} ||= $s->credentials(),
        glance_s3_host => 'http://127.0.0.1:' . ($s->{front} || $s->{port}),
        glance_s3_create_bucket => 'on',
        glance_s3_large_object_size => '6m',
        glance_s3_large_object_chunk_size => '5m',
        %o,
    );

    return join("\n            ", map { "$_ $d{$_};" } sort keys %d);
}


# path: BUCKET or BUCKET/KEY; query => [ NAME => VALUE, .. ]

sub request {
    my ($s, $method, $path, %o) = @_;

    my @query = @{delete $o{query} || []};
    my (@pairs, %named);

    push @pairs, join('=', map { escape($_) } splice(@query, 0, 2))
        while @query;

    my $query = join('&', sort @pairs);
    my $body = defined $o{body} ? $o{body} : '';
    my $date = POSIX::strftime('%Y%m%dT%H%M%SZ', gmtime);
    my $day = substr($date, 0, 8);
    my $uri = '/' . join('/', map { escape($_) } split(m{/}, $path));

    my %headers = (
        'host' => "127.0.0.1:$s->{port}",
        'x-amz-content-sha256' => sha256_hex($body),
        'x-amz-date' => $date,
        @{delete $o{headers} || []},
    );

    my $names = join(';', sort keys %headers);
    my $canonical = join("\n", $method, $uri, $query,
                         (map { "$_:$headers{$_}" } sort keys %headers), '',
                         $names, sha256_hex($body));
    my $scope = "$day/$s->{region}/s3/aws4_request";
    my $text = join("\n", 'AWS4-HMAC-SHA256', $date, $scope,
                    sha256_hex($canonical));

    my $key = "AWS4$s->{secret}";
    $key = hmac_sha256($_, $key)
        for $day, $s->{region}, 's3', 'aws4_request';

    my $signature = hmac_sha256_hex($text, $key);

    return Glance::HTTP->new(port => $s->{port})->request(
        $method, $uri . (length $query ? "?$query" : ''), close => 1, %o,
        headers => [
            Host => delete $headers{host}, %headers,
            Authorization => "AWS4-HMAC-SHA256 Credential=$s->{access}/$scope,"
                             . " SignedHeaders=$names, Signature=$signature",
        ]);
}


sub escape {
    my ($text) = @_;

    return $text =~ s/([^A-Za-z0-9._~-])/sprintf('%%%02X', ord $1)/ger;
}


sub listed {
    my ($s, $bucket, $name, @query) = @_;

    my $r = $s->request('GET', $bucket || 'glance', query => \@query);

    return if $r->{status} == 404;
    die 'no list of S3: ' . $r->summary() . "\n" if $r->{status} != 200;

    my @found = $r->{body} =~ m!<$name>([^<]*)</$name>!g;

    return @found;
}


# names of objects, and of those that are in the making

sub objects {
    my ($s, $bucket) = @_;

    my @names = $s->listed($bucket, 'Key', 'list-type' => 2);

    return sort { $a cmp $b } @names if wantarray;
    return scalar @names;
}


sub uploads {
    my ($s, $bucket) = @_;

    my @names = $s->listed($bucket, 'Key', uploads => '');

    return sort { $a cmp $b } @names if wantarray;
    return scalar @names;
}


# of both

sub left {
    my ($s, $bucket) = @_;

    my @left = ($s->objects($bucket),
                map { "upload $_" } $s->uploads($bucket));

    return @left;
}


1;

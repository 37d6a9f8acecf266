#!/usr/bin/perl

# Copyright (C) ngx_glance authors

# Two API servers and two registries on one database: any of the registries
# may go without one failed request; reload drops nothing.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Time::HiRes qw/ sleep /;

use Glance::Test;


# clients that work until told to stop; what failed, and how much was done

sub start_clients {
    my ($env, $stop, $n) = @_;

    return map {
        my $number = $_;
        my $nginx = $env->{all_nginxes}[$number % @{$env->{all_nginxes}}];

        in_background(sub {
            my ($done, @failed) = (0);

            my $try = sub {
                my ($status, $method, $path, %o) = @_;

                my $r = $nginx->connect()->request($method, $path, %o);

                $done++;
                push @failed, "$method $path: " . $r->summary()
                    if $r->{status} != $status;
                return $r;
            };

            while (!-e $stop) {
                my $data = noise(20_000 + 1000 * $number, "$number.$done");
                my $r = $try->(201, 'POST', '/images', $env->with_meta(
                               { name => "c$number" }, body => $data));

                next if $r->{status} != 201;

                my $id = $r->json()->{image}{id};

                $r = $try->(200, 'GET', "/images/$id");
                push @failed, "GET $id: wrong data" if $r->{body} ne $data;

                $try->(200, 'HEAD', "/images/$id");
                $try->(200, 'PUT', "/images/$id", headers => [
                       'x-image-meta-property-done' => $done ]);
                $try->(200, 'GET', '/images/detail');
                $try->(200, 'DELETE', "/images/$id");
                $try->(404, 'GET', "/images/$id");
            }

            return { done => $done, failed => \@failed };
        });
    } 1 .. $n;
}


sub clients_ok {
    my ($title, $stop, @clients) = @_;

    write_file($stop, '');

    my @results = map { $_->() } @clients;
    my $done = 0;

    $done += $_->{done} for @results;
    unlink($stop);

    cmp_ok($done, '>=', 20, "$title: $done requests were made");
    is(join("\n", map { @{$_->{failed}} } @results), '',
       "$title: none has failed");
}


# a registry that is back is used again when nginx has forgotten its failure

sub used_again {
    my ($env, $registry) = @_;

    my $before = -s $registry->{log};

    return wait_until(sub {
        $_->connect()->request('GET', '/images', close => 1)
            for @{$env->{all_nginxes}};
        return -s $registry->{log} > $before + 500;
    });
}


my $dir = temp_dir();


for my $kind ('mysql', 'sqlite') {

    check("S-03 S-10 $kind" => sub {
        with_env($kind, sub {
            my ($env) = @_;

            my $stop = "$dir/stop";
            my @registries = @{$env->{all_registries}};

            for my $n (0, 1) {
                check('S-03 a registry is stopped, killed, started' => sub {
                    for my $how (qw/ stop kill /) {
                        my @clients = start_clients($env, $stop, 4);

                        sleep(1);
                        $registries[$n]->$how();
                        sleep(1.5);
                        $registries[$n]->start();
                        sleep(1);
                        clients_ok("registry $n: $how", $stop, @clients);
                        ok(used_again($env, $registries[$n]),
                           'it serves again');
                    }
                    $env->consistent();
                });
            }

            # one that stands still with SQLite's lock in its hand locks the
            # others out for as long: nobody can take it away

            check('S-03 a registry stands still' => sub {
                plan(skip_all => 'SQLite cannot end a frozen transaction')
                    if $kind eq 'sqlite';

                my @clients = start_clients($env, $stop, 4);

                sleep(1);
                $registries[0]->pause();
                sleep(12);
                $registries[0]->resume();
                sleep(1);
                clients_ok('paused', $stop, @clients);
                $env->consistent();
            });

            check('S-02 reload under load' => sub {
                my @clients = start_clients($env, $stop, 4);

                for (1 .. 4) {
                    sleep(0.5);
                    $_->reload() for @{$env->{all_nginxes}};
                }
                clients_ok('reload', $stop, @clients);
                $env->consistent();
            });

        }, registries => 2, nginxes => 2,
           nginx => { internal => "proxy_read_timeout 5s;\n",
                      upstream_options => 'fail_timeout=1s' });
    });
}


done_testing();

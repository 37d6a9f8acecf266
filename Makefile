# Copyright (C) ngx_glance authors

# "make help" lists the targets.

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:

BUILD          ?= build
RUN_DIR        ?= run
PORT           ?= 9292
REGISTRY_PORT  ?= 9191
SQL_CONNECTION ?=
FUZZ_SECONDS   ?= 120
TESTS          ?= t
TEST_JOBS      ?= 2

# nginx: Debian's nginx-dev, or the source tree NGINX_SRC, then built as well
NGINX_DEV      ?= /usr/share/nginx/src
NGINX_SRC      ?=

PREFIX         ?= /usr/local
BINDIR         ?= $(PREFIX)/bin
MODULEDIR      ?= $(PREFIX)/lib/nginx/modules
DATADIR        ?= $(PREFIX)/share/ngx_glance
MANDIR         ?= $(PREFIX)/share/man

# of everything; debian/changelog has to agree
VERSION       := $(shell sed -n '/^Changes with ngx_glance /{s///p;q}' CHANGES)

# V=1 shows the compiler's command lines
Q              = $(if $(V),,@)
CC             = gcc
OPTIMIZE       = -g -O2 -fstack-protector-strong -D_FORTIFY_SOURCE=2
CFLAGS         = $(OPTIMIZE) $(SANITIZE)
LDFLAGS        = -Wl,-z,relro -Wl,-z,now $(SANITIZE)

WARNINGS       = -Wall -Wextra -Wconversion -Werror
STANDARD       = -std=c99 -D_GNU_SOURCE
INCLUDES       = -Icommon -Iregistry -isystem /usr/include/mariadb
LIBS           = -Wl,--as-needed -lmicrohttpd -ljansson -lmariadb \
                 -lsqlite3 -lcurl -lcrypto -lpthread

ASAN           = -fsanitize=address,undefined -fno-sanitize=nonnull-attribute \
                 -fno-sanitize-recover=undefined -fno-omit-frame-pointer
ASAN_OPTIMIZE  = -O1 -g
ASAN_NGINX     = -DNGX_DEBUG_PALLOC=1 -DNGX_HAVE_NONALIGNED=0


include registry/registry.mk

COMMON_OBJECTS   = $(COMMON:%=$(BUILD)/common/glance_%.o)
BASE_OBJECTS     = $(REGISTRY_BASE:%=$(BUILD)/registry/registry_%.o)
REGISTRY_OBJECTS = $(BASE_OBJECTS) \
                   $(REGISTRY_CORE:%=$(BUILD)/registry/registry_%.o)
PROGRAM_OBJECTS  = $(PROGRAMS:%=$(BUILD)/registry/%.o)
BINARIES         = $(addprefix $(BUILD)/,$(subst _,-,$(PROGRAMS)))
LIBRARIES        = $(BUILD)/libregistry.a $(BUILD)/libglance.a
MODULE           = $(BUILD)/ngx_http_glance_module.so
MANUALS          = $(BINARIES:$(BUILD)/%=$(BUILD)/man/%.8)

UNIT    = $(patsubst t/unit/%.c,$(BUILD)/unit/%,$(wildcard t/unit/test_*.c))
FUZZ    = $(patsubst t/fuzz/fuzz_%.c,%,$(wildcard t/fuzz/fuzz_*.c))
CORPORA = $(FUZZ:%=$(BUILD)/fuzz/standalone_%)
TOOLS   = $(BUILD)/unit/inspect
BENCH   = $(patsubst t/bench/%.c,$(BUILD)/bench/%,$(wildcard t/bench/*.c))

SAMPLES = conf/glance-api.conf.sample conf/glance-registry.conf.sample


.PHONY: all help nginx registry programs deps run start stop test check lint \
        cppcheck test-stores test-keystone test-big unit asan valgrind fuzz coverage bench \
        tempest install clean samples FORCE man deb version

all: nginx programs

nginx: $(MODULE)

registry programs: $(BINARIES)


help:
	@echo "make            build the module and the programs into $(BUILD)/"
	@echo "make run        install what is missing, build, serve on port $(PORT)"
	@echo "                until Ctrl-C; data in RUN_DIR=$(RUN_DIR)"
	@echo "make start      the same in the background; make stop ends it"
	@echo "                PORT= REGISTRY_PORT= SQL_CONNECTION= RUN_DIR="
	@echo "make test       install what is missing, build, run all tests"
	@echo "                (TESTS=t/20-seed-post.t: some)"
	@echo "make check      the same, nothing is installed"
	@echo "make test-stores  the tests of the seed's API and of v1, with images"
	@echo "                in Swift and in S3 by default"
	@echo "make test-keystone  the same, with identities of the real Keystone"
	@echo "make test-big   6 GiB into Swift and into S3, and back"
	@echo "                (GLANCE_BIG_SIZE=700: MiB)"
	@echo "make unit       the unit tests and the corpora of the fuzz targets"
	@echo "make lint       style checks, make cppcheck among them"
	@echo "make asan       all tests under AddressSanitizer and UBSan"
	@echo "make valgrind   the unit tests under valgrind"
	@echo "make fuzz       each fuzz target for FUZZ_SECONDS=$(FUZZ_SECONDS)"
	@echo "make coverage   all tests, and what they cover, line by line"
	@echo "make bench      the speed beside stock nginx, in a quarter of an hour"
	@echo "                BENCH_SIZE=1g BENCH_RUNS=5 BENCH_SECONDS=1.5 BENCH_DIR="
	@echo "make tempest    the image tests of OpenStack's Tempest, on the real"
	@echo "                Keystone and MariaDB (TEMPEST_DATABASE=sqlite)"
	@echo "make install    into PREFIX=$(PREFIX) (DESTDIR=)"
	@echo "make man        the manual pages, into $(BUILD)/man/"
	@echo "make deb        Debian packages, into $(BUILD)/deb/"
	@echo "make deps       install the Debian packages that a build needs"
	@echo "make clean      remove what was built"
	@echo
	@echo "NGINX_SRC=DIR   build against this nginx source, and nginx itself"


# libraries and programs

$(BUILD)/common/%.o: common/%.c
	@mkdir -p $(@D)
	@echo "compiling $@"
	$(Q)$(CC) $(STANDARD) $(WARNINGS) $(CFLAGS) -fPIC -Icommon -MMD -MP \
	    -c -o $@ $<

$(BUILD)/registry/%.o: registry/%.c
	@mkdir -p $(@D)
	@echo "compiling $@"
	$(Q)$(CC) $(STANDARD) $(WARNINGS) $(CFLAGS) $(INCLUDES) -MMD -MP \
	    -c -o $@ $<

$(BUILD)/registry/registry_cli.o: INCLUDES += -DGLANCE_VERSION='"$(VERSION)"'
$(BUILD)/registry/registry_cli.o: CHANGES

# registry/schema.mk makes the source, always in build/
$(BUILD)/registry/registry_schema_data.o: build/registry/registry_schema_data.c
	@mkdir -p $(@D)
	@echo "compiling $@"
	$(Q)$(CC) $(STANDARD) $(WARNINGS) $(CFLAGS) $(INCLUDES) -MMD -MP \
	    -c -o $@ $<

$(BUILD)/libglance.a: $(COMMON_OBJECTS)
	@rm -f $@
	$(Q)$(AR) rcs $@ $(COMMON_OBJECTS)

$(BUILD)/libregistry.a: $(REGISTRY_OBJECTS)
	@rm -f $@
	$(Q)$(AR) rcs $@ $(REGISTRY_OBJECTS)

$(BUILD)/glance-%: $(BUILD)/registry/glance_%.o $(LIBRARIES)
	@echo "linking $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIBRARIES) $(LIBS)

# these know neither HTTP server nor database
BASE_BINARIES = $(addprefix $(BUILD)/glance-,api control scrubber worker)

$(BUILD)/libbase.a: $(BASE_OBJECTS)
	@rm -f $@
	$(Q)$(AR) rcs $@ $(BASE_OBJECTS)

$(BASE_BINARIES): $(BUILD)/glance-%: $(BUILD)/registry/glance_%.o \
                  $(BUILD)/libbase.a $(BUILD)/libglance.a
	@echo "linking $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

.SECONDARY: $(PROGRAM_OBJECTS)

-include $(COMMON_OBJECTS:.o=.d) $(REGISTRY_OBJECTS:.o=.d) \
         $(PROGRAM_OBJECTS:.o=.d) $(UNIT:=.d) $(TOOLS:=.d)


# the module

MODULE_SOURCES = $(wildcard common/*.[ch] ngx_glance/*.[ch])
MODULE_CFLAGS  = $(CFLAGS) -fPIC -ffile-prefix-map=$(CURDIR)=.

NGINX_STAMP = $(BUILD)/nginx.stamp

# another nginx or other flags: everything anew
$(NGINX_STAMP): FORCE
	@mkdir -p $(BUILD)
	@echo '$(NGINX_SRC) $(MODULE_CFLAGS) $(NGINX_CFLAGS)' > $@.new
	@if cmp -s $@ $@.new; then rm $@.new; \
	 else rm -rf $(BUILD)/nginx; mv $@.new $@; fi

# a header that nginx's Makefile does not know may have changed
define nginx_forget
	@$(if $(filter %.h,$?),rm -f $(BUILD)/nginx/addon/*/*.o \
	    $(BUILD)/nginx-src/objs/addon/*/*.o)
endef


ifeq ($(NGINX_SRC),)

NGINX_BIN  ?=
NGINX_MAKE  = $(BUILD)/nginx/Makefile

$(NGINX_MAKE): config $(NGINX_STAMP)
	@mkdir -p $(BUILD)
	@cd $(NGINX_DEV) && bash -c '. ./conf_flags; \
	    ./configure --with-cc-opt="$(MODULE_CFLAGS) $(NGINX_CFLAGS)" \
	        --with-ld-opt="$(LDFLAGS) -fPIC" "$${NGX_CONF_FLAGS[@]}" \
	        --add-dynamic-module="$(CURDIR)" \
	        --builddir="$(CURDIR)/$(BUILD)/nginx"' \
	    > $(CURDIR)/$(BUILD)/configure.log \
	    || { cat $(CURDIR)/$(BUILD)/configure.log; exit 1; }

$(MODULE): $(NGINX_MAKE) $(MODULE_SOURCES)
	$(nginx_forget)
	@echo "building $@ with $(NGINX_DEV)"
	@$(MAKE) -s --no-print-directory -f $(CURDIR)/$(NGINX_MAKE) \
	    -C $(NGINX_DEV) modules
	@cp $(BUILD)/nginx/ngx_http_glance_module.so $@.new
	@mv $@.new $@

else

NGINX_BIN   = $(CURDIR)/$(BUILD)/nginx-src/objs/nginx
NGINX_MAKE  = $(BUILD)/nginx-src/objs/Makefile

# the source tree is only read
$(NGINX_MAKE): config $(NGINX_STAMP)
	@rm -rf $(BUILD)/nginx-src
	@mkdir -p $(BUILD)/nginx-src
	@tar -C $(NGINX_SRC) --exclude=./.git --exclude=./.hg --exclude=./objs \
	    --exclude=./Makefile -cf - . | tar -C $(BUILD)/nginx-src -xf -
	@cd $(BUILD)/nginx-src \
	    && if [ -x auto/configure ]; then set auto/configure; \
	       else set ./configure; fi \
	    && $$1 --with-cc-opt="$(MODULE_CFLAGS) $(NGINX_CFLAGS)" \
	        --with-ld-opt="$(LDFLAGS) -fPIC" --with-threads --with-compat \
	        --with-debug --with-http_ssl_module --with-http_v2_module \
	        --with-http_dav_module --add-dynamic-module="$(CURDIR)" \
	    > $(CURDIR)/$(BUILD)/configure.log \
	    || { cat $(CURDIR)/$(BUILD)/configure.log; exit 1; }

$(MODULE): $(NGINX_MAKE) $(MODULE_SOURCES)
	$(nginx_forget)
	@echo "building nginx of $(NGINX_SRC) and $@"
	@$(MAKE) -s --no-print-directory -C $(BUILD)/nginx-src
	@cp $(BUILD)/nginx-src/objs/ngx_http_glance_module.so $@.new
	@mv $@.new $@

endif


# tests

$(BUILD)/unit/%: t/unit/%.c $(LIBRARIES)
	@mkdir -p $(@D)
	@echo "compiling $@"
	$(Q)$(CC) $(STANDARD) $(WARNINGS) $(CFLAGS) $(INCLUDES) -It/unit -MMD -MP \
	    -MF $@.d -MT $@ $(LDFLAGS) -o $@ $< $(LIBRARIES) $(LIBS)

$(BUILD)/fuzz/standalone_%: t/fuzz/fuzz_%.c t/fuzz/standalone.c \
                            t/fuzz/fuzz.h $(LIBRARIES)
	@mkdir -p $(@D)
	@echo "compiling $@"
	$(Q)$(CC) $(STANDARD) $(WARNINGS) $(CFLAGS) $(INCLUDES) -It/fuzz $(LDFLAGS) \
	    -o $@ $< t/fuzz/standalone.c $(LIBRARIES) $(LIBS)

$(BUILD)/bench/%: t/bench/%.c $(wildcard t/bench/*.h) \
                  $(BUILD)/libglance.a
	@mkdir -p $(@D)
	@echo "compiling $@"
	$(Q)$(CC) $(STANDARD) $(WARNINGS) $(CFLAGS) $(INCLUDES) -It/bench $(LDFLAGS) \
	    -o $@ $< $(BUILD)/libglance.a $(LIBS)

PROVE = BUILD_DIR=$(BUILD) NGINX_BIN=$(NGINX_BIN) \
        prove -I t/lib --timer --failures -j $(TEST_JOBS) -r

test:
	bin/glance-deps build
	bin/glance-deps test
	$(MAKE) --no-print-directory check

check: all $(UNIT) $(TOOLS) $(CORPORA) $(BENCH)
	$(PROVE) $(TESTS)

test-stores: all
	bin/glance-deps test
	for s in swift s3; do \
	    GLANCE_TEST_DEFAULT_STORE=$$s $(PROVE) $(wildcard t/20-seed-*.t) \
	        $(wildcard t/21-*.t) || exit 1; \
	done

test-keystone: all
	bin/glance-deps test
	GLANCE_TEST_IDENTITY=keystone $(PROVE) $(wildcard t/20-seed-*.t) \
	    $(wildcard t/21-*.t) t/74-http.t t/75-copy-from.t

test-big: all
	bin/glance-deps test
	BUILD_DIR=$(BUILD) NGINX_BIN=$(NGINX_BIN) \
	    prove -I t/lib --timer --verbose t/big/stores.pl

unit: $(UNIT) $(CORPORA)
	prove --exec '' $(UNIT)
	@for f in $(FUZZ); do \
	    echo "$$f: `ls t/fuzz/corpus/$$f | wc -l` files"; \
	    $(BUILD)/fuzz/standalone_$$f t/fuzz/corpus/$$f/* > /dev/null \
	        || exit 1; \
	done

cppcheck:
	cppcheck --quiet --error-exitcode=1 --std=c99 --inline-suppr \
	    --enable=warning,performance,portability -D_GNU_SOURCE \
	    --suppress=missingInclude -Icommon -Iregistry common registry

lint:
	@for t in $(wildcard t/9*.t); do prove -I t/lib $$t || exit 1; done

# Sanitizers write to files, since nginx's standard error is its own; Debian's
# nginx is not built with them, so their run time is loaded before it.  With
# NGINX_SRC all of nginx is built with them, and sees errors in pools, too.
# A binary that nginx starts in its own place has its name, but not its
# environment.
asan:
	$(MAKE) --no-print-directory BUILD=build-asan SANITIZE='$(ASAN)' \
	    OPTIMIZE='$(ASAN_OPTIMIZE)' NGINX_CFLAGS='$(ASAN_NGINX)' \
	    asan-run

.PHONY: asan-run

asan-run: ASAN_OPTIONS = detect_odr_violation=0:detect_leaks=0:log_path=$(CURDIR)/$(BUILD)/logs/asan

asan-run: all unit
	@rm -rf $(BUILD)/logs && mkdir -p $(BUILD)/logs
	@printf '%s\n' '#!/bin/bash' \
	    "LD_PRELOAD=`$(CC) -print-file-name=libasan.so`\$${LD_PRELOAD:+:\$$LD_PRELOAD}" \
	    'export LD_PRELOAD' \
	    'export ASAN_OPTIONS="$${ASAN_OPTIONS:-$(ASAN_OPTIONS)}"' \
	    'exec -a "$$0" $(or $(NGINX_BIN),/usr/sbin/nginx) "$$@"' \
	    > $(BUILD)/nginx-asan
	@chmod +x $(BUILD)/nginx-asan
	ASAN_OPTIONS=$(ASAN_OPTIONS) \
	UBSAN_OPTIONS=print_stacktrace=1:log_path=$(CURDIR)/$(BUILD)/logs/ubsan \
	GLANCE_TEST_SANITIZER=1 \
	    $(MAKE) --no-print-directory check \
	        NGINX_BIN=$(CURDIR)/$(BUILD)/nginx-asan
	@if ls $(BUILD)/logs/* > /dev/null 2>&1; then \
	    cat $(BUILD)/logs/*; echo "sanitizer reports: FAILED"; exit 1; \
	fi

valgrind: $(UNIT)
	@for t in $(UNIT); do \
	    echo "valgrind $$t"; \
	    valgrind --quiet --leak-check=full --error-exitcode=9 $$t \
	        > $(BUILD)/valgrind.log || { cat $(BUILD)/valgrind.log; exit 1; }; \
	done

fuzz:
	bin/glance-deps fuzz
	@mkdir -p $(BUILD)/libfuzzer
	@for f in $(FUZZ); do \
	    mkdir -p $(BUILD)/libfuzzer/corpus_$$f $(BUILD)/libfuzzer/crashes; \
	    clang $(STANDARD) $(INCLUDES) -It/fuzz -g -O1 \
	        -fsanitize=fuzzer,address,undefined \
	        -fno-sanitize-recover=undefined -o $(BUILD)/libfuzzer/$$f \
	        t/fuzz/fuzz_$$f.c $(COMMON:%=common/glance_%.c) \
	        $(FUZZ_REGISTRY:%=registry/registry_%.c) -lcrypto \
	        -ljansson || exit 1; \
	    echo "fuzzing $$f for $(FUZZ_SECONDS) s"; \
	    $(BUILD)/libfuzzer/$$f -max_total_time=$(FUZZ_SECONDS) \
	        -max_len=16384 -timeout=10 -print_final_stats=1 -verbosity=0 \
	        -artifact_prefix=$(BUILD)/libfuzzer/crashes/$$f- \
	        $(BUILD)/libfuzzer/corpus_$$f t/fuzz/corpus/$$f \
	        2> $(BUILD)/libfuzzer/$$f.log \
	        || { tail -40 $(BUILD)/libfuzzer/$$f.log; exit 1; }; \
	    grep number_of_executed_units $(BUILD)/libfuzzer/$$f.log; \
	done

coverage:
	rm -rf build-coverage
	-$(MAKE) --no-print-directory BUILD=build-coverage SANITIZE=--coverage \
	    OPTIMIZE='-O0 -g' check
	bin/glance-coverage build-coverage

tempest:
	bin/glance-deps build
	bin/glance-deps tempest
	$(MAKE) all
	NGINX_BIN='$(NGINX_BIN)' bin/glance-tempest $(BUILD)

bench: all $(BENCH)
	NGINX_BIN='$(NGINX_BIN)' bin/glance-bench $(BUILD)


# service

run start:
	bin/glance-deps build
	$(MAKE) --no-print-directory all
	BUILD='$(BUILD)' RUN_DIR='$(RUN_DIR)' PORT='$(PORT)' \
	    REGISTRY_PORT='$(REGISTRY_PORT)' NGINX_BIN='$(NGINX_BIN)' \
	    SQL_CONNECTION='$(SQL_CONNECTION)' bin/glance-run $@

stop:
	BUILD='$(BUILD)' RUN_DIR='$(RUN_DIR)' bin/glance-run stop

deps:
	bin/glance-deps build

samples: $(SAMPLES)

conf/glance-%.conf.sample: $(BUILD)/glance-%
	$< --config-file /dev/null --print-config > $@

# a page's options are those that the program tells
$(BUILD)/man/%.8: man/%.8 man/man.awk $(BUILD)/%
	@mkdir -p $(@D)
	@echo "making $@"
	$(Q)$(BUILD)/$* --help | awk -v version='$(VERSION)' -f man/man.awk - $< \
	    > $@

man: $(MANUALS)

version:
	@echo '$(VERSION)'

install: all install-programs
	install -d $(DESTDIR)$(MODULEDIR) $(DESTDIR)$(DATADIR)
	install -m 644 $(MODULE) $(DESTDIR)$(MODULEDIR)
	install -m 644 $(wildcard conf/*.sample) $(DESTDIR)$(DATADIR)

.PHONY: install-programs

install-programs: programs man
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(MANDIR)/man8
	install $(BINARIES) $(DESTDIR)$(BINDIR)
	install -m 644 $(MANUALS) $(DESTDIR)$(MANDIR)/man8


# packages: built in a copy of the tree, which keeps its objects for next time

DEB         = $(BUILD)/deb
DEB_OPTIONS = nocheck parallel=2

deb:
	bin/glance-deps deb
	$(MAKE) --no-print-directory packages

.PHONY: packages

packages:
	@mkdir -p $(DEB)/ngx-glance
	@rm -f $(DEB)/*.deb $(DEB)/*.changes $(DEB)/*.buildinfo
	@find $(DEB)/ngx-glance -mindepth 1 -maxdepth 1 ! -name build \
	    ! -name 'obj-*' -exec rm -rf {} +
	@tar --exclude=./.git --exclude='./build*' --exclude=./run \
	    --exclude='./obj-*' --exclude='./$(BUILD)' -cf - . \
	    | tar -C $(DEB)/ngx-glance -xf -
	@echo "building packages in $(DEB)"
	@cd $(DEB)/ngx-glance \
	    && env -u MAKEFLAGS -u MFLAGS -u BUILD \
	        DEB_BUILD_OPTIONS='$(DEB_OPTIONS)' \
	        dpkg-buildpackage -us -uc -b -nc > ../build.log 2>&1 \
	    || { tail -n 40 ../build.log; exit 1; }
	@ls $(DEB)/*.deb


clean:
	rm -rf build build-asan build-coverage

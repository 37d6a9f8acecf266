# The SQL files of schema/ as C strings: build/registry/registry_schema_data.c.
# Included by the Makefile, which compiles it like every other source.

REGISTRY_SCHEMA_SQL = $(sort $(wildcard registry/schema/*/*.sql))

build/registry/registry_schema_data.c: $(REGISTRY_SCHEMA_SQL) \
		registry/schema.awk registry/schema.mk
	@mkdir -p $(@D)
	awk -f registry/schema.awk $(REGISTRY_SCHEMA_SQL) > $@.tmp
	mv $@.tmp $@

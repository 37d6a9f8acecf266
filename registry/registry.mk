# Objects of the registry and of the programs; included by the Makefile.

COMMON = str addr buf uuid time image meta uri digest sigv4 xml multipart fault range \
	forwarded inspect inspect_qcow2 inspect_vhd inspect_vmdk inspect_disk

# what all programs share
REGISTRY_BASE = err ini config config_read config_value config_print \
	config_table config_known log logconf logfmt daemon cli hosts render \
	render_keystone render_swift render_s3 render_http render_log \
	render_front render_location client control \
	control_init control_watch worker worker_uploads worker_removals agent \
	copy copy_import fetch scrub

# what the registry and glance-manage are made of
REGISTRY_CORE = $(filter-out $(REGISTRY_BASE) render% control% worker% copy% fetch%, \
	$(patsubst registry/registry_%.c,%,$(wildcard registry/registry_*.c))) \
	schema_data

# what the fuzz targets need beyond common/
FUZZ_REGISTRY = err ini json_parse logfmt out pool v2_apply v2_apply_add \
	v2_apply_location v2_check v2_fields v2_patch v2_schema v2_sources

PROGRAMS = $(patsubst registry/%.c,%,$(wildcard registry/glance_*.c))

include registry/schema.mk

-- Images found by what few of them have; only in databases that we created.

CREATE INDEX IF NOT EXISTS ngx_glance_property ON image_properties
    (name, value, deleted, image_id);

CREATE INDEX IF NOT EXISTS ngx_glance_status ON images
    (status, deleted, created_at, id);

CREATE INDEX IF NOT EXISTS ngx_glance_hidden ON images
    (os_hidden, deleted, created_at, id);

CREATE INDEX IF NOT EXISTS ngx_glance_disk_format ON images
    (disk_format, deleted, created_at, id);

CREATE INDEX IF NOT EXISTS ngx_glance_updated ON images
    (updated_at, deleted);

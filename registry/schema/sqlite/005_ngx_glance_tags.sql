-- Images found by a tag that few of them have; only in databases that we
-- created.

CREATE INDEX IF NOT EXISTS ngx_glance_tag ON image_tags
    (value, deleted, image_id);

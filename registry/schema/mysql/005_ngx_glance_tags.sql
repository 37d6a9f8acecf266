-- Images found by a tag that few of them have; only in databases that we
-- created.

CREATE INDEX ngx_glance_tag ON image_tags (value, deleted, image_id);

-- Lists by name, and images found by their name; only in databases that we
-- created.

CREATE INDEX IF NOT EXISTS ngx_glance_name ON images
    (visibility, deleted, name, created_at, id);

CREATE INDEX IF NOT EXISTS ngx_glance_owner_name ON images
    (owner, deleted, name, created_at, id);

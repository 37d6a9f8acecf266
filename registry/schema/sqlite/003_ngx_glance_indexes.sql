-- Lists whose pages cost the same however many images there are; only in
-- databases that we created.

CREATE INDEX IF NOT EXISTS ngx_glance_all ON images (deleted, created_at, id);

CREATE INDEX IF NOT EXISTS ngx_glance_visibility ON images
    (visibility, deleted, created_at, id);

CREATE INDEX IF NOT EXISTS ngx_glance_owner ON images
    (owner, deleted, created_at, id);

CREATE INDEX IF NOT EXISTS ngx_glance_member ON image_members
    (member, deleted, image_id);

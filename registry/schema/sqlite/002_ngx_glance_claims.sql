-- Tables of our own, also beside a Glance that shares the database. No
-- foreign keys: they must not be in the way of "glance-manage db purge".

CREATE TABLE IF NOT EXISTS ngx_glance_claims (
    id VARCHAR(36) NOT NULL,
    image_id VARCHAR(36) NOT NULL,
    node VARCHAR(255),
    on_expire VARCHAR(20) NOT NULL,
    expires_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT ngx_glance_claims_image_id
        UNIQUE (image_id)
);
CREATE INDEX IF NOT EXISTS ngx_glance_claims_expires_at
    ON ngx_glance_claims (expires_at);

CREATE TABLE IF NOT EXISTS ngx_glance_removals (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    image_id VARCHAR(36) NOT NULL,
    url TEXT NOT NULL,
    tries INTEGER NOT NULL,
    next_try BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    last_error VARCHAR(255)
);
CREATE INDEX IF NOT EXISTS ngx_glance_removals_image_id
    ON ngx_glance_removals (image_id);
CREATE INDEX IF NOT EXISTS ngx_glance_removals_next_try
    ON ngx_glance_removals (next_try);

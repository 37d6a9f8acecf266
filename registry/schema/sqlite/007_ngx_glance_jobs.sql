-- Work without a client, also beside a Glance that shares the database.

CREATE TABLE IF NOT EXISTS ngx_glance_jobs (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    image_id VARCHAR(36) NOT NULL,
    url TEXT NOT NULL,
    holder VARCHAR(36),
    node VARCHAR(255),
    tries INTEGER NOT NULL,
    next_try BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    ended_at BIGINT,
    last_error VARCHAR(255),
    CONSTRAINT ngx_glance_jobs_image_id
        UNIQUE (image_id)
);
CREATE INDEX IF NOT EXISTS ngx_glance_jobs_next_try
    ON ngx_glance_jobs (ended_at, next_try);

-- Work without a client, also beside a Glance that shares the database.

CREATE TABLE IF NOT EXISTS ngx_glance_jobs (
    id INTEGER NOT NULL AUTO_INCREMENT,
    image_id VARCHAR(36) NOT NULL,
    url TEXT NOT NULL,
    holder VARCHAR(36),
    node VARCHAR(255),
    tries INTEGER NOT NULL,
    next_try BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    ended_at BIGINT,
    last_error VARCHAR(255),
    PRIMARY KEY (id),
    UNIQUE KEY ngx_glance_jobs_image_id (image_id),
    KEY ngx_glance_jobs_next_try (ended_at, next_try)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;

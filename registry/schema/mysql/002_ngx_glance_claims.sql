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
    UNIQUE KEY ngx_glance_claims_image_id (image_id),
    KEY ngx_glance_claims_expires_at (expires_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;

CREATE TABLE IF NOT EXISTS ngx_glance_removals (
    id INTEGER NOT NULL AUTO_INCREMENT,
    image_id VARCHAR(36) NOT NULL,
    url TEXT NOT NULL,
    tries INTEGER NOT NULL,
    next_try BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    last_error VARCHAR(255),
    PRIMARY KEY (id),
    KEY ngx_glance_removals_image_id (image_id),
    KEY ngx_glance_removals_next_try (next_try)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;

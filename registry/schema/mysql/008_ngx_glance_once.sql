-- Changes that were done, of which a second registry may be asked again; of
-- our own, also beside a Glance that shares the database.

CREATE TABLE IF NOT EXISTS ngx_glance_once (
    id VARCHAR(36) NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (id),
    KEY ngx_glance_once_created_at (created_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;

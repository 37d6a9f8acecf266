-- Locations that were added by the Locations API: beside a job, what their
-- data are to be.

CREATE TABLE IF NOT EXISTS ngx_glance_imports (
    image_id VARCHAR(36) NOT NULL,
    task_id VARCHAR(36) NOT NULL,
    hash_algo VARCHAR(64),
    hash_value VARCHAR(128),
    located INTEGER NOT NULL,
    PRIMARY KEY (image_id)
);

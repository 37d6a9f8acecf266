-- What we created ourselves. It comes first: an interrupted creation is
-- recognized by it.

CREATE TABLE IF NOT EXISTS ngx_glance_schema (
    name VARCHAR(64) NOT NULL PRIMARY KEY,
    value VARCHAR(255) NOT NULL
);

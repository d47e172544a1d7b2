-- +up
CREATE TABLE setting (
    name        VARCHAR(64) NOT NULL,
    value       JSONB       NOT NULL DEFAULT '{}',
    update_time TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (name)
);

-- +down
DROP TABLE setting;

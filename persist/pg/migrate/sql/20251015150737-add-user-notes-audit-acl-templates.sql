-- What the console writes down: notes on accounts, who changed what, named sets of permissions.

-- +up
CREATE TABLE users_notes (
    id          UUID        NOT NULL,
    user_id     UUID        NOT NULL,
    create_time TIMESTAMPTZ NOT NULL DEFAULT now(),
    update_time TIMESTAMPTZ NOT NULL DEFAULT now(),
    note        TEXT        NOT NULL,
    create_id   UUID,
    update_id   UUID,
    PRIMARY KEY (user_id, create_time, id),
    UNIQUE (id),
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);

CREATE TABLE console_audit_log (
    create_time      TIMESTAMPTZ NOT NULL DEFAULT now(),
    id               UUID        NOT NULL,
    console_user_id  UUID        NOT NULL,
    console_username TEXT        NOT NULL,
    email            TEXT        NOT NULL,
    action           TEXT        NOT NULL,
    resource         TEXT        NOT NULL,
    message          TEXT        NOT NULL,
    metadata         JSONB       NOT NULL DEFAULT '{}',
    PRIMARY KEY (create_time, console_username, action, resource, id),
    UNIQUE (id)
);

CREATE TABLE console_acl_template (
    id          UUID        NOT NULL,
    name        VARCHAR(64) NOT NULL,
    description VARCHAR(64) NOT NULL,
    acl         JSONB       NOT NULL DEFAULT '{}',
    create_time TIMESTAMPTZ NOT NULL DEFAULT now(),
    update_time TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (id),
    UNIQUE (name)
);

-- +down
DROP TABLE console_acl_template, console_audit_log, users_notes;

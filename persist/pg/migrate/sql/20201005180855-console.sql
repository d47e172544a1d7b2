-- Operators of the console. role: 1 administrator, 2 developer, 3 maintainer, 4 read only.

-- +up
CREATE TABLE console_user (
    create_time  TIMESTAMPTZ  NOT NULL DEFAULT now(),
    disable_time TIMESTAMPTZ  NOT NULL DEFAULT '1970-01-01 00:00:00 UTC',
    email        VARCHAR(255) NOT NULL,
    id           UUID         NOT NULL,
    metadata     JSONB        NOT NULL DEFAULT '{}',
    password     BYTEA        CHECK (length(password) < 32000),
    role         SMALLINT     NOT NULL DEFAULT 4 CHECK (role >= 1),
    update_time  TIMESTAMPTZ  NOT NULL DEFAULT now(),
    username     VARCHAR(128) NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (username),
    UNIQUE (email)
);

-- +down
DROP TABLE console_user;

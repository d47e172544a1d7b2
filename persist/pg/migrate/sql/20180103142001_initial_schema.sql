-- Accounts, friends, notifications, storage, chat, leaderboards, wallets, groups.

-- +up
CREATE TABLE users (
    id            UUID         NOT NULL,
    username      VARCHAR(128) NOT NULL,
    display_name  VARCHAR(255),
    avatar_url    VARCHAR(512),
    lang_tag      VARCHAR(18)  NOT NULL DEFAULT 'en',
    location      VARCHAR(255),
    timezone      VARCHAR(255),
    metadata      JSONB        NOT NULL DEFAULT '{}',
    wallet        JSONB        NOT NULL DEFAULT '{}',
    email         VARCHAR(255),
    password      BYTEA        CHECK (length(password) < 32000),
    facebook_id   VARCHAR(128),
    google_id     VARCHAR(128),
    gamecenter_id VARCHAR(128),
    steam_id      VARCHAR(128),
    custom_id     VARCHAR(128),
    edge_count    INT          NOT NULL DEFAULT 0 CHECK (edge_count >= 0),
    create_time   TIMESTAMPTZ  NOT NULL DEFAULT now(),
    update_time   TIMESTAMPTZ  NOT NULL DEFAULT now(),
    verify_time   TIMESTAMPTZ  NOT NULL DEFAULT '1970-01-01 00:00:00 UTC',
    disable_time  TIMESTAMPTZ  NOT NULL DEFAULT '1970-01-01 00:00:00 UTC',
    PRIMARY KEY (id),
    UNIQUE (username),
    UNIQUE (email),
    UNIQUE (facebook_id),
    UNIQUE (google_id),
    UNIQUE (gamecenter_id),
    UNIQUE (steam_id),
    UNIQUE (custom_id)
);

-- The system user owns what belongs to nobody.
INSERT INTO users (id, username) VALUES ('00000000-0000-0000-0000-000000000000', '');

CREATE TABLE user_device (
    id                 VARCHAR(128) NOT NULL,
    user_id            UUID         NOT NULL,
    preferences        JSONB        NOT NULL DEFAULT '{}',
    push_token_amazon  VARCHAR(512) NOT NULL DEFAULT '',
    push_token_android VARCHAR(512) NOT NULL DEFAULT '',
    push_token_huawei  VARCHAR(512) NOT NULL DEFAULT '',
    push_token_ios     VARCHAR(512) NOT NULL DEFAULT '',
    push_token_web     VARCHAR(512) NOT NULL DEFAULT '',
    PRIMARY KEY (id),
    UNIQUE (user_id, id),
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);

-- One row a direction. position orders a listing: nanoseconds of the last change.
CREATE TABLE user_edge (
    source_id      UUID        NOT NULL CHECK (source_id <> '00000000-0000-0000-0000-000000000000'),
    position       BIGINT      NOT NULL,
    update_time    TIMESTAMPTZ NOT NULL DEFAULT now(),
    destination_id UUID        NOT NULL CHECK (destination_id <> '00000000-0000-0000-0000-000000000000'),
    state          SMALLINT    NOT NULL DEFAULT 0 CHECK (state >= 0),
    PRIMARY KEY (source_id, state, position),
    UNIQUE (source_id, destination_id),
    FOREIGN KEY (source_id) REFERENCES users (id) ON DELETE CASCADE,
    FOREIGN KEY (destination_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX user_edge_destination_id_idx ON user_edge (destination_id);

CREATE TABLE notification (
    id          UUID         NOT NULL,
    user_id     UUID         NOT NULL,
    subject     VARCHAR(255) NOT NULL,
    content     JSONB        NOT NULL DEFAULT '{}',
    code        SMALLINT     NOT NULL,
    sender_id   UUID         NOT NULL,
    create_time TIMESTAMPTZ  NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, create_time, id),
    UNIQUE (id),
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);

CREATE TABLE storage (
    collection  VARCHAR(128) NOT NULL,
    key         VARCHAR(128) NOT NULL,
    user_id     UUID         NOT NULL,
    value       JSONB        NOT NULL DEFAULT '{}',
    version     VARCHAR(32)  NOT NULL,
    read        SMALLINT     NOT NULL DEFAULT 1 CHECK (read >= 0),
    write       SMALLINT     NOT NULL DEFAULT 1 CHECK (write >= 0),
    create_time TIMESTAMPTZ  NOT NULL DEFAULT now(),
    update_time TIMESTAMPTZ  NOT NULL DEFAULT now(),
    PRIMARY KEY (collection, key, user_id),
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX storage_collection_read_key_user_id_idx ON storage (collection, read, key, user_id);
CREATE INDEX storage_collection_read_user_id_key_idx ON storage (collection, read, user_id, key);
CREATE INDEX storage_collection_user_id_read_key_idx ON storage (collection, user_id, read, key);
CREATE INDEX storage_user_id_idx ON storage (user_id);

CREATE TABLE message (
    id                UUID         NOT NULL,
    code              SMALLINT     NOT NULL DEFAULT 0,
    sender_id         UUID         NOT NULL,
    username          VARCHAR(128) NOT NULL,
    stream_mode       SMALLINT     NOT NULL,
    stream_subject    UUID         NOT NULL,
    stream_descriptor UUID         NOT NULL,
    stream_label      VARCHAR(128) NOT NULL,
    content           JSONB        NOT NULL DEFAULT '{}',
    create_time       TIMESTAMPTZ  NOT NULL DEFAULT now(),
    update_time       TIMESTAMPTZ  NOT NULL DEFAULT now(),
    PRIMARY KEY (stream_mode, stream_subject, stream_descriptor, stream_label, create_time, id),
    UNIQUE (id),
    UNIQUE (sender_id, id),
    FOREIGN KEY (sender_id) REFERENCES users (id) ON DELETE CASCADE
);

CREATE TABLE leaderboard (
    id             VARCHAR(128) NOT NULL,
    authoritative  BOOLEAN      NOT NULL DEFAULT false,
    sort_order     SMALLINT     NOT NULL DEFAULT 1,
    operator       SMALLINT     NOT NULL DEFAULT 0,
    reset_schedule VARCHAR(64),
    metadata       JSONB        NOT NULL DEFAULT '{}',
    create_time    TIMESTAMPTZ  NOT NULL DEFAULT now(),
    PRIMARY KEY (id)
);

CREATE TABLE leaderboard_record (
    leaderboard_id VARCHAR(128) NOT NULL,
    owner_id       UUID         NOT NULL,
    username       VARCHAR(128),
    score          BIGINT       NOT NULL DEFAULT 0 CHECK (score >= 0),
    subscore       BIGINT       NOT NULL DEFAULT 0 CHECK (subscore >= 0),
    num_score      INT          NOT NULL DEFAULT 1 CHECK (num_score >= 0),
    metadata       JSONB        NOT NULL DEFAULT '{}',
    create_time    TIMESTAMPTZ  NOT NULL DEFAULT now(),
    update_time    TIMESTAMPTZ  NOT NULL DEFAULT now(),
    expiry_time    TIMESTAMPTZ  NOT NULL DEFAULT '1970-01-01 00:00:00 UTC',
    PRIMARY KEY (leaderboard_id, expiry_time, score, subscore, owner_id),
    UNIQUE (owner_id, leaderboard_id, expiry_time),
    FOREIGN KEY (leaderboard_id) REFERENCES leaderboard (id) ON DELETE CASCADE
);
CREATE INDEX leaderboard_record_owner_id_expiry_time_leaderboard_id_idx ON leaderboard_record (owner_id, expiry_time, leaderboard_id);

CREATE TABLE wallet_ledger (
    id          UUID        NOT NULL,
    user_id     UUID        NOT NULL,
    changeset   JSONB       NOT NULL CHECK (jsonb_typeof(changeset) = 'object'),
    metadata    JSONB       NOT NULL CHECK (jsonb_typeof(metadata) = 'object'),
    create_time TIMESTAMPTZ NOT NULL DEFAULT now(),
    update_time TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, create_time, id),
    UNIQUE (id),
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);

CREATE TABLE user_tombstone (
    user_id     UUID        NOT NULL,
    create_time TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (create_time, user_id),
    UNIQUE (user_id)
);

CREATE TABLE groups (
    id           UUID         NOT NULL,
    creator_id   UUID         NOT NULL,
    name         VARCHAR(255) NOT NULL,
    description  VARCHAR(255),
    avatar_url   VARCHAR(512),
    lang_tag     VARCHAR(18)  NOT NULL DEFAULT 'en',
    metadata     JSONB        NOT NULL DEFAULT '{}',
    state        SMALLINT     NOT NULL DEFAULT 0 CHECK (state >= 0),
    edge_count   INT          NOT NULL DEFAULT 0 CHECK (edge_count >= 1 AND edge_count <= max_count),
    max_count    INT          NOT NULL DEFAULT 100 CHECK (max_count >= 1),
    create_time  TIMESTAMPTZ  NOT NULL DEFAULT now(),
    update_time  TIMESTAMPTZ  NOT NULL DEFAULT now(),
    disable_time TIMESTAMPTZ  NOT NULL DEFAULT '1970-01-01 00:00:00 UTC',
    PRIMARY KEY (disable_time, lang_tag, edge_count, id),
    UNIQUE (id),
    UNIQUE (name)
);
CREATE INDEX groups_disable_time_edge_count_update_time_id_idx ON groups (disable_time, edge_count, update_time, id);
CREATE INDEX groups_disable_time_update_time_edge_count_id_idx ON groups (disable_time, update_time, edge_count, id);

-- A source is a group or a user, so there is no foreign key.
CREATE TABLE group_edge (
    source_id      UUID        NOT NULL,
    position       BIGINT      NOT NULL,
    update_time    TIMESTAMPTZ NOT NULL DEFAULT now(),
    destination_id UUID        NOT NULL,
    state          SMALLINT    NOT NULL DEFAULT 0 CHECK (state >= 0),
    PRIMARY KEY (source_id, state, position),
    UNIQUE (source_id, destination_id)
);

-- +down
DROP TABLE group_edge, groups, user_tombstone, wallet_ledger, leaderboard_record, leaderboard, message, storage, notification, user_edge, user_device, users;

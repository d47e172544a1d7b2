-- Revoked tokens, so that a logout survives a restart. They outlive the account, hence no foreign key.

-- +up
CREATE TABLE session_revocation (
    user_id     UUID        NOT NULL,
    token_id    TEXT        NOT NULL, -- '': all of the user's
    kind        SMALLINT    NOT NULL, -- 0 session tokens, 1 refresh tokens, 2 both
    before      BIGINT      NOT NULL, -- Unix seconds
    expiry_time TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (user_id, token_id, kind)
);
CREATE INDEX session_revocation_expiry_time_idx ON session_revocation (expiry_time);

-- +down
DROP TABLE session_revocation;

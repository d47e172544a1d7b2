-- +up
ALTER TABLE subscription
    ADD COLUMN raw_response     JSONB       NOT NULL DEFAULT '{}',
    ADD COLUMN raw_notification JSONB       NOT NULL DEFAULT '{}',
    ADD COLUMN refund_time      TIMESTAMPTZ NOT NULL DEFAULT '1970-01-01 00:00:00 UTC';

-- +down
ALTER TABLE subscription
    DROP COLUMN raw_response,
    DROP COLUMN raw_notification,
    DROP COLUMN refund_time;

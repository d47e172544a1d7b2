-- Validated subscriptions, and refunds of purchases.

-- +up
CREATE TABLE subscription (
    original_transaction_id VARCHAR(512) NOT NULL CHECK (length(original_transaction_id) > 0),
    create_time             TIMESTAMPTZ  NOT NULL DEFAULT now(),
    update_time             TIMESTAMPTZ  NOT NULL DEFAULT now(),
    environment             SMALLINT     NOT NULL DEFAULT 0,
    product_id              VARCHAR(512) NOT NULL,
    purchase_time           TIMESTAMPTZ  NOT NULL DEFAULT now(),
    store                   SMALLINT     NOT NULL DEFAULT 0,
    user_id                 UUID,
    expire_time             TIMESTAMPTZ  NOT NULL,
    PRIMARY KEY (original_transaction_id),
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE SET NULL
);
CREATE INDEX subscription_user_id_purchase_time_transaction_id_idx ON subscription (user_id DESC, purchase_time DESC, original_transaction_id DESC);
ALTER TABLE purchase ADD COLUMN refund_time TIMESTAMPTZ NOT NULL DEFAULT '1970-01-01 00:00:00 UTC';

-- +down
ALTER TABLE purchase DROP COLUMN refund_time;
DROP TABLE subscription;

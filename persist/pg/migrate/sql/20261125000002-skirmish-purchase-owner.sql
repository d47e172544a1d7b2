-- A user's purchases are looked up by the user when the account goes.

-- +up
CREATE INDEX purchase_owner_idx ON purchase (user_id);
CREATE INDEX subscription_owner_idx ON subscription (user_id);

-- +down
DROP INDEX IF EXISTS purchase_owner_idx, subscription_owner_idx;

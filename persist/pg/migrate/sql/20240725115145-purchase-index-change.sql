-- Listings go by time first.

-- +up
DROP INDEX purchase_user_id_purchase_time_transaction_id_idx;
DROP INDEX subscription_user_id_purchase_time_transaction_id_idx;
CREATE INDEX purchase_purchase_time_user_id_transaction_id_idx ON purchase (purchase_time DESC, user_id DESC, transaction_id DESC);
CREATE INDEX subscription_purchase_time_user_id_transaction_id_idx ON subscription (purchase_time DESC, user_id DESC, original_transaction_id DESC);

-- +down
DROP INDEX IF EXISTS purchase_purchase_time_user_id_transaction_id_idx;
DROP INDEX IF EXISTS subscription_purchase_time_user_id_transaction_id_idx;
CREATE INDEX purchase_user_id_purchase_time_transaction_id_idx ON purchase (user_id DESC, purchase_time DESC, transaction_id DESC);
CREATE INDEX subscription_user_id_purchase_time_transaction_id_idx ON subscription (user_id DESC, purchase_time DESC, original_transaction_id DESC);

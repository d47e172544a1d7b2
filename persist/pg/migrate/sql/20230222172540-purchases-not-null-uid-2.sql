-- From here on that holds by itself.

-- +up
ALTER TABLE purchase
    ALTER COLUMN user_id SET DEFAULT '00000000-0000-0000-0000-000000000000',
    ALTER COLUMN user_id SET NOT NULL,
    DROP CONSTRAINT purchase_user_id_fkey,
    ADD CONSTRAINT purchase_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE SET DEFAULT;
ALTER TABLE subscription
    ALTER COLUMN user_id SET DEFAULT '00000000-0000-0000-0000-000000000000',
    ALTER COLUMN user_id SET NOT NULL,
    DROP CONSTRAINT subscription_user_id_fkey,
    ADD CONSTRAINT subscription_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE SET DEFAULT;

-- +down
ALTER TABLE subscription
    ALTER COLUMN user_id DROP DEFAULT,
    ALTER COLUMN user_id DROP NOT NULL,
    DROP CONSTRAINT IF EXISTS subscription_user_id_fkey,
    ADD CONSTRAINT subscription_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE SET NULL;
ALTER TABLE purchase
    ALTER COLUMN user_id DROP DEFAULT,
    ALTER COLUMN user_id DROP NOT NULL,
    DROP CONSTRAINT IF EXISTS purchase_user_id_fkey,
    ADD CONSTRAINT purchase_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE SET NULL;

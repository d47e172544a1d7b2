-- What belonged to a deleted account belongs to the system user instead of to NULL.

-- +up
UPDATE purchase SET user_id = '00000000-0000-0000-0000-000000000000' WHERE user_id IS NULL;
UPDATE subscription SET user_id = '00000000-0000-0000-0000-000000000000' WHERE user_id IS NULL;

-- +down
UPDATE purchase SET user_id = NULL WHERE user_id = '00000000-0000-0000-0000-000000000000';
UPDATE subscription SET user_id = NULL WHERE user_id = '00000000-0000-0000-0000-000000000000';

-- Listings sort texts by their bytes. A database whose collation does something else needs indexes that do so.

-- +up
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_database d WHERE datname = current_database() AND (
        datcollate IN ('C', 'POSIX') AND coalesce(to_jsonb(d) ->> 'datlocprovider', 'c') = 'c' OR to_jsonb(d) ->> 'datlocprovider' = 'b')) THEN
        RETURN;
    END IF;
    CREATE INDEX users_username_bytewise_idx ON users (username COLLATE "C");
    CREATE INDEX storage_key_bytewise_idx ON storage (collection, key COLLATE "C", user_id);
    CREATE INDEX storage_read_bytewise_idx ON storage (collection, read, key COLLATE "C", user_id);
    CREATE INDEX storage_user_bytewise_idx ON storage (collection, user_id, read, key COLLATE "C");
END
$$;

-- +down
DROP INDEX IF EXISTS users_username_bytewise_idx, storage_key_bytewise_idx, storage_read_bytewise_idx, storage_user_bytewise_idx;

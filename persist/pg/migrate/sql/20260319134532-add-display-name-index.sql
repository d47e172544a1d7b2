-- Search by display name. Without the extension, or without the right to create it, the search works and reads all users.

-- +up
DO $$
BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE INDEX users_display_name_idx ON users USING gin (display_name gin_trgm_ops);
EXCEPTION WHEN insufficient_privilege OR feature_not_supported OR undefined_file OR undefined_object THEN
    RAISE WARNING 'display names are searched without an index, since extension pg_trgm cannot be created: %', SQLERRM;
END
$$;

-- +down
DROP INDEX IF EXISTS users_display_name_idx;

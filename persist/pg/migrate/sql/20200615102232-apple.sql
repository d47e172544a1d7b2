-- +up
ALTER TABLE users ADD COLUMN apple_id VARCHAR(128) UNIQUE;

-- +down
ALTER TABLE users DROP COLUMN apple_id;

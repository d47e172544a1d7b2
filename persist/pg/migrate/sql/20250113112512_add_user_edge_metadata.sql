-- +up
ALTER TABLE user_edge ADD COLUMN metadata JSONB NOT NULL DEFAULT '{}';

-- +down
ALTER TABLE user_edge DROP COLUMN metadata;

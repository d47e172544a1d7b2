-- +up
ALTER TABLE users ADD COLUMN facebook_instant_game_id VARCHAR(128) UNIQUE;

-- +down
ALTER TABLE users DROP COLUMN facebook_instant_game_id;

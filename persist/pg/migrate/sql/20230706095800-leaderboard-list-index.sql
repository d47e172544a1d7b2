-- +up
CREATE INDEX leaderboard_create_time_id_idx ON leaderboard (create_time, id);

-- +down
DROP INDEX IF EXISTS leaderboard_create_time_id_idx;

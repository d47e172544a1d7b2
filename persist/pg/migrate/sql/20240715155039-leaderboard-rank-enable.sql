-- +up
ALTER TABLE leaderboard ADD COLUMN enable_ranks BOOLEAN DEFAULT true;

-- +down
ALTER TABLE leaderboard DROP COLUMN enable_ranks;

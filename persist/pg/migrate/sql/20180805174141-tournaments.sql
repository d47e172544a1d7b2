-- A leaderboard with a duration is a tournament.

-- +up
ALTER TABLE leaderboard
    ADD COLUMN category      SMALLINT     NOT NULL DEFAULT 0 CHECK (category >= 0),
    ADD COLUMN description   VARCHAR(255) NOT NULL DEFAULT '',
    ADD COLUMN duration      INT          NOT NULL DEFAULT 0 CHECK (duration >= 0),
    ADD COLUMN end_time      TIMESTAMPTZ  NOT NULL DEFAULT '1970-01-01 00:00:00 UTC',
    ADD COLUMN join_required BOOLEAN      NOT NULL DEFAULT false,
    ADD COLUMN max_size      INT          NOT NULL DEFAULT 100000000 CHECK (max_size > 0),
    ADD COLUMN max_num_score INT          NOT NULL DEFAULT 1000000 CHECK (max_num_score > 0),
    ADD COLUMN title         VARCHAR(255) NOT NULL DEFAULT '',
    ADD COLUMN size          INT          NOT NULL DEFAULT 0 CHECK (size >= 0),
    ADD COLUMN start_time    TIMESTAMPTZ  NOT NULL DEFAULT now();
ALTER TABLE leaderboard_record ADD COLUMN max_num_score INT NOT NULL DEFAULT 1000000 CHECK (max_num_score > 0);
CREATE INDEX leaderboard_duration_start_time_end_time_category_idx ON leaderboard (duration, start_time, end_time DESC, category);

-- +down
DROP INDEX IF EXISTS leaderboard_duration_start_time_end_time_category_idx;
ALTER TABLE leaderboard_record DROP COLUMN max_num_score;
ALTER TABLE leaderboard
    DROP COLUMN category,
    DROP COLUMN description,
    DROP COLUMN duration,
    DROP COLUMN end_time,
    DROP COLUMN join_required,
    DROP COLUMN max_size,
    DROP COLUMN max_num_score,
    DROP COLUMN title,
    DROP COLUMN size,
    DROP COLUMN start_time;

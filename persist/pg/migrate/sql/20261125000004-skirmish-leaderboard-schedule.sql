-- How far what happens to leaderboards and tournaments by the clock has come, so that each end and reset happens once.

-- +up
CREATE TABLE leaderboard_schedule (
    leaderboard_id VARCHAR(128) NOT NULL PRIMARY KEY REFERENCES leaderboard (id) ON DELETE CASCADE,
    end_time       TIMESTAMPTZ  NOT NULL, -- of the last end that was taken up
    end_attempts   SMALLINT     NOT NULL, -- 0: its function has returned
    reset_time     TIMESTAMPTZ  NOT NULL,
    reset_attempts SMALLINT     NOT NULL,
    size_expiry    TIMESTAMPTZ  NOT NULL, -- of the period whose entrants leaderboard.size counts
    closed_expiry  TIMESTAMPTZ  NOT NULL, -- of the one before,
    closed_size    INTEGER      NOT NULL  -- and how many it had
);

-- +down
DROP TABLE leaderboard_schedule;

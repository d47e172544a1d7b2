-- +up
ALTER TABLE console_user
    ADD COLUMN mfa_secret         BYTEA,
    ADD COLUMN mfa_recovery_codes BYTEA,
    ADD COLUMN mfa_required       BOOLEAN DEFAULT false;

-- +down
ALTER TABLE console_user
    DROP COLUMN mfa_secret,
    DROP COLUMN mfa_recovery_codes,
    DROP COLUMN mfa_required;

-- Permissions by resource take the place of four roles. Only an administrator stays one by itself.

-- +up
ALTER TABLE console_user ADD COLUMN acl JSONB NOT NULL DEFAULT '{"admin": false}';
UPDATE console_user SET acl = '{"admin": true}' WHERE role = 1;
ALTER TABLE console_user DROP COLUMN role;

-- +down
ALTER TABLE console_user ADD COLUMN role SMALLINT NOT NULL DEFAULT 4 CHECK (role >= 1);
UPDATE console_user SET role = 1 WHERE acl @> '{"admin": true}';
ALTER TABLE console_user DROP COLUMN acl;

-- Listings of open or closed groups each follow an index, and so does the search by name. Memberships are looked up by the
-- user when the account goes.

-- +up
CREATE INDEX groups_state_update_time_idx ON groups (disable_time, state, update_time, edge_count, id);
CREATE INDEX groups_state_lang_tag_idx ON groups (disable_time, state, lang_tag, edge_count, id);
CREATE INDEX IF NOT EXISTS group_edge_destination_id_idx ON group_edge (destination_id, source_id);
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_database d WHERE datname = current_database() AND (
        datcollate IN ('C', 'POSIX') AND coalesce(to_jsonb(d) ->> 'datlocprovider', 'c') = 'c' OR to_jsonb(d) ->> 'datlocprovider' = 'b')) THEN
        CREATE INDEX groups_state_edge_count_idx ON groups (disable_time, state, edge_count, lang_tag, id);
    ELSE
        CREATE INDEX groups_state_edge_count_idx ON groups (disable_time, state, edge_count, lang_tag COLLATE "C", id);
        CREATE INDEX groups_name_bytewise_idx ON groups (name COLLATE "C");
    END IF;
END
$$;

-- +down
DROP INDEX IF EXISTS groups_state_update_time_idx, groups_state_lang_tag_idx, group_edge_destination_id_idx, groups_state_edge_count_idx,
    groups_name_bytewise_idx;

-- name: bound_waiting
-- Whoever holds a table for long is an obstacle too.
select set_config('lock_timeout', '5s', true), set_config('statement_timeout', '10s', true)

-- name: missing_rights
-- What every message may need to do, and this user may not.
select string_agg(lower(wanted.action) || ' ' || wanted.name, ', ')
from (
    values
    ('measurement', 'INSERT'), ('measurement', 'SELECT'),
    ('text_measurement', 'INSERT'), ('text_measurement', 'SELECT'),
    ('delivery_ledger', 'INSERT'), ('delivery_ledger', 'UPDATE'), ('delivery_ledger', 'SELECT'),
    ('delivery_lag', 'INSERT'), ('delivery_lag', 'UPDATE'),
    ('dirty_window', 'INSERT'), ('dirty_window', 'UPDATE'),
    ('edge_status', 'INSERT'), ('edge_status', 'UPDATE'),
    ('tag', 'INSERT'), ('tag', 'UPDATE'), ('tag', 'SELECT'),
    ('rejection', 'INSERT'), ('rejection', 'SELECT'),
    ('edge', 'SELECT'), ('place', 'SELECT')
) as wanted (name, action)
where not has_table_privilege(wanted.name, wanted.action)

-- name: harmless_number
-- No tag has this number, and the row is never committed.
insert into measurement (tag_id, source_time, received_time, value, quality)
values (0, now(), now(), 0, 0)

-- name: harmless_text
-- The same for texts.
insert into text_measurement (tag_id, source_time, received_time, value, quality)
values (0, now(), now(), '', 0)

-- name: bound_room
-- What does not fit into so little memory is written to files, beside the tables.
select
    set_config('work_mem', '64kB', true), set_config('temp_tablespaces', '', true),
    set_config('statement_timeout', '10s', true)

-- name: harmless_room
-- 32 MB: more than a message needs at once. Files of work leave nothing behind.
with room as materialized (select repeat('x', 8000) as line from generate_series(1, 4096))
select max(length(line)) from room

-- name: insert_correction
insert into quantity_correction (
    work_unit_id, kind, quantity, produced_at, booked_at, reason_code, comment, role, client_id
) values (
    %(unit_id)s, %(kind)s, %(quantity)s, %(produced_at)s, %(booked_at)s, %(reason_code)s,
    %(comment)s, %(role)s, %(client_id)s
)
on conflict (client_id) do nothing
returning correction_id

-- name: find_correction
-- What an earlier request of the same client id said.
select correction_id, work_unit_id, kind, quantity, produced_at
from quantity_correction
where client_id = %(client_id)s

-- name: mark_hour
-- The hour of production is out of date.
insert into dirty_window (work_unit_id, hour, marked_at, cause)
values (%(unit_id)s, date_trunc('hour', %(produced_at)s, 'UTC'), %(booked_at)s, 'correction')
on conflict (work_unit_id, hour) do update set
    revision = dirty_window.revision + 1, marked_at = excluded.marked_at, cause = excluded.cause

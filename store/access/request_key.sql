-- name: forget
-- Those whose time is over, some at a time.
delete from access.request_key
where ctid = any(array(
    select ctid from access.request_key where expires_at < %(now)s limit 100 for update skip locked
))

-- name: begin
-- No row when there is the name already.
insert into access.request_key (consumer, key_hash, digest, expires_at, decided)
values (%(consumer)s, %(key)s, %(digest)s, %(expires_at)s, %(decided)s)
on conflict do nothing
returning true

-- name: known
-- What became of it.
select digest, decided, status, content_type, content
from access.request_key
where consumer = %(consumer)s and key_hash = %(key)s

-- name: finish
-- It was answered.
update access.request_key
set status = %(status)s, content_type = %(content_type)s, content = %(content)s
where consumer = %(consumer)s and key_hash = %(key)s

-- name: release
-- Nothing came of it, so that it may be tried again.
delete from access.request_key
where consumer = %(consumer)s and key_hash = %(key)s and status is null

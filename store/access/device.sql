-- name: add
-- Waits for its code to be used.
insert into access.device (path, name, code_hash, code_expires_at, made_at)
values (%(path)s, %(name)s, %(code)s, %(expires_at)s, %(now)s)
returning device_id

-- name: enrol
-- Once, and in time.
update access.device set token_hash = %(token)s, enrolled_at = %(now)s, seen_at = %(now)s
where code_hash = %(code)s and token_hash is null and revoked_at is null
and code_expires_at > %(now)s
returning device_id, path, name, made_at, enrolled_at, seen_at, revoked_at, code_expires_at

-- part: device
select device_id, path, name, made_at, enrolled_at, seen_at, revoked_at, code_expires_at
from access.device

-- name: by_token
-- Whatever has become of it.
{device}
where token_hash = %(token)s

-- name: by_id
-- As it is now.
{device}
where device_id = %(device_id)s

-- name: of_enterprise
-- Every one of an enterprise, those in use first.
{device}
where split_part(path, '/', 1) = %(enterprise)s
order by revoked_at is not null, path, name, device_id
limit 1000

-- name: touch
-- It is in use; said once a minute.
update access.device set seen_at = %(now)s
where device_id = %(device_id)s and seen_at < %(now)s - interval '1 minute'

-- name: revoke
-- From now on it is good for nothing.
update access.device set revoked_at = %(now)s
where device_id = %(device_id)s and revoked_at is null

-- name: edge
-- The edge of a path enterprise/site/edge; locked, so that what is decided of it stays true.
select edge.edge_id, place.path || '/' || edge.code, edge.revoked_at
from edge
inner join place on place.place_id = edge.site_id
where place.path || '/' || edge.code = %(edge)s
for update of edge

-- name: put_token
-- Only its digest is stored.
insert into enrolment_token (token_hash, edge_id, made_at, expires_at)
values (%(token_hash)s, %(edge_id)s, %(now)s, %(expires_at)s)
on conflict (token_hash) do nothing

-- name: token
-- Locked: of two that use it at once, the second one sees that it is used.
select edge_id, expires_at, used_at
from enrolment_token
where token_hash = %(token_hash)s
for update

-- name: use_token
-- A token is used once.
update enrolment_token set used_at = %(now)s where token_hash = %(token_hash)s

-- name: certificate_of_key
-- What the key has been given already, if it is still good.
select pem, token_hash
from edge_certificate
where edge_id = %(edge_id)s and key_hash = %(key_hash)s and revoked_at is null

-- name: certificate
-- When a certificate of this edge with this number retires or retired, if it is not revoked.
select retires_at
from edge_certificate
where edge_id = %(edge_id)s and serial = %(serial)s and revoked_at is null

-- name: retire
-- All certificates of the edge but the new one; those that retire already keep their moment.
update edge_certificate set retires_at = %(retires_at)s
where edge_id = %(edge_id)s and serial <> %(serial)s and retires_at is null

-- name: put_certificate
-- Not for a key that had a certificate before, of whatever edge.
insert into edge_certificate (
    serial, edge_id, key_hash, token_hash, begins_at, expires_at, pem
)
values (
    %(serial)s, %(edge_id)s, %(key_hash)s, %(token_hash)s, %(begins_at)s, %(expires_at)s, %(pem)s
)
on conflict (key_hash) do nothing

-- name: readmit
-- An edge that enrols again is welcome again; its old certificates stay revoked.
update edge set revoked_at = null where edge_id = %(edge_id)s

-- name: revoke_edge
-- From now on nothing in its name is accepted.
update edge set revoked_at = coalesce(revoked_at, %(now)s) where edge_id = %(edge_id)s

-- name: revoke_certificates
-- All that it has.
update edge_certificate set revoked_at = %(now)s where edge_id = %(edge_id)s and revoked_at is null
returning serial

-- name: withdraw_tokens
-- Those not yet used are of no use any more.
update enrolment_token set used_at = %(now)s where edge_id = %(edge_id)s and used_at is null

-- name: revoked
-- For the revocation list: also those expired meanwhile, as clocks differ, and those that retired.
select serial, coalesce(revoked_at, retires_at)
from edge_certificate
where revoked_at is not null or retires_at <= %(now)s
order by 2, 1

-- name: lock_revocations
-- One list is made at a time, so that a later one always holds what an earlier one holds.
select pg_advisory_xact_lock(7461006)

-- name: record
-- The trail.
insert into identity_event (recorded_at, edge_id, who, action, detail)
values (%(now)s, %(edge_id)s, %(who)s, %(action)s, %(detail)s)

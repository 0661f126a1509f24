-- name: add_organisation
-- Once each.
insert into access.organisation (code, kind, name_vi, enterprise)
values (%(code)s, %(kind)s, %(name)s, %(enterprise)s)
on conflict (code) do update set name_vi = excluded.name_vi
returning organisation_id

-- name: add_account
-- Somebody new; no row when there is the login already.
insert into access.account (organisation_id, login, name, role, made_at, expires_at)
values (%(organisation_id)s, lower(%(login)s), %(name)s, %(role)s, %(now)s, %(expires_at)s)
on conflict (login) do nothing
returning account_id

-- part: account
select
    a.account_id, a.login, a.name, a.role, o.code as organisation, o.kind as organisation_kind,
    o.enterprise, a.password_hash, a.password_set_at, a.totp_secret, a.totp_step, a.made_at,
    a.expires_at, a.used_at, a.disabled_at, a.wrong_tries, a.locked_until
from access.account a
join access.organisation o using (organisation_id)

-- name: by_login
-- For a sign-in: locked, so that tries at the same time are counted one by one.
{account}
where a.login = lower(%(login)s)
for update of a

-- name: by_id
-- As it is now.
{account}
where a.account_id = %(account_id)s

-- name: accounts
-- Everybody.
{account}
order by a.login

-- name: note_wrong
-- One more wrong try.
update access.account set wrong_tries = %(tries)s, locked_until = %(locked_until)s
where account_id = %(account_id)s

-- name: note_right
-- Nothing is held against them any more; the code's time step is used up.
update access.account set
    wrong_tries = 0, locked_until = null, used_at = %(now)s, totp_step = %(step)s
where account_id = %(account_id)s

-- name: set_password
-- The old one is gone; so is what was held against the account.
update access.account set
    password_hash = %(hash)s, password_set_at = %(now)s, used_at = %(now)s, wrong_tries = 0,
    locked_until = null
where account_id = %(account_id)s

-- name: set_second_factor
-- Null takes it away.
update access.account set totp_secret = %(secret)s, totp_step = %(step)s
where account_id = %(account_id)s

-- name: close_second_factor
-- The same, encrypted.
update access.account set totp_secret = %(secret)s where account_id = %(account_id)s

-- name: set_disabled
-- Null lets them in again; the time of disuse counts from then on.
update access.account set disabled_at = %(at)s, used_at = %(now)s where login = lower(%(login)s)
returning account_id

-- name: drop_codes
-- New ones replace all.
delete from access.recovery_code where account_id = %(account_id)s

-- name: add_code
-- Its digest.
insert into access.recovery_code (code_hash, account_id) values (%(hash)s, %(account_id)s)

-- name: use_code
-- A code is good once.
delete from access.recovery_code
where account_id = %(account_id)s and code_hash = %(hash)s

-- name: add_link
-- Its digest.
insert into access.link (link_hash, account_id, expires_at)
values (%(hash)s, %(account_id)s, %(expires_at)s)

-- name: use_link
-- Once, and in time.
update access.link set used_at = %(now)s
where link_hash = %(hash)s and used_at is null and expires_at > %(now)s
returning account_id

-- name: link_owner
-- Whose it is, while it is good.
select account_id from access.link
where link_hash = %(hash)s and used_at is null and expires_at > %(now)s

-- name: add_session
-- From a sign-in on.
insert into access.session (session_hash, account_id, began_at, seen_at, address, strong)
values (%(hash)s, %(account_id)s, %(now)s, %(now)s, %(address)s, %(strong)s)

-- name: session
-- With whose it is.
select began_at, seen_at, strong, account_id from access.session where session_hash = %(hash)s

-- name: touch_session
-- It is in use. Not written each time: that would be a row and a wait for the disk at each look.
update access.session set seen_at = %(now)s
where session_hash = %(hash)s and seen_at not between %(now)s - interval '5 s' and %(now)s

-- name: end_session
-- Signed out, or too old.
delete from access.session where session_hash = %(hash)s

-- name: end_sessions
-- All of an account.
delete from access.session where account_id = %(account_id)s

-- name: add_token
-- Its digest.
insert into access.token (
    token_hash, token_id, account_id, kind, name, rights, made_at, expires_at
)
values (
    %(hash)s, %(token_id)s, %(account_id)s, %(kind)s, %(name)s, %(rights)s, %(now)s, %(expires_at)s
)

-- name: token
-- With whose it is and what for, while it is good.
select token_id, account_id, kind, name, rights, made_at, expires_at, used_at from access.token
where token_hash = %(hash)s and revoked_at is null and expires_at > %(now)s

-- name: tokens
-- Those of an account that were not revoked; short-lived ones are not listed.
select token_id, account_id, kind, name, rights, made_at, expires_at, used_at from access.token
where account_id = %(account_id)s and revoked_at is null and kind <> 'bearer'
order by made_at

-- name: touch_token
-- It is in use; see touch_session.
update access.token set used_at = %(now)s
where
    token_hash = %(hash)s
    and (used_at is null or used_at not between %(now)s - interval '5 s' and %(now)s)

-- name: revoke_token
-- From now on it is good for nothing.
update access.token set revoked_at = %(now)s
where token_id = %(token_id)s and account_id = %(account_id)s and revoked_at is null

-- name: by_outside_identity
-- Whose account somebody of a provider of identities is.
select account_id from access.outside_identity
where issuer = %(issuer)s and subject = %(subject)s

-- name: add_outside_identity
-- Once per account and provider.
insert into access.outside_identity (issuer, subject, account_id, since)
values (%(issuer)s, %(subject)s, %(account_id)s, %(now)s)
on conflict do nothing

-- name: drop_outside_identities
-- Who lost an identity there is found anew by the login.
delete from access.outside_identity where account_id = %(account_id)s

-- name: append_audit
-- Number, time and hash are the database's to give.
select access.append_audit(%(said)s)

-- name: audit
-- For whoever owns the database.
select audit_id, entry, hash from access.audit where audit_id > %(after)s order by audit_id

-- name: audit_end
-- The last.
select audit_id, hash from access.audit order by audit_id desc limit 1

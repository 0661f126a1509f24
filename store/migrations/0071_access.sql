-- Who may come in, and what was done. In a schema of its own: no role that reads figures sees it.

create schema access;

-- The department, each enterprise, consultants.
create table access.organisation (
    organisation_id integer generated always as identity primary key,
    code text not null unique,
    kind text not null check (kind in ('department', 'enterprise', 'consultant')),
    name_vi text not null,
    -- The enterprise whose data its people see; of the department and of consultants none.
    enterprise text check ((kind = 'enterprise') = (enterprise is not null))
);

create table access.account (
    account_id integer generated always as identity primary key,
    organisation_id integer not null references access.organisation,
    -- As it is typed in, in small letters.
    login text not null unique check (login = lower(login)),
    name text not null,
    role text not null,
    -- Argon2id, with its salt and costs. Null until the first sign-in by a one-time link.
    password_hash text,
    password_set_at timestamptz,
    -- Shared secret of the second factor (TOTP); null while there is none.
    totp_secret text,
    -- The last time step that was taken: a code is good once.
    totp_step bigint not null default 0,
    made_at timestamptz not null,
    expires_at timestamptz,
    used_at timestamptz,
    disabled_at timestamptz,
    wrong_tries integer not null default 0,
    locked_until timestamptz
);

-- Digests of the codes that stand in for the second factor, once each.
create table access.recovery_code (
    code_hash bytea primary key,
    account_id integer not null references access.account
);

-- One-time links by which somebody sets a password.
create table access.link (
    link_hash bytea primary key,
    account_id integer not null references access.account,
    expires_at timestamptz not null,
    used_at timestamptz
);

create table access.session (
    session_hash bytea primary key,
    account_id integer not null references access.account,
    began_at timestamptz not null,
    seen_at timestamptz not null,
    address text not null,
    -- Whether the second factor was shown.
    strong boolean not null
);

create index session_account on access.session (account_id);

-- Tokens of programs: personal ones, and secrets of clients (OAuth 2.0 client credentials), which get
-- short-lived ones for them. Only digests are kept.
create table access.token (
    token_hash bytea primary key,
    token_id text not null unique,
    account_id integer not null references access.account,
    kind text not null check (kind in ('personal', 'client', 'bearer')),
    name text not null,
    rights text[] not null,
    made_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    revoked_at timestamptz
);

-- Append-only, each row chained to the one before by its hash: SHA-256 of the hash before and of the
-- entry (JSON) in UTF-8. Rows come in by the function below alone.
create table access.audit (
    audit_id bigint primary key,
    entry text not null,
    hash bytea not null
);

create function access.append_audit(said jsonb) returns bigint
language plpgsql security definer
set search_path = access, pg_temp
as $$
declare
    last access.audit;
    entry text;
    id bigint;
begin
    -- One at a time: the chain has no branches.
    perform pg_advisory_xact_lock(7461009);
    select * into last from access.audit order by audit_id desc limit 1;
    id := coalesce(last.audit_id, 0) + 1;
    -- Number and time are ours to give.
    entry := (
        said || jsonb_build_object(
            'id', id, 'at', to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
        )
    )::text;
    insert into access.audit (audit_id, entry, hash)
    values (id, entry, sha256(coalesce(last.hash, '\x') || convert_to(entry, 'UTF8')));
    return id;
end
$$;

revoke all on function access.append_audit (jsonb) from public;

-- Which login reads what of which enterprise; the department's has none.
create table access.tenant (
    role_name name primary key,
    enterprise text unique
);

-- Shared tablets: known as a place, never as a person.

create table access.device (
    device_id integer generated always as identity primary key,
    -- The place at which it stands, and below which it may do something.
    path text not null,
    -- What people call it, such as "Máy tính bảng chuyền 1".
    name text not null,
    -- Digest of the code by which it enrols, once and in time.
    code_hash bytea not null unique,
    code_expires_at timestamptz not null,
    -- Digest of what it shows from then on; null until the code was used.
    token_hash bytea unique,
    made_at timestamptz not null,
    enrolled_at timestamptz,
    seen_at timestamptz,
    revoked_at timestamptz
);

-- By paths of an enterprise.
create index device_path on access.device (path text_pattern_ops);

-- Who edges are: one-time tokens to enrol with, the certificates given out, and the trail.

-- While this is set nothing that comes in the edge's name is accepted.
alter table edge add column revoked_at timestamptz;

create table enrolment_token (
    -- SHA-256; the token itself is known to whoever was given it, and to nobody else.
    token_hash bytea primary key,
    edge_id integer not null references edge,
    made_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz
);

create table edge_certificate (
    -- Hexadecimal serial number.
    serial text primary key,
    edge_id integer not null references edge,
    -- SHA-256 of the public key. A key has one certificate: who asks again gets the same.
    key_hash bytea not null unique,
    token_hash bytea references enrolment_token,
    begins_at timestamptz not null,
    expires_at timestamptz not null,
    revoked_at timestamptz,
    pem text not null
);

create index edge_certificate_edge on edge_certificate (edge_id, expires_at);

-- Append-only.
create table identity_event (
    identity_event_id bigint generated always as identity primary key,
    recorded_at timestamptz not null,
    edge_id integer not null references edge,
    who text not null,
    action text not null check (action in ('invited', 'enrolled', 'renewed', 'revoked')),
    detail text not null default ''
);

create index identity_event_edge on identity_event (edge_id, recorded_at);

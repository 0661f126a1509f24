-- Edges, their tags, what they measured, and the ledger that proves it complete.

create table edge (
    edge_id integer generated always as identity primary key,
    site_id integer not null references place,
    code text not null,
    unique (site_id, code)
);

create table tag (
    tag_id integer generated always as identity primary key,
    site_id integer not null references place,
    work_unit_id integer not null references place,
    edge_id integer not null references edge,
    name text not null,
    value_type text not null check (value_type in ('number', 'text')),
    role text not null default 'none',
    unit text not null default '',
    description text not null default '',
    low double precision,
    high double precision,
    counter_modulus double precision,
    max_rate_per_s double precision,
    max_silence_s double precision not null default 60,
    unique (site_id, name)
);

create index tag_work_unit on tag (work_unit_id, role);

-- Append-only. No unique index: the delivery ledger keeps repeats out, by arithmetic.
-- quality: 0 good, 1 uncertain, 2 bad (value may then be null).
create table measurement (
    tag_id integer not null,
    source_time timestamptz not null,
    received_time timestamptz not null,
    value double precision,
    quality smallint not null
);

create index measurement_tag_time on measurement (tag_id, source_time desc);

create table text_measurement (
    tag_id integer not null,
    source_time timestamptz not null,
    received_time timestamptz not null,
    value text,
    quality smallint not null
);

create index text_measurement_tag_time on text_measurement (tag_id, source_time desc);

-- Which outbox ids of an edge are committed. Written in the transaction that writes their rows.
create table delivery_ledger (
    edge_id integer not null references edge,
    epoch text not null,
    committed int8multirange not null default '{}',
    -- Ids that were committed but whose measurement went to `rejection`.
    rejected_count bigint not null default 0,
    duplicate_count bigint not null default 0,
    -- Ids the edge declared as given up (outbox full); a gap with a reason.
    dropped int8multirange not null default '{}',
    -- Highest id the edge says it gave out.
    issued_id bigint not null default 0,
    first_commit_at timestamptz,
    last_commit_at timestamptz,
    primary key (edge_id, epoch)
);

-- The latest heartbeat of each edge.
create table edge_status (
    edge_id integer primary key references edge,
    online boolean not null,
    epoch text not null,
    reported_at timestamptz not null,
    agent_version text,
    issued_id bigint,
    pending bigint,
    oldest_pending_time timestamptz,
    sampled_time timestamptz,
    dropped bigint,
    buffer_hours_left double precision,
    clock_offset_ms double precision,
    unreachable text[] not null default '{}'
);

-- What could not be accepted, with its raw form. `raw` is the whole message where it could not
-- be read, else the one measurement as JSON.
create table rejection (
    rejection_id bigint generated always as identity primary key,
    received_time timestamptz not null,
    topic text not null,
    edge_id integer references edge,
    epoch text,
    row_id bigint,
    tag_name text,
    reason text not null,
    detail text not null,
    raw bytea not null,
    replayed_at timestamptz
);

create index rejection_reason on rejection (reason, received_time);

create index rejection_repeat on rejection (topic, row_id) where row_id is not null;

-- Hours of a work unit whose figures are out of date. Written with the data that made them so;
-- a recomputation removes the row only if `revision` is still the one it read.
create table dirty_window (
    work_unit_id integer not null references place,
    hour timestamptz not null,
    revision bigint not null default 1,
    marked_at timestamptz not null,
    primary key (work_unit_id, hour)
);

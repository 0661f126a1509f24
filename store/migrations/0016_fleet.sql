-- What people who look after the edges need: how long data take, and what edges were told to read.

-- Time from the source of a measurement to its commit: counts per edge, hour of the commit and
-- bucket (plant/lag.py says which times a bucket holds). Written in the transaction that writes the
-- measurements. Adding rows up gives the histogram of any span and any group of edges.
create table delivery_lag (
    edge_id integer not null references edge,
    hour timestamptz not null,
    bucket smallint not null,
    count bigint not null,
    primary key (edge_id, hour, bucket)
);

-- Every set of sources that was pushed to an edge: by whom, why, and what became of it. The edge's
-- heartbeats change `state`; `said` are its own words.
create table edge_configuration (
    edge_id integer not null references edge,
    version bigint not null check (version > 0),
    sources text not null,
    sha256 text not null,
    pushed_at timestamptz not null,
    pushed_by text not null check (pushed_by <> ''),
    why text not null check (why <> ''),
    state text not null default 'pushed'
        check (state in ('pushed', 'trial', 'applied', 'refused', 'rolled_back')),
    said text,
    settled_at timestamptz,
    primary key (edge_id, version)
);

-- Null: what its own file says, or it never spoke of it.
alter table edge_status add column config_version bigint;
alter table edge_status add column config_error text;

create index rejection_edge on rejection (edge_id, epoch, reason) where replayed_at is null;

-- Detection of anomalies: models of machines, what they found, what people say of it, limits of
-- single tags, and what has to be told to whom.

create table anomaly_model (
    model_id integer generated always as identity primary key,
    work_unit_id integer not null references place,
    -- learning: goes through history up to `trial_to`; ready: waits for somebody who approves it;
    -- live: judges what comes; retired: may be taken back; refused: cannot be learned, or not wanted.
    status text not null check (status in ('learning', 'ready', 'live', 'retired', 'refused')),
    reason text not null check (reason in ('commissioning', 'maintenance', 'product', 'feedback')),
    tag_ids integer[] not null check (cardinality(tag_ids) between 1 and 512),
    step_ms integer not null check (step_ms between 100 and 3600000),
    -- Choices of the engineer; absent ones are the program's defaults.
    settings jsonb not null default '{}',
    -- Learned from [train_from, train_to), tried on [train_to, trial_to), then live.
    train_from timestamptz not null,
    train_to timestamptz not null check (train_to > train_from),
    trial_to timestamptz not null check (trial_to >= train_to),
    -- All rows up to here have been scored; those up to `final_until` are not looked at again.
    scored_until timestamptz,
    final_until timestamptz,
    rows_learned bigint not null default 0,
    -- What is missing, per regime, and why signals were left out; as the service last saw it.
    progress jsonb not null default '{}',
    -- SHA-256 of the rows learned from.
    data_hash text,
    false_per_day double precision,
    created_at timestamptz not null,
    created_by text not null,
    approved_at timestamptz,
    approved_by text,
    retired_at timestamptz
);

create unique index anomaly_model_live on anomaly_model (work_unit_id) where status = 'live';
create unique index anomaly_model_next on anomaly_model (work_unit_id)
where status in ('learning', 'ready');

-- What a model knew at a moment, as arrays without pickle; `version` is that of their meaning.
create table anomaly_state (
    model_id integer not null references anomaly_model on delete cascade,
    moment timestamptz not null,
    -- anchor: as approved; checkpoint: on the way.
    kind text not null check (kind in ('anchor', 'checkpoint')),
    version integer not null,
    content bytea not null,
    primary key (model_id, kind, moment)
);

create table anomaly_event (
    -- Names what it is about, so that it is the same after it was found again.
    event_id text primary key,
    work_unit_id integer not null references place,
    -- Null for what needs no model: limits, and data that stopped.
    model_id integer references anomaly_model on delete cascade,
    kind text not null
    check (kind in ('model', 'wear', 'stuck', 'range', 'gap', 'limit', 'silence')),
    tag_id integer references tag,
    start_time timestamptz not null,
    opened_at timestamptz not null,
    -- Null while it lasts.
    end_time timestamptz,
    peak double precision not null default 0,
    severity double precision not null default 0,
    -- Its level was taken for the new one, because it lasted too long.
    relearned boolean not null default false,
    -- Of history, before the model was approved.
    trial boolean not null default false,
    -- [{tag_id, share, deviation, actual, expected}], the largest share first.
    causes jsonb not null default '[]',
    -- {product, order, shift, state} at its start.
    context jsonb not null default '{}'
);

create index anomaly_event_unit on anomaly_event (work_unit_id, start_time desc);
create index anomaly_event_model on anomaly_event (model_id, opened_at);

-- What people say of events: added, never changed; the last word of a kind holds.
create table anomaly_remark (
    remark_id bigint generated always as identity primary key,
    client_id uuid not null unique,
    event_id text not null,
    work_unit_id integer not null references place,
    -- As the event was when it was said: late data may change it.
    model_id integer references anomaly_model on delete cascade,
    span_start timestamptz not null,
    span_end timestamptz not null,
    verdict text not null
    check (verdict in ('acknowledged', 'snoozed', 'not_anomaly', 'confirmed', 'reopened')),
    snoozed_until timestamptz check ((snoozed_until is not null) = (verdict = 'snoozed')),
    cause text not null default '',
    -- Of the stop it led to.
    stop_start timestamptz,
    said_at timestamptz not null,
    said_by text not null,
    -- From which scored moment on the model has learned it; null until it has.
    learned_from timestamptz
);

create index anomaly_remark_event on anomaly_remark (event_id, remark_id);
create index anomaly_remark_model on anomaly_remark (model_id) where verdict = 'not_anomaly';

-- Alarm limits of single tags (ISA-18.2). A change is a new row.
create table anomaly_limit (
    limit_id integer generated always as identity primary key,
    tag_id integer not null references tag,
    side text not null check (side in ('low', 'high')),
    value double precision not null,
    deadband double precision not null default 0 check (deadband >= 0),
    on_delay_s double precision not null default 0 check (on_delay_s >= 0),
    off_delay_s double precision not null default 0 check (off_delay_s >= 0),
    priority text not null check (priority in ('low', 'medium', 'high')),
    -- Local times of day in which it holds: [{"from": "06:00", "to": "14:00"}]; empty: always.
    windows jsonb not null default '[]',
    shelved_until timestamptz,
    shelved_by text,
    created_at timestamptz not null,
    created_by text not null,
    removed_at timestamptz,
    -- Where its judgement stands: readings up to `seen_until`, beyond the limit (or back) since.
    seen_until timestamptz,
    beyond_since timestamptz,
    back_since timestamptz,
    event_id text
);

create index anomaly_limit_tag on anomaly_limit (tag_id) where removed_at is null;

-- Where events are told.
create table anomaly_channel (
    channel_id integer generated always as identity primary key,
    site_id integer not null references place,
    kind text not null check (kind in ('webhook', 'email', 'mqtt')),
    target text not null,
    -- Signs what a webhook is sent.
    secret text not null default '',
    least_severity double precision not null default 0,
    -- Local times of day between which nothing is told; what is still open is told after.
    quiet_from time,
    quiet_to time,
    -- Null: told at once; else only what nobody has acknowledged for so long.
    escalate_after_s double precision check (escalate_after_s > 0),
    -- The same machine is not told of again for so long.
    repeat_after_s double precision not null default 900 check (repeat_after_s >= 0),
    created_at timestamptz not null,
    created_by text not null,
    removed_at timestamptz
);

-- What is to be told: written once per channel, event and step.
create table anomaly_message (
    message_id bigint generated always as identity primary key,
    channel_id integer not null references anomaly_channel,
    event_id text not null,
    step text not null check (step in ('opened', 'closed', 'escalated')),
    due_at timestamptz not null,
    attempts integer not null default 0,
    sent_at timestamptz,
    -- Not told after all, and why: repeated, over, maintenance, gave_up.
    dropped text,
    last_error text,
    unique (channel_id, event_id, step)
);

create index anomaly_message_due on anomaly_message (due_at)
where sent_at is null and dropped is null;

-- What people say of stops. Append-only: a correction is a further row, and the latest one holds.
-- A row belongs to the time it was given for, not to a row of `stop`: stops are derived again when
-- data come late, and what people said must survive that.

create table stop_classification (
    classification_id bigint generated always as identity primary key,
    work_unit_id integer not null references place,
    stop_start timestamptz not null,
    reason_code text not null,
    comment text not null default '',
    -- What the person was (operator, line engineer), never who.
    role text not null,
    -- Given by the page, so that a repeated request is one classification.
    client_id uuid not null unique,
    classified_at timestamptz not null,
    -- Until when the stop lasted as the person saw it; null marks only its beginning.
    stop_end timestamptz check (stop_end > stop_start)
);

create index stop_classification_unit on stop_classification (work_unit_id, stop_start);

alter table stop
    -- The reason the machine gave; `stop_reason` is what holds, a person's word before a machine's.
    add column machine_reason text,
    add column classification_id bigint references stop_classification;

update stop set machine_reason = stop_reason;

create index stop_overlap on stop (work_unit_id, end_time);

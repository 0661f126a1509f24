-- Parts found bad (or good after all) later than they were made. Append-only: what was wrong is
-- taken back by a further row with the opposite sign. A row amends the figures of the moment of
-- production; when it was booked is kept beside it.

create table quantity_correction (
    correction_id bigint generated always as identity primary key,
    work_unit_id integer not null references place,
    kind text not null check (kind in ('scrap', 'rework')),
    -- Parts that were counted as good and are not; negative for parts that are good after all.
    quantity double precision not null check (quantity <> 0 and quantity between -1e9 and 1e9),
    produced_at timestamptz not null,
    booked_at timestamptz not null,
    reason_code text,
    comment text not null default '',
    role text not null,
    client_id uuid not null unique
);

create index quantity_correction_unit on quantity_correction (work_unit_id, produced_at);

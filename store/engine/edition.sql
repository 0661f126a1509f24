-- name: timescale_usable
-- Installable and preloaded: a server that did not preload the library cannot create it. The
-- library's own setting tells; shared_preload_libraries is hidden from an owner who is no superuser.
select
    exists (select from pg_available_extensions where name = 'timescaledb')
    and current_setting('timescaledb.disable_load', true) is not null

-- name: timescale_license
-- No row without the extension.
select current_setting('timescaledb.license', true)
from pg_extension where extname = 'timescaledb'

-- name: create_extension
-- Needs a superuser unless one has created it before.
create extension if not exists timescaledb

-- name: create_hypertable
-- Our own index (tag, time) serves; the default one on time alone would only slow writing.
select create_hypertable(
    %(table)s::regclass, by_range('source_time', interval '1 day'),
    if_not_exists => true, migrate_data => true, create_default_indexes => false
)

-- name: create_history_function
-- What makes the next parts of the tables half a year wide, or a day again; see store/history.py. The
-- ingest does not own the tables.
create or replace function nhipmay_chunks_of_history(wide boolean) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    width interval := case when wide then interval '180 days' else interval '1 day' end;
begin
    perform set_chunk_time_interval('measurement', width);
    perform set_chunk_time_interval('text_measurement', width);
end
$$

-- name: create_history_function_of_nothing
-- Plain tables have no parts.
create or replace function nhipmay_chunks_of_history(wide boolean) returns void
language sql as $$ select $$

-- name: close_history_function
-- It works with the owner's rights: nobody calls it who was not told so (`grant_ingest`).
revoke all on function nhipmay_chunks_of_history (boolean) from public

-- name: create_minute_view
-- Good values only; a bad value is a gap, not a number.
create or replace view measurement_minute as
select
    tag_id,
    date_bin('1 minute', source_time, timestamptz '2000-01-01 00:00:00+00') as minute,
    count(*) as samples,
    avg(value) as mean,
    min(value) as low,
    max(value) as high
from measurement
where quality = 0
group by 1, 2

-- name: create_minute_index
-- Else the last hour would be looked for in all rows of a tag. The many rows of a minute share an entry.
create index if not exists measurement_tag_minute on measurement (
    tag_id, date_bin('1 minute', source_time, timestamptz '2000-01-01 00:00:00+00')
)

-- name: create_bucket_view
-- The same by TimescaleDB's own function, whose bounds become bounds of the time column.
create or replace view measurement_minute as
select
    tag_id,
    time_bucket('1 minute', source_time) as minute,
    count(*) as samples,
    avg(value) as mean,
    min(value) as low,
    max(value) as high
from measurement
where quality = 0
group by 1, 2

-- name: create_minute_aggregate
-- The same columns as the plain view.
create materialized view if not exists measurement_minute
with (timescaledb.continuous, timescaledb.materialized_only = false) as
select
    tag_id,
    time_bucket('1 minute', source_time) as minute,
    count(*) as samples,
    avg(value) as mean,
    min(value) as low,
    max(value) as high
from measurement
where quality = 0
group by 1, 2
with no data

-- name: remove_minute_policy
-- One that an earlier version made would stay as it is.
select remove_continuous_aggregate_policy('measurement_minute', if_exists => true)

-- name: add_minute_policy
-- Minutes that may still change are left to real-time aggregation. From the beginning of time: only
-- what was changed since is refreshed, and rows of a long outage or a replay are of any age.
select add_continuous_aggregate_policy(
    'measurement_minute',
    start_offset => null, end_offset => interval '5 minutes',
    schedule_interval => interval '5 minutes', if_not_exists => true
)

-- name: enable_columnstore_measurement
-- One tag is read over a time at a time.
alter table measurement set (
    timescaledb.compress, timescaledb.compress_segmentby = 'tag_id',
    timescaledb.compress_orderby = 'source_time desc'
)

-- name: enable_columnstore_text_measurement
-- One tag is read over a time at a time.
alter table text_measurement set (
    timescaledb.compress, timescaledb.compress_segmentby = 'tag_id',
    timescaledb.compress_orderby = 'source_time desc'
)

-- name: add_columnstore_policy_measurement
-- Late data seldom arrive after the outbox limit of days, so two weeks stay row-wise.
select add_compression_policy('measurement', interval '14 days', if_not_exists => true)

-- name: add_columnstore_policy_text_measurement
-- Late data seldom arrive after the outbox limit of days, so two weeks stay row-wise.
select add_compression_policy('text_measurement', interval '14 days', if_not_exists => true)

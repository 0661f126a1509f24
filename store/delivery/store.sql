-- What the ingest asks and writes, all of a group in one transaction (see ingest.commit.transaction).
-- Whatever several workers write is written in one order, and their locks are taken in one: of two
-- that took the same rows the other way round, PostgreSQL would end one.

-- name: commit_to_disk
-- What a server with asynchronous commits calls committed may be lost when it crashes.
select set_config('synchronous_commit', 'on', false)
where current_setting('synchronous_commit') = 'off'

-- name: edges
-- Who may report, whether they are there, were turned out, and can show who they are.
select
    edge.edge_id, edge.site_id, place.path, edge.code, coalesce(edge_status.online, false),
    edge.revoked_at is not null,
    exists (
        select from edge_certificate as own
        where own.edge_id = edge.edge_id and own.revoked_at is null and own.expires_at > now()
    )
from edge
inner join place on place.place_id = edge.site_id
left join edge_status on edge_status.edge_id = edge.edge_id

-- part: tag_rows
select
    tag.tag_id, tag.edge_id, tag.work_unit_id,
    exists (
        select from energy_meter meter
        where meter.site_id = tag.site_id and meter.tag_name = tag.name
    ),
    tag.name, place.path, tag.value_type, tag.role, tag.unit, tag.description,
    tag.low, tag.high, tag.counter_modulus, tag.max_rate_per_s, tag.max_silence_s
from tag
inner join place on place.place_id = tag.work_unit_id

-- name: tags
-- In the order of the columns of TagRow and Tag.
{tag_rows}
where tag.site_id = %(site)s and tag.edge_id = any(%(edges)s::integer[])

-- name: tags_about
-- Those of some names, and those with a role, as a machine has each role once.
{tag_rows}
where
    tag.site_id = %(site)s
    -- Not any(): of an array of thousands it tries one after the other for each tag.
    and (tag.role <> 'none' or tag.name in (select unnest(%(names)s::text[])))

-- name: tags_named
{tag_rows}
inner join unnest(%(names)s::text[]) as wanted (name) on wanted.name = tag.name
where tag.site_id = %(site)s

-- name: tag_versions
-- Of each site a value that changes with its tags, however many they are.
select site.id, coalesce(tag_version.version::text, '')
from unnest(%(sites)s::integer[]) as site (id)
left join tag_version on tag_version.site_id = site.id

-- name: work_units
-- Machines of a site: site, area, line, machine.
select unit.path, unit.place_id
from place as unit
inner join place as line on line.place_id = unit.parent_id
inner join place as area on area.place_id = line.parent_id
where area.parent_id = %(site)s and unit.level = 'work_unit'

-- name: lock_site
-- Births of one site are taken in turn; the first number only has to be ours.
select pg_advisory_xact_lock(7461003, %(site)s)

-- name: save_tags
-- Name and site are the identity; an edge that takes a tag over becomes its owner.
insert into tag (
    site_id, work_unit_id, edge_id, name, value_type, role, unit, description,
    low, high, counter_modulus, max_rate_per_s, max_silence_s
)
select * from unnest(
    %(site_id)s::integer[], %(work_unit_id)s::integer[], %(edge_id)s::integer[],
    %(name)s::text[], %(value_type)s::text[], %(role)s::text[], %(unit)s::text[],
    %(description)s::text[], %(low)s::double precision[], %(high)s::double precision[],
    %(counter_modulus)s::double precision[], %(max_rate_per_s)s::double precision[],
    %(max_silence_s)s::double precision[]
)
on conflict (site_id, name) do update set
    work_unit_id = excluded.work_unit_id,
    edge_id = excluded.edge_id,
    value_type = excluded.value_type,
    role = excluded.role,
    unit = excluded.unit,
    description = excluded.description,
    low = excluded.low,
    high = excluded.high,
    counter_modulus = excluded.counter_modulus,
    max_rate_per_s = excluded.max_rate_per_s,
    max_silence_s = excluded.max_silence_s

-- name: mark_units_dirty
-- Every hour for which the work units, or those the tags belonged to, have figures.
with restated as (
    select * from unnest(%(site_id)s::integer[], %(work_unit_id)s::integer[], %(name)s::text[])
        as tag (site_id, work_unit_id, name)
),
unit as (
    select work_unit_id from restated
    union
    select tag.work_unit_id from tag inner join restated using (site_id, name)
)
insert into dirty_window (work_unit_id, hour, marked_at)
select distinct work_unit_id, hour, %(now)s::timestamptz
from base_sum inner join unit using (work_unit_id)
order by 1, 2
on conflict (work_unit_id, hour) do update set
    revision = dirty_window.revision + 1, marked_at = excluded.marked_at

-- name: save_agent
-- A birth may be a retained one of an edge long gone, so it does not say that the edge is online.
insert into edge_status (edge_id, online, epoch, reported_at, agent_version)
values (%(edge_id)s, false, %(epoch)s, %(now)s, %(version)s)
on conflict (edge_id) do update set agent_version = excluded.agent_version

-- name: save_status
-- Everything the edge says replaces what it said before.
insert into edge_status (
    edge_id, online, epoch, reported_at, issued_id, pending, oldest_pending_time, sampled_time,
    dropped, buffer_hours_left, clock_offset_ms, unreachable, config_version, config_error
)
values (
    %(edge_id)s, %(online)s, %(epoch)s, %(reported_at)s, %(issued_id)s, %(pending)s,
    %(oldest_pending_time)s, %(sampled_time)s, %(dropped)s, %(buffer_hours_left)s,
    %(clock_offset_ms)s, %(unreachable)s, %(config_version)s, %(config_error)s
)
on conflict (edge_id) do update set
    online = excluded.online,
    epoch = excluded.epoch,
    reported_at = excluded.reported_at,
    issued_id = excluded.issued_id,
    pending = excluded.pending,
    oldest_pending_time = excluded.oldest_pending_time,
    sampled_time = excluded.sampled_time,
    dropped = excluded.dropped,
    buffer_hours_left = excluded.buffer_hours_left,
    clock_offset_ms = coalesce(excluded.clock_offset_ms, edge_status.clock_offset_ms),
    unreachable = excluded.unreachable,
    config_version = excluded.config_version,
    config_error = excluded.config_error

-- name: settle_configuration
-- What a heartbeat says of pushed sources. Only a change is written: heartbeats are many.
with told as (
    select
        version,
        case
            when version = %(config_rolled_back)s::bigint then 'rolled_back'
            when version = %(config_refused)s::bigint then 'refused'
            when %(config_on_trial)s::boolean then 'trial'
            else 'applied'
        end as state,
        case
            when version in (%(config_rolled_back)s::bigint, %(config_refused)s::bigint)
            then %(config_error)s::text
        end as said
    from edge_configuration
    where edge_id = %(edge_id)s and version in (
        %(config_version)s::bigint, %(config_refused)s::bigint, %(config_rolled_back)s::bigint
    )
)
update edge_configuration set
    state = told.state, said = told.said, settled_at = %(reported_at)s::timestamptz
from told
where edge_configuration.edge_id = %(edge_id)s
    and edge_configuration.version = told.version
    and (edge_configuration.state, edge_configuration.said)
        is distinct from (told.state, told.said)

-- name: save_will
-- A Last Will says only that the edge is gone: what it last reported stays. A will heard again
-- does not move the moment at which the edge went.
insert into edge_status (edge_id, online, epoch, reported_at)
values (%(edge_id)s, %(online)s, %(epoch)s, %(reported_at)s)
on conflict (edge_id) do update set
    online = excluded.online,
    epoch = excluded.epoch,
    reported_at = case
        when edge_status.online = excluded.online and edge_status.epoch = excluded.epoch
        then edge_status.reported_at
        else excluded.reported_at
    end

-- name: lock_ledgers
-- Locked in the order of the rows that the inner query yields, so two workers cannot deadlock; how
-- many there are. Only locked: a statement that had to wait sees all other rows as they were before.
select count(*)
from (
    select 1
    from delivery_ledger
    where (edge_id, epoch) in (
        select * from unnest(%(edges)s::integer[], %(epochs)s::text[])
    )
    order by edge_id, epoch
    for no key update
) as locked

-- name: lock_sites_of
-- Of edges, as `lock_site` does.
select pg_advisory_xact_lock(7461003, site_id)
from (
    select distinct site_id from edge where edge_id = any(%(edges)s::integer[]) order by site_id
) as site

-- name: lock_only_ledgers
-- Of edges with one epoch so far: who writes to it has no reason to lock the site.
select 1
from delivery_ledger
where edge_id = any(%(edges)s::integer[]) and not exists (
    select from delivery_ledger as other
    where other.edge_id = delivery_ledger.edge_id and other.epoch <> delivery_ledger.epoch
)
order by edge_id
for no key update

-- name: open_ledgers
-- A ledger begins with the first message of an epoch.
insert into delivery_ledger (edge_id, epoch)
select edge_id, epoch from unnest(%(edges)s::integer[], %(epochs)s::text[]) as wanted (edge_id, epoch)
order by 1, 2
on conflict do nothing

-- name: ledgers
-- In the order of the columns of LedgerRow.
select
    edge_id, epoch, committed, dropped, rejected_count, duplicate_count, issued_id,
    others.until, set_back, damaged, others.number > 0
from delivery_ledger
cross join lateral (
    select max(other.last_commit_at) as until, count(*) as number
    from delivery_ledger as other
    where other.edge_id = delivery_ledger.edge_id and other.epoch <> delivery_ledger.epoch
) as others
where (edge_id, epoch) in (
    select * from unnest(%(edges)s::integer[], %(epochs)s::text[])
)

-- name: save_ledger
-- The row is locked, so what was read is still there. `greatest` passes over nulls.
update delivery_ledger set
    committed = %(committed)s::int8multirange,
    dropped = %(dropped)s::int8multirange,
    set_back = %(set_back)s::int8multirange,
    damaged = %(damaged)s::int8multirange,
    rejected_count = %(rejected_count)s,
    duplicate_count = %(duplicate_count)s,
    issued_id = %(issued_id)s,
    first_commit_at = coalesce(first_commit_at, %(committed_at)s::timestamptz),
    last_commit_at = greatest(last_commit_at, %(committed_at)s::timestamptz)
where edge_id = %(edge_id)s and epoch = %(epoch)s

-- name: newest_numbers
-- The newest stored time of these tags within bounds, in microseconds since 1970: what is newer is
-- not stored. One look for each tag instead of one for each row.
select asked.tag_id, newest.time_us
from unnest(%(tags)s::integer[]) as asked (tag_id)
cross join lateral (
    select (extract(epoch from source_time) * 1000000)::bigint as time_us
    from measurement
    where measurement.tag_id = asked.tag_id
        and source_time between
            timestamptz 'epoch' + %(first)s::bigint * interval '1 microsecond'
            and timestamptz 'epoch' + %(last)s::bigint * interval '1 microsecond'
    order by source_time desc
    limit 1
) as newest

-- name: newest_texts
-- The same for text values.
select asked.tag_id, newest.time_us
from unnest(%(tags)s::integer[]) as asked (tag_id)
cross join lateral (
    select (extract(epoch from source_time) * 1000000)::bigint as time_us
    from text_measurement
    where text_measurement.tag_id = asked.tag_id
        and source_time between
            timestamptz 'epoch' + %(first)s::bigint * interval '1 microsecond'
            and timestamptz 'epoch' + %(last)s::bigint * interval '1 microsecond'
    order by source_time desc
    limit 1
) as newest

-- name: stored_numbers
-- Which of these rows are stored, by their place in the lists. The bounds spare looking into parts
-- of the table that cannot hold any. `is not distinct from`, as a row without a value has a null.
select asked.number
from unnest(%(tags)s::integer[], %(times)s::bigint[], %(values)s::double precision[]) with ordinality
    as asked (tag_id, time_us, value, number)
where exists (
    select from measurement known
    where known.tag_id = asked.tag_id
        and known.value is not distinct from asked.value
        and known.source_time = timestamptz 'epoch' + asked.time_us * interval '1 microsecond'
        and known.source_time between
            timestamptz 'epoch' + %(first)s::bigint * interval '1 microsecond'
            and timestamptz 'epoch' + %(last)s::bigint * interval '1 microsecond'
        and (%(received_until)s::timestamptz is null or known.received_time <= %(received_until)s)
)

-- name: stored_texts
-- The same for text values.
select asked.number
from unnest(%(tags)s::integer[], %(times)s::bigint[], %(values)s::text[]) with ordinality
    as asked (tag_id, time_us, value, number)
where exists (
    select from text_measurement known
    where known.tag_id = asked.tag_id
        and known.value is not distinct from asked.value
        and known.source_time = timestamptz 'epoch' + asked.time_us * interval '1 microsecond'
        and known.source_time between
            timestamptz 'epoch' + %(first)s::bigint * interval '1 microsecond'
            and timestamptz 'epoch' + %(last)s::bigint * interval '1 microsecond'
        and (%(received_until)s::timestamptz is null or known.received_time <= %(received_until)s)
)

-- name: copy_numbers
-- Columns in the order of store.delivery.binary_copy.
copy measurement (tag_id, source_time, received_time, value, quality)
from stdin with (format binary)

-- name: copy_texts
-- The same for text values.
copy text_measurement (tag_id, source_time, received_time, value, quality)
from stdin with (format binary)

-- name: chunks_of_history
-- Old records are thin: a part of the table for each day of a quarter of a century would hold one
-- row each, and a transaction that makes them runs out of locks.
select nhipmay_chunks_of_history(true)

-- name: chunks_of_today
-- In the same transaction, so nobody else ever sees the other width.
select nhipmay_chunks_of_history(false)

-- name: mark_rollups
-- In one order, so that two markers cannot deadlock; last of all, as other writers wait for it.
insert into rollup_mark (hour, block, tags)
select to_timestamp(hour_s), block, tags
from unnest(%(hours)s::bigint[], %(blocks)s::integer[], %(tags)s::bigint[])
    as touched (hour_s, block, tags)
order by 1, 2
on conflict (hour, block) do update set
    tags = rollup_mark.tags | excluded.tags, revision = rollup_mark.revision + 1,
    marked_at = excluded.marked_at

-- name: mark_dirty
-- In one order, so that two markers cannot deadlock.
insert into dirty_window (work_unit_id, hour, marked_at)
select unit, to_timestamp(hour_s), %(now)s::timestamptz
from unnest(%(units)s::integer[], %(hours)s::bigint[]) as touched (unit, hour_s)
order by 1, 2
on conflict (work_unit_id, hour) do update set
    revision = dirty_window.revision + 1, marked_at = excluded.marked_at

-- name: open_rejections
-- Two replays at once share the rows between them. Raw forms may be large: so many as fit, one at
-- least.
with waiting as (
    select
        rejection_id,
        sum(octet_length(raw)) over (order by rejection_id) - octet_length(raw) as bytes_before
    from rejection
    where reason = %(reason)s and replayed_at is null and rejection_id > %(after)s
    order by rejection_id
    limit %(limit)s
)
select rejection_id, received_time, topic, edge_id, epoch, row_id, tag_name, reason, raw
from rejection
where replayed_at is null
    and rejection_id in (select rejection_id from waiting where bytes_before < %(bytes)s)
order by rejection_id
for update skip locked

-- name: mark_replayed
-- In the transaction that writes what they hold.
update rejection set replayed_at = %(now)s where rejection_id = any(%(rejections)s)

-- name: add_lags
-- In one order, so that two workers cannot deadlock.
insert into delivery_lag (edge_id, hour, bucket, count)
select edge_id, date_bin('1 hour', %(now)s::timestamptz, timestamptz 'epoch'), bucket, number
from unnest(%(edges)s::integer[], %(buckets)s::smallint[], %(counts)s::bigint[])
    as fresh (edge_id, bucket, number)
order by edge_id, bucket
on conflict (edge_id, hour, bucket) do update set count = delivery_lag.count + excluded.count

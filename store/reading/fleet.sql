-- name: deliveries
-- Every life of every edge's outbox: what was issued, what is committed, what the edge last said.
with life as (
    select edge_id, epoch from delivery_ledger
    union
    select edge_id, epoch from edge_status
)
select
    site.path || '/' || e.code as edge, life.epoch, s.edge_id is not null as present,
    coalesce(s.online, false) as online, s.reported_at, l.first_commit_at, l.last_commit_at,
    greatest(coalesce(l.issued_id, 0), coalesce(s.issued_id, 0)) as issued_id,
    coalesce(l.committed, '{}') as committed, coalesce(l.dropped, '{}') as dropped,
    coalesce(l.set_back, '{}') as set_back, coalesce(l.damaged, '{}') as damaged,
    coalesce(l.rejected_count, 0) as rejected_count,
    coalesce(l.duplicate_count, 0) as duplicate_count,
    s.pending, s.oldest_pending_time, s.buffer_hours_left, s.clock_offset_ms,
    coalesce(s.unreachable, '{}') as unreachable
from edge e
join place site on site.place_id = e.site_id
left join life on life.edge_id = e.edge_id
left join delivery_ledger l on l.edge_id = e.edge_id and l.epoch = life.epoch
left join edge_status s on s.edge_id = e.edge_id and s.epoch = life.epoch
order by 1, l.first_commit_at nulls last, life.epoch

-- name: edges
-- Everyone who may report, with the last words.
select
    site.path || '/' || e.code as edge, site.path as site, coalesce(s.online, false) as online,
    s.reported_at, s.agent_version,
    (select count(*) from tag where tag.edge_id = e.edge_id) as tags,
    s.pending, s.oldest_pending_time, s.sampled_time, s.buffer_hours_left, s.clock_offset_ms,
    coalesce(s.unreachable, '{}') as unreachable, s.config_version, s.config_error
from edge e
join place site on site.place_id = e.site_id
left join edge_status s on s.edge_id = e.edge_id
order by site.path, e.code

-- name: lags
-- Counts of some hours, added up.
select site.path || '/' || e.code as edge, lag.bucket, sum(lag.count)::bigint
from delivery_lag lag
join edge e on e.edge_id = lag.edge_id
join place site on site.place_id = e.site_id
where lag.hour > %(since)s::timestamptz - interval '1 hour' and lag.hour < %(until)s
group by 1, 2
order by 1, 2

-- name: rejections
-- Those that a replay would take up.
select site.path || '/' || e.code as edge, counted.reason, counted.count
from (
    select edge_id, reason, count(*) as count
    from rejection
    where replayed_at is null and edge_id is not null
    group by edge_id, reason
) counted
join edge e on e.edge_id = counted.edge_id
join place site on site.place_id = e.site_id
order by 1, 3 desc, 2

-- name: configurations
-- The trail of what edges were told to read.
select
    site.path || '/' || e.code as edge, c.version, c.state, c.said, c.pushed_at, c.pushed_by,
    c.why, c.settled_at
from edge_configuration c
join edge e on e.edge_id = c.edge_id
join place site on site.place_id = e.site_id
where %(edge)s::text is null or site.path || '/' || e.code = %(edge)s
order by 1, c.version desc

-- name: latest_configurations
-- The newest of each edge.
select distinct on (c.edge_id)
    site.path || '/' || e.code as edge, c.version, c.state, c.said, c.pushed_at, c.pushed_by,
    c.why, c.settled_at
from edge_configuration c
join edge e on e.edge_id = c.edge_id
join place site on site.place_id = e.site_id
order by c.edge_id, c.version desc

-- name: lock_configurations
-- Pushes to one edge pass in turn. Not a lock on its row: who pushes may not change that.
select pg_advisory_xact_lock(7461008, hashtext(%(edge)s))

-- name: open_configuration
-- The next version of an edge, above all it may know.
select e.edge_id, greatest(
    coalesce((select max(version) from edge_configuration where edge_id = e.edge_id), 0),
    coalesce(s.config_version, 0)
) + 1
from edge e
join place site on site.place_id = e.site_id
left join edge_status s on s.edge_id = e.edge_id
where site.path || '/' || e.code = %(edge)s

-- name: work_units
-- Machines of the edge's site.
select unit.path
from edge e
join place site on site.place_id = e.site_id
join place unit on starts_with(unit.path, site.path || '/') and unit.level = 'work_unit'
where site.path || '/' || e.code = %(edge)s

-- name: add_configuration
-- Committed once the broker has the message.
insert into edge_configuration (edge_id, version, sources, sha256, pushed_at, pushed_by, why)
values (
    %(edge_id)s, %(version)s, %(sources)s, %(sha256)s, %(now)s::timestamptz, %(who)s, %(why)s
)

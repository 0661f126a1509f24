-- What the platform refused no longer counts as complete.

create or replace view edge_delivery as
select
    site.path || '/' || e.code as edge,
    life.epoch,
    -- Whether the edge still writes this epoch; only then is known what it says of itself.
    s.edge_id is not null as present,
    coalesce(s.online, false) as online,
    s.reported_at,
    whole.issued,
    whole.committed,
    whole.dropped,
    whole.issued - whole.committed - whole.dropped as missing,
    -- What was refused is settled, but it is no value that anybody can use.
    greatest(whole.committed - coalesce(l.rejected_count, 0), 0) / nullif(whole.issued, 0)::float8
        as completeness,
    coalesce(l.rejected_count, 0) as rejected,
    coalesce(l.duplicate_count, 0) as duplicates,
    s.pending,
    -- How far behind the edge's own present its oldest unconfirmed measurement is.
    case
        when s.pending = 0 then 0
        else extract(epoch from s.reported_at - s.oldest_pending_time)::float8
    end as lag_s,
    s.buffer_hours_left,
    s.clock_offset_ms,
    coalesce(s.unreachable, '{}') as unreachable
from edge e
join place site on site.place_id = e.site_id
left join (
    select edge_id, epoch from delivery_ledger
    union
    select edge_id, epoch from edge_status
) life on life.edge_id = e.edge_id
left join delivery_ledger l on l.edge_id = e.edge_id and l.epoch = life.epoch
left join edge_status s on s.edge_id = e.edge_id and s.epoch = life.epoch
cross join lateral (
    select
        -- What arrived was given out, whether the edge has said so yet or not.
        greatest(l.issued_id, s.issued_id, upper(l.committed) - 1, upper(l.dropped) - 1, 0)
            as issued,
        (
            select coalesce(sum(upper(ids) - lower(ids)), 0)::bigint
            from unnest(l.committed) ids
        ) as committed,
        (
            select coalesce(sum(upper(ids) - lower(ids)), 0)::bigint
            from unnest(l.dropped - l.committed) ids
        ) as dropped
) whole;

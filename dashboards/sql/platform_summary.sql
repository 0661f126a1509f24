-- How far the platform is behind: hours to compute again, the newest figure, open refusals.
select
    (select count(*) from dirty_window) as dirty,
    (select extract(epoch from $__timeTo()::timestamptz - max(slice_end))::float8 from base_sum
        where slice_end > $__timeTo()::timestamptz - interval '7 days') as behind_s,
    (select count(*) from rejection where replayed_at is null
        and received_time > $__timeFrom() and received_time <= $__timeTo()) as refused,
    (select count(*) from edge_status where online) as online,
    (select count(*) from edge) as edges,
    (select max(number) from schema_migration) as schema_version

-- Seconds between the newest measurement of each site and the end of its newest figure.
select
    s.shown_vi as name,
    greatest(0, extract(epoch from status.sampled - figures.until))::float8 as value
from place_shown s
join lateral (
    select max(e.sampled_time) as sampled
    from edge_status e
    join edge on edge.edge_id = e.edge_id
    where edge.site_id = s.place_id
) status on true
join lateral (
    select max(b.slice_end) as until
    from base_sum b
    join place_shown u on u.place_id = b.work_unit_id
    where starts_with(u.path, s.path || '/')
) figures on true
where s.level = 'site' and status.sampled is not null and figures.until is not null
order by s.flow

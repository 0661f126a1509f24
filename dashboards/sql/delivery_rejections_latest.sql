-- The newest rejections of the window, in words.
select
    r.received_time, site.path || '/' || e.code as edge, r.tag_name, r.reason, r.detail, r.topic,
    r.replayed_at
from rejection r
left join edge e on e.edge_id = r.edge_id
left join place site on site.place_id = e.site_id
where $__timeFilter(r.received_time)
order by r.received_time desc, r.rejection_id desc
limit 100

-- Whether figures of a site are told outside of its enterprise: those of fewer than three machines would be
-- figures of machines.
create view site_disclosure as
select site.place_id, count(unit.place_id) >= 3 as is_told
from place site
left join place unit
    on unit.level = 'work_unit' and unit.in_service_until is null
    and starts_with(unit.path, site.path || '/')
where site.level = 'site'
group by site.place_id;

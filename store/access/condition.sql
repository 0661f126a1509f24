-- part: places
select p.place_id from public.place p
where split_part(p.path, '/', 1)
    = (select x.enterprise from access.tenant x where x.role_name = session_user)

-- name: enterprise_id
-- Rows of an enterprise.
t.enterprise_id in ({places})

-- name: site_id
-- Rows of one of its sites.
t.site_id in ({places})

-- name: work_unit_id
-- Rows of one of its machines.
t.work_unit_id in ({places})

-- name: place_id
-- Rows of any place of it.
t.place_id in ({places})

-- name: tag_id
-- Rows of a tag of one of its sites.
t.tag_id in (select g.tag_id from public.tag g where g.site_id in ({places}))

-- name: edge_id
-- Rows of an edge of one of its sites.
t.edge_id in (select e.edge_id from public.edge e where e.site_id in ({places}))

-- name: shift_pattern_id
-- Rows of a shift of one of its sites.
t.shift_pattern_id in (
    select s.shift_pattern_id from public.shift_pattern s where s.site_id in ({places})
)

-- name: edge
-- Rows that name an edge by its path.
split_part(t.edge, '/', 1)
    = (select x.enterprise from access.tenant x where x.role_name = session_user)

-- name: scope
-- Rows that name an enterprise or site by its path.
split_part(t.scope, '/', 1)
    = (select x.enterprise from access.tenant x where x.role_name = session_user)

-- part: own
(select x.enterprise from access.tenant x where x.role_name = session_user)

-- name: enterprise
-- Rows that name an enterprise by its code.
t.enterprise = {own}

-- name: enterprise_or_closed
-- Its own, and what the whole programme has closed.
t.enterprise = {own} or (t.enterprise is null and t.status = 'closed')

-- name: pulled
-- Pulls of what its records went into.
{own} = any(t.enterprises)

-- name: everybody
-- Rows that are nobody's secret.
true

-- name: department_place
-- Enterprises and sites.
t.level in ('enterprise', 'site')

-- name: department_result
-- Figures of sites, of machines enough that they are not those of a machine.
t.place_id in (select d.place_id from public.site_disclosure d where d.is_told)

-- name: department_record
-- Of the programme itself, and what enterprises have let go.
t.enterprise is null or t.status <> 'draft'

-- name: department_part
-- Parts of those.
t.record_id in (
    select r.record_id from public.pilot_record r
    where r.enterprise is null or r.status <> 'draft'
)

-- Every choice that a figure depends on is a column of its policy. The defaults are what was
-- computed before they could be chosen, so stored versions keep their meaning.

alter table oee_policy
    add column breaks_in text not null default 'planned_downtime'
        check (breaks_in in ('planned_downtime', 'busy_time')),
    add column setup_in text not null default 'availability'
        check (setup_in in ('availability', 'planned_downtime')),
    -- Kinds of stop that are failures; see plant.state.StopKind.
    add column failure_states text[] not null default '{breakdown}',
    add column failure_at_least_s double precision not null default 0
        check (failure_at_least_s >= 0),
    -- Failures with less than this between them are one.
    add column failure_merge_s double precision not null default 0 check (failure_merge_s >= 0),
    add column mtbf_per text not null default 'failure'
        check (mtbf_per in ('failure', 'failure_plus_1'));

-- Machines may have thresholds of their own for minor stops, by `area/line/machine`, in seconds; the
-- others have that of the site. Part of the versioned policy, like every choice.

alter table oee_policy
    add column minor_stop_thresholds_s jsonb not null default '{}'
        check (jsonb_typeof(minor_stop_thresholds_s) = 'object');

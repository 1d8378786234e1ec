-- When tasks begin by themselves: at intervals or at the times of a cron expression. The broker makes the ticks; this is
-- what they should be. `generation` counts the clocks that were started for the schedule: a tick of an earlier one means
-- nothing any more. `next_at` is when it is due next, `last_due` the last time it was, whatever came of it.
CREATE TABLE schedules (
    tenant text NOT NULL REFERENCES tenants,
    name text NOT NULL CHECK (name ~ '^[a-z][a-z_]*$'),
    task_type text NOT NULL,
    every_seconds bigint CHECK (every_seconds > 0),
    cron text,
    enabled boolean NOT NULL DEFAULT true,
    deadline_seconds bigint NOT NULL CHECK (deadline_seconds > 0),
    generation bigint NOT NULL DEFAULT 1,
    next_at timestamptz NOT NULL,
    last_due timestamptz,
    last_task_id uuid,
    last_run_at timestamptz,
    skipped bigint NOT NULL DEFAULT 0,
    skipped_at timestamptz,
    skipped_reason text,
    version bigint NOT NULL DEFAULT 1,
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, name),
    CHECK ((every_seconds IS NULL) <> (cron IS NULL))
);

-- Runs of schedules that may still be going on. The deadline counts from `counted_from`: when the run was asked for, or
-- when it was last seen waiting for a person.
CREATE TABLE schedule_runs (
    task_id uuid PRIMARY KEY,
    tenant text NOT NULL,
    name text NOT NULL,
    counted_from timestamptz NOT NULL DEFAULT now(),
    cancel_asked_at timestamptz,
    FOREIGN KEY (tenant, name) REFERENCES schedules
);

CREATE INDEX schedule_runs_of_schedule ON schedule_runs (tenant, name);

-- A photo that moves may get another basename, as may one that comes back: `filename` is the one it has when the operation
-- is recorded, `target_filename` the one it gets. The names of both belong to the operation until it has ended.
ALTER TABLE file_operations
    ADD COLUMN filename text,
    ADD COLUMN target_filename text,
    DROP CONSTRAINT file_operations_kind_check,
    DROP CONSTRAINT file_operations_outcome_check,
    ADD CONSTRAINT file_operations_kind_check
        CHECK (kind IN ('trash', 'remove_derivative', 'move', 'move_derivative', 'restore')),
    ADD CONSTRAINT file_operations_outcome_check
        CHECK (outcome IN ('moved', 'removed', 'missing', 'kept', 'changed', 'refused', 'taken'));

CREATE INDEX file_operations_open_target ON file_operations (target_project_id)
    WHERE state = 'open' AND target_project_id IS NOT NULL;

ALTER TABLE job_items
    DROP CONSTRAINT job_items_status_check,
    ADD CONSTRAINT job_items_status_check CHECK (status IN ('done', 'failed', 'skipped', 'canceled'));

CREATE INDEX tasks_undoing ON tasks (undo_of) WHERE undo_of IS NOT NULL;

-- Every list of photos joins the projects. Few as they are, Postgres would never count them by itself, and takes one in 200
-- for active until it has: then it sorts a million photos for each page instead of reading them in their order.
ALTER TABLE projects SET (autovacuum_analyze_threshold = 0);

-- The task that deletes, or deleted, an archived project; retries of it carry on. Null while the project is active.
ALTER TABLE projects ADD COLUMN deleted_by uuid;

CREATE INDEX tasks_retrying ON tasks (retry_of) WHERE retry_of IS NOT NULL;

-- What tasks are about to do to the folder of a deleted project, on record before it is touched. Paths are relative to
-- the tenant's library; `target_path` is null as long as it has not been chosen, and with it the name that a project
-- gets that comes back. `device` and `inode` say which folder it is. The last one that moved it says where it lies now.
CREATE TABLE project_operations (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant text NOT NULL,
    project_id bigint NOT NULL,
    task_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('trash', 'restore')),
    path text NOT NULL,
    target_path text,
    target_name text,
    device numeric(20),
    inode numeric(20),
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done')),
    outcome text CHECK (outcome IN ('moved', 'missing', 'kept')),
    created_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz
);

CREATE UNIQUE INDEX project_operations_open ON project_operations (project_id) WHERE state = 'open';

CREATE INDEX project_operations_of_project ON project_operations (project_id, id);

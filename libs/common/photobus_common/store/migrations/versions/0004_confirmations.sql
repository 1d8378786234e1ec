-- What maintenance would remove and may not without the word of a person. `project_id` is null where whole projects are
-- meant. One that is open while its task has ended has expired: queries say so, and nobody needs to write it.
CREATE TABLE confirmations (
    id uuid PRIMARY KEY,
    tenant text NOT NULL,
    task_id uuid NOT NULL,
    task_type text NOT NULL,
    job_id uuid NOT NULL,
    job_type text NOT NULL,
    project_id bigint,
    project_folder text,
    reason text NOT NULL,
    lacking bigint NOT NULL,
    photos bigint NOT NULL,
    status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'confirmed', 'refused', 'expired')),
    requested_at timestamptz NOT NULL DEFAULT now(),
    answered_at timestamptz,
    answered_by text,
    applied_at timestamptz
);

CREATE INDEX confirmations_by_age ON confirmations (tenant, requested_at DESC, id DESC);

CREATE INDEX confirmations_open ON confirmations (tenant, requested_at DESC, id DESC) WHERE status = 'open';

CREATE INDEX confirmations_of_task ON confirmations (task_id);

CREATE INDEX confirmations_of_project ON confirmations (tenant, project_id, requested_at DESC);

-- What an answer is about: photos, and those of their files that are gone. More than that needs another answer.
CREATE TABLE confirmation_photos (
    confirmation_id uuid NOT NULL REFERENCES confirmations ON DELETE CASCADE,
    photo_id bigint NOT NULL,
    project_id bigint NOT NULL,
    filename text NOT NULL,
    files text[] NOT NULL,
    PRIMARY KEY (confirmation_id, photo_id)
);

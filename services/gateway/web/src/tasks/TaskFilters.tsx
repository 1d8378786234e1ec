import { SelectField, TextField } from "../app/ui/Field";
import styles from "./TaskListPage.module.css";
import { asOfOf, fieldTime, STATUSES, type TasksSearch } from "./tasksSearch";
import { useDefinitions } from "./useTasks";
import { STATUS_WORDS } from "./words";

interface TaskFiltersProps {
  readonly search: TasksSearch;
  readonly onChange: (search: TasksSearch) => void;
}

export function TaskFilters({ search, onChange }: TaskFiltersProps) {
  const definitions = [...useDefinitions().values()];
  const { status, type, as_of: asOf } = search;
  const change = (changed: { [Name in keyof TasksSearch]?: TasksSearch[Name] | undefined }) => {
    const all = Object.entries({ ...search, ...changed }).filter(([, value]) => value !== undefined && value !== "");
    onChange(Object.fromEntries(all));
  };
  return (
    <search className={styles.filters}>
      <SelectField
        label="Status"
        value={status ?? ""}
        onChange={(event) => change({ status: STATUSES.find((one) => one === event.target.value) })}
      >
        <option value="">Any</option>
        {STATUSES.map((one) => (
          <option key={one} value={one}>
            {STATUS_WORDS[one]}
          </option>
        ))}
      </SelectField>
      <SelectField label="Kind" value={type ?? ""} onChange={(event) => change({ type: event.target.value })}>
        <option value="">Any</option>
        {definitions.map((one) => (
          <option key={one.type} value={one.type}>
            {one.label}
            {definitions.some((other) => other !== one && other.label === one.label) && ` (${one.type})`}
          </option>
        ))}
      </SelectField>
      <TextField
        label="As it was at"
        type="datetime-local"
        value={fieldTime(asOf)}
        onChange={(event) => change({ as_of: asOfOf(event.target.value) })}
      />
    </search>
  );
}

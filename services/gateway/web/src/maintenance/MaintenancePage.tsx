import { Page, Section } from "../app/ui/Page";
import { useNow } from "../tasks/useTasks";
import { Confirmations } from "./Confirmations";
import { RunList } from "./RunList";
import { ScheduleList } from "./ScheduleList";

/** Schedules, runs, and what waits for a confirmation (`/maintenance`). */
export function MaintenancePage() {
  const now = useNow(5);
  return (
    <Page
      title="Maintenance"
      lead="photobus looks after the library by itself. Here is when, what it did, and what it asks."
    >
      <Confirmations now={now} />
      <Section title="Schedules">
        <ScheduleList now={now} />
      </Section>
      <Section title="Runs" lead="What each run looked at, changed, left alone, and reports.">
        <RunList now={now} />
      </Section>
    </Page>
  );
}

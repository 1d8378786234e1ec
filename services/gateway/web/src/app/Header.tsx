import { Link } from "@tanstack/react-router";
import { PanelLeft } from "lucide-react";
import { useCan } from "../api/session";
import { TasksPanel } from "../tasks/TasksPanel";
import { UploadButton } from "../uploads/UploadButton";
import { AccountMenu } from "./AccountMenu";
import { ConnectionNotice } from "./ConnectionNotice";
import styles from "./Header.module.css";
import { Mark } from "./Mark";
import { SearchField } from "./SearchField";
import { SIDEBAR_ID } from "./sidebar/Sidebar";
import { IconButton } from "./ui/Button";

export function Header() {
  const can = useCan();
  return (
    <header className={styles.header}>
      <IconButton label="Projects" className={styles.opensSidebar} popoverTarget={SIDEBAR_ID}>
        <PanelLeft aria-hidden />
      </IconButton>
      <Link to="/" className={styles.home} aria-label="photobus: all photos">
        <Mark />
        <span>photobus</span>
      </Link>
      <SearchField />
      <ConnectionNotice />
      <div className={styles.tools}>
        {can("editor") && <UploadButton />}
        <TasksPanel />
        <AccountMenu />
      </div>
    </header>
  );
}

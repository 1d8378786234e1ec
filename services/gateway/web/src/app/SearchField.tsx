import { useNavigate, useRouterState } from "@tanstack/react-router";
import { Search } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useChangeView, useView } from "../view/useView";
import styles from "./SearchField.module.css";

/** How long nothing is typed before it is looked for, in milliseconds. */
const PAUSE = 250;

/** Looks for names and tags in the scope of the view; on a page without photos, in all of them. `/` leads here. */
export function SearchField() {
  const { text = "" } = useView().search;
  const look = useLook();
  const [typed, setTyped] = useState(text);
  const [shown, setShown] = useState(text);
  const field = useRef<HTMLInputElement>(null);
  if (shown !== text) {
    // The address changed by itself: by going back, by a link, by another filter.
    setShown(text);
    setTyped(text);
  }
  useEffect(() => {
    if (typed === text) return undefined;
    const timer = setTimeout(() => look(typed), PAUSE);
    return () => clearTimeout(timer);
  }, [typed, text, look]);
  useEffect(() => onSlash(() => field.current?.focus()), []);
  return (
    <search className={styles.search}>
      <Search aria-hidden />
      <input
        ref={field}
        type="search"
        aria-label="Search photos"
        aria-keyshortcuts="/"
        placeholder="Search"
        maxLength={255}
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") look(typed);
        }}
      />
    </search>
  );
}

function useLook(): (text: string) => void {
  const navigate = useNavigate();
  const change = useChangeView();
  const onPhotos = useRouterState({ select: ({ location }) => /^\/(?:projects\/|$)/.test(location.pathname) });
  const newest = useRef<(text: string) => void>(() => undefined);
  useEffect(() => {
    newest.current = (text) => {
      if (onPhotos) change({ text: text || undefined }, { replace: true });
      else if (text) void navigate({ to: "/", search: { text } });
    };
  });
  const [look] = useState(() => (text: string) => newest.current(text));
  return look;
}

function onSlash(run: () => void): () => void {
  const listener = (event: KeyboardEvent) => {
    const typing = event.target instanceof HTMLElement && event.target.closest("input, textarea, select, dialog");
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || typing) return;
    event.preventDefault();
    run();
  };
  document.addEventListener("keydown", listener);
  return () => document.removeEventListener("keydown", listener);
}

import { useEffect, useLayoutEffect, useRef } from "react";
import { type Command, commandOf } from "./keys";

/**
 * Calls `obey` for each key that is a command, wherever the focus is; not while somebody types or a dialog is open.
 *
 * What has a use of its own for a key stops it there (`stopPropagation`).
 */
export function useCommands(obey: (command: Command) => void): void {
  const newest = useRef(obey);
  useLayoutEffect(() => {
    newest.current = obey;
  });
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      const command = commandOf(event);
      if (command === null || isTakenUp(event.target)) return;
      event.preventDefault();
      newest.current(command);
    };
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, []);
}

/** Whether keys are for something else: a field, a dialog or a menu. */
function isTakenUp(target: EventTarget | null): boolean {
  if (document.querySelector("dialog[open], [popover]:popover-open") !== null) return true;
  const types = 'input:not([type="checkbox"]), textarea, select, [contenteditable="true"]';
  return target instanceof Element && target.closest(types) !== null;
}

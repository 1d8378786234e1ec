import {
  type ButtonHTMLAttributes,
  type CSSProperties,
  type KeyboardEvent,
  type ReactNode,
  useId,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import { IconButton } from "./Button";
import { classes } from "./classes";
import styles from "./Menu.module.css";
import { placeBeside } from "./placing";

interface MenuProps {
  /** What the button is, for those who do not see the icon. */
  readonly label: string;
  readonly icon: ReactNode;
  readonly children: ReactNode;
  readonly className?: string | undefined;
}

/** A button that opens a list of actions (`MenuItem`): arrows, Home, End and first letters move, Escape closes. */
export function Menu({ label, icon, children, className }: MenuProps) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState(false);
  const [place, setPlace] = useState<CSSProperties>({});
  useLayoutEffect(() => {
    if (!open || button.current === null || list.current === null) return;
    setPlace(placeBeside(button.current.getBoundingClientRect(), list.current.getBoundingClientRect(), viewport()));
    itemsOf(list.current)[0]?.focus();
  }, [open]);
  return (
    <>
      <IconButton
        ref={button}
        label={label}
        className={className}
        popoverTarget={id}
        aria-haspopup="menu"
        aria-expanded={open}
      >
        {icon}
      </IconButton>
      <div
        ref={list}
        id={id}
        popover="auto"
        role="menu"
        aria-label={label}
        className={styles.menu}
        style={place}
        tabIndex={-1}
        onToggle={(event) => {
          const opened = event.newState === "open";
          setOpen(opened);
          if (!opened || button.current === null || list.current === null) return;
          setPlace(
            placeBeside(button.current.getBoundingClientRect(), list.current.getBoundingClientRect(), viewport()),
          );
          itemsOf(list.current)[0]?.focus();
        }}
        onKeyDown={moveByKeys}
        onClick={() => list.current?.hidePopover()}
      >
        {open && children}
      </div>
    </>
  );
}

interface MenuItemProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  readonly icon?: ReactNode;
  readonly danger?: boolean;
  /** Of one of several choices: whether it is the present one. */
  readonly chosen?: boolean;
}

export function MenuItem({ icon, danger = false, chosen, children, className, ...rest }: MenuItemProps) {
  return (
    <button
      type="button"
      {...(chosen === undefined ? { role: "menuitem" } : { role: "menuitemradio", "aria-checked": chosen })}
      tabIndex={-1}
      {...rest}
      className={classes(styles.item, danger && styles.danger, className)}
    >
      {icon}
      <span>{children}</span>
    </button>
  );
}

export function MenuLine() {
  return <hr className={styles.line} />;
}

function itemsOf(menu: HTMLElement): HTMLElement[] {
  return [...menu.querySelectorAll<HTMLElement>("[role^=menuitem]:not(:disabled)")];
}

function moveByKeys(event: KeyboardEvent<HTMLElement>): void {
  const items = itemsOf(event.currentTarget);
  const at = items.findIndex((item) => item.matches(":focus"));
  const next = nextItem(items, at, event.key);
  if (next === undefined) return;
  event.preventDefault();
  next.focus();
}

function nextItem(items: readonly HTMLElement[], at: number, key: string): HTMLElement | undefined {
  if (key === "ArrowDown") return items[(at + 1) % items.length];
  if (key === "ArrowUp") return items.at(at <= 0 ? -1 : at - 1);
  if (key === "Home") return items[0];
  if (key === "End") return items.at(-1);
  if (key.length !== 1 || key === " ") return undefined;
  const behind = [...items.slice(at + 1), ...items.slice(0, at + 1)];
  return behind.find((item) => item.textContent.trim().toLowerCase().startsWith(key.toLowerCase()));
}

function viewport(): { width: number; height: number } {
  return { width: document.documentElement.clientWidth, height: document.documentElement.clientHeight };
}

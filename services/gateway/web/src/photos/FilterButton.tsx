import { SlidersHorizontal } from "lucide-react";
import { type CSSProperties, lazy, Suspense, useId, useRef, useState } from "react";
import { IconButton } from "../app/ui/Button";
import { placeBeside } from "../app/ui/placing";
import { useView } from "../view/useView";
import { isFiltered } from "../view/view";
import styles from "./FilterButton.module.css";

const FilterPanel = lazy(() => import("./FilterPanel").then((part) => ({ default: part.FilterPanel })));

/** The button that opens the panel of filters. */
export function FilterButton({ projectFilter }: { readonly projectFilter: string | null }) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const panel = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState(false);
  const [place, setPlace] = useState<CSSProperties>({});
  const filtered = isFiltered(useView());
  const put = () => {
    if (button.current === null || panel.current === null) return;
    const { clientWidth: width, clientHeight: height } = document.documentElement;
    setPlace(
      placeBeside(button.current.getBoundingClientRect(), panel.current.getBoundingClientRect(), { width, height }),
    );
  };
  return (
    <>
      <IconButton
        ref={button}
        label={filtered ? "Filters, some are set" : "Filters"}
        className={styles.button}
        data-set={filtered || undefined}
        popoverTarget={id}
        aria-haspopup="dialog"
        aria-expanded={open}
      >
        <SlidersHorizontal aria-hidden />
      </IconButton>
      <div
        ref={panel}
        id={id}
        popover="auto"
        role="dialog"
        aria-label="Filters"
        className={styles.panel}
        style={place}
        onToggle={(event) => {
          setOpen(event.newState === "open");
          if (event.newState === "open") put();
        }}
      >
        {open && (
          <Suspense>
            <FilterPanel projectFilter={projectFilter} onReady={put} onClose={() => panel.current?.hidePopover()} />
          </Suspense>
        )}
      </div>
    </>
  );
}

import { type ComponentProps, useLayoutEffect, useRef } from "react";

/** A bar at the foot of the photos. When it goes while it holds the focus, the photos get it, so that keys go on there. */
export function FootBar(props: ComponentProps<"section">) {
  const bar = useRef<HTMLElement>(null);
  useLayoutEffect(() => {
    const shown = bar.current;
    return () => {
      if (!shown?.contains(document.activeElement)) return;
      const content = document.getElementById("content");
      const next = content?.querySelector<HTMLElement>('[role="grid"]') ?? content;
      next?.focus({ preventScroll: true });
    };
  }, []);
  return <section {...props} ref={bar} />;
}

import { useQuery } from "@tanstack/react-query";
import { ArrowDownWideNarrow, CheckCheck, SquareCheck, X } from "lucide-react";
import { projectsQuery } from "../api/projects";
import { Button, IconButton } from "../app/ui/Button";
import { Menu, MenuItem, MenuLine } from "../app/ui/Menu";
import { ORDERS, type Order, OTHER_SORTS, type Sort } from "../view/search";
import { useChangeView, useView } from "../view/useView";
import { filterOf, type View } from "../view/view";
import { FilterButton } from "./FilterButton";
import { chipsOf, NO_FILTERS, ORDER_WORDS, SORT_WORDS } from "./filterWords";
import type { PhotoList } from "./photoList";
import { Picking } from "./picking";
import { countOf } from "./selection";
import { useSelection } from "./selectionStore";
import styles from "./ViewLine.module.css";

interface ViewLineProps {
  readonly list: PhotoList;
  readonly projectFilter: string | null;
}

/** What is looked at: its name, how many photos, by which filters and in which order. */
export function ViewLine({ list, projectFilter }: ViewLineProps) {
  const nameOf = useNames();
  return (
    <header className={styles.line}>
      <div className={styles.title}>
        <h1>{projectFilter === null ? "All photos" : nameOf(projectFilter)}</h1>
        <p role="status">{countInWords(list)}</p>
      </div>
      <div className={styles.tools}>
        <SelectTools list={list} />
        <SortMenu />
        <FilterButton projectFilter={projectFilter} />
      </div>
      <Chips nameOf={nameOf} />
    </header>
  );
}

function SelectTools({ list }: { readonly list: PhotoList }) {
  const view = useView();
  const change = useChangeView();
  const picks = countOf(useSelection()) > 0 || view.selecting;
  return (
    <>
      {picks && (
        <Button
          look="quiet"
          icon={<CheckCheck aria-hidden />}
          className={styles.all}
          title="Select all that match (Ctrl+A)"
          onClick={() => void new Picking(list).all(filterOf(view))}
        >
          Select all
        </Button>
      )}
      <IconButton
        label={view.selecting ? "Stop selecting" : "Select photos"}
        aria-pressed={view.selecting}
        className={styles.toggle}
        onClick={() => change({ select: view.selecting ? undefined : true })}
      >
        <SquareCheck aria-hidden />
      </IconButton>
    </>
  );
}

const SORTS: readonly Sort[] = ["taken_at", ...OTHER_SORTS];

function SortMenu() {
  const view = useView();
  const change = useChangeView();
  return (
    <Menu label={`Sorted by ${sortInWords(view)}`} icon={<ArrowDownWideNarrow aria-hidden />}>
      {SORTS.map((sort) => (
        <MenuItem
          key={sort}
          chosen={view.sort === sort}
          onClick={() => change({ sort: sort === "taken_at" ? undefined : sort, order: undefined })}
        >
          {SORT_WORDS[sort]}
        </MenuItem>
      ))}
      <MenuLine />
      {ordersOf(view.sort).map((order) => (
        <MenuItem
          key={order}
          chosen={view.order === order}
          onClick={() => change({ order: orderInAddress(view, order) })}
        >
          {ORDER_WORDS[view.sort][order]}
        </MenuItem>
      ))}
    </Menu>
  );
}

function Chips({ nameOf }: { readonly nameOf: (folder: string) => string }) {
  const { search } = useView();
  const change = useChangeView();
  const chips = chipsOf(search, nameOf);
  if (chips.length === 0) return null;
  return (
    <ul className={styles.chips} aria-label="Filters">
      {chips.map(({ key, words, without }) => (
        <li key={key} className={styles.chip}>
          <span>{words}</span>
          <button type="button" aria-label={`Without the filter ${words}`} onClick={() => change(without)}>
            <X aria-hidden />
          </button>
        </li>
      ))}
      {chips.length > 1 && (
        <li>
          <button type="button" className={styles.none} onClick={() => change(NO_FILTERS)}>
            Clear all
          </button>
        </li>
      )}
    </ul>
  );
}

/** The name of the project in a folder, or the folder where it is not known. */
function useNames(): (folder: string) => string {
  const { data: projects } = useQuery(projectsQuery);
  return (folder) => projects?.find((project) => project.folder === folder)?.name ?? folder;
}

/** The usual order first. */
function ordersOf(sort: Sort): readonly Order[] {
  return sort === "filename" ? ORDERS : ORDERS.toReversed();
}

/** What is usual is not in the address. */
function orderInAddress({ sort }: View, order: Order): Order | undefined {
  return ordersOf(sort)[0] === order ? undefined : order;
}

function sortInWords({ sort, order }: View): string {
  return `${SORT_WORDS[sort].toLowerCase()}, ${ORDER_WORDS[sort][order].toLowerCase()}`;
}

function countInWords({ model: { total, totalExact } }: PhotoList): string {
  if (total === null) return "";
  const more = totalExact ? "" : "+";
  return `${total.toLocaleString("en")}${more} ${total === 1 ? "photo" : "photos"}`;
}

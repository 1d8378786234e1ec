/** One server-sent event as it stood on the line: plain data, so that tabs can hand it to each other. */
export interface Frame {
  readonly id: string | null;
  readonly event: string;
  readonly data: string;
}

/** Reads server-sent events (HTML, section 9.2.6) from text that comes in pieces of any size. */
export class FrameParser {
  /** Milliseconds that the server asks to wait before connecting again. */
  retry: number | null = null;

  #rest = "";
  #id: string | null = null;
  #event = "";
  #data: string[] = [];

  /** Returns the events that `text` completes. */
  push(text: string): Frame[] {
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? "";
    return lines.flatMap((line) => this.#line(line) ?? []);
  }

  #line(line: string): Frame | null {
    if (line === "") return this.#end();
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "event") this.#event = value;
    else if (name === "data") this.#data.push(value);
    else if (name === "id" && !value.includes("\0")) this.#id = value;
    else if (name === "retry" && /^\d+$/.test(value)) this.retry = Number(value);
    return null;
  }

  /** An empty line ends an event. Its id is its own: one without says nothing of where it stands in the log. */
  #end(): Frame | null {
    const frame = { id: this.#id, event: this.#event || "message", data: this.#data.join("\n") };
    const empty = this.#data.length === 0;
    this.#id = null;
    this.#event = "";
    this.#data = [];
    return empty ? null : frame;
  }
}

/** Ids are `<seq>-<n>`, or `<seq>` for all that the event at that place in the log says; they only rise. */
export function isAfter(id: string, than: string | null): boolean {
  if (than === null) return true;
  const [seq, n] = partsOf(id);
  const [thanSeq, thanN] = partsOf(than);
  return seq === thanSeq ? n > thanN : seq > thanSeq;
}

function partsOf(id: string): readonly [number, number] {
  const [seq, n] = id.split("-");
  return [Number(seq), n === undefined ? Number.POSITIVE_INFINITY : Number(n)];
}

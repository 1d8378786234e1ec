const UNITS = ["bytes", "kB", "MB", "GB", "TB"] as const;
const STEP = 1000;

/** `24.3 MB`, as cameras and disks count. */
export function bytesInWords(bytes: number): string {
  let size = bytes;
  let unit = 0;
  while (unit < UNITS.length - 1 && Number(size.toPrecision(3)) >= STEP) {
    size /= STEP;
    unit += 1;
  }
  const digits = unit === 0 || size >= 100 ? 0 : 1;
  return `${size.toFixed(digits)} ${unit === 0 && bytes === 1 ? "byte" : UNITS[unit]}`;
}

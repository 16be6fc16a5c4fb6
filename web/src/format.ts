/** How values are written for people. Pure functions; the language is the browser's, unless a test says which. */

const UNITS = ["KiB", "MiB", "GiB", "TiB"] as const;

/** `0 bytes`, `1 byte`, `1,023 bytes`, `1.5 KiB`, `12 MiB`: two significant places at most, never `1,024 KiB`. */
export function formatSize(bytes: number, locale?: string): string {
  if (bytes < 1024) {
    return `${bytes.toLocaleString(locale)} ${bytes === 1 ? "byte" : "bytes"}`;
  }
  let value = bytes;
  let name = "bytes";
  for (const unit of UNITS) {
    value /= 1024;
    name = unit;
    if (rounded(value) < 1024) break;
  }
  return `${rounded(value).toLocaleString(locale)} ${name}`;
}

/** One decimal below ten, none above. */
function rounded(value: number): number {
  return value < 9.95 ? Math.round(value * 10) / 10 : Math.round(value);
}

/** Whole percent, and 100 only when everything is there. */
export function percent(done: number, total: number): number {
  if (total === 0 || done >= total) {
    return 100;
  }
  return Math.min(99, Math.floor((done / total) * 100));
}

/** A moment in the reader's own time zone. */
export function formatTime(rfc3339: string, locale?: string, timeZone?: string): string {
  const date = new Date(rfc3339);
  if (Number.isNaN(date.getTime())) {
    return rfc3339;
  }
  return new Intl.DateTimeFormat(locale, {
    dateStyle: "medium",
    timeStyle: "short",
    ...(timeZone === undefined ? {} : { timeZone }),
  }).format(date);
}

/** `1 file`, `3 files`. */
export function count(number: number, one: string, many: string): string {
  return `${number.toLocaleString()} ${number === 1 ? one : many}`;
}

/** `available` → `Available`, `not_yet_valid` → `Not yet valid`. */
export function stateName(state: string): string {
  const words = state.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

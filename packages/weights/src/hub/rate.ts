/** How a download stands. */
export interface HubProgress {
  /** The file that is being fetched. */
  readonly file: string;
  /** Bytes that are here, of all files that this call has to fetch, those of an earlier attempt included. */
  readonly done: number;
  /** Bytes of all files that this call has to fetch, as far as they are known: shards are when their index is read. */
  readonly total: number;
  /** Bytes a second, smoothed over some seconds; 0 until there is a measure. */
  readonly rate: number;
}

/** Counts bytes and reports them. */
export interface Meter {
  /** More files are to come. */
  expect(bytes: number): void;
  /** Bytes are here, from before (`fresh` false) or over the network; negative where they were thrown away. */
  add(file: string, bytes: number, fresh: boolean): void;
  /** Reports now. */
  flush(file: string): void;
}

/** Time constant of the smoothing, and time between two reports, in milliseconds. */
const SMOOTH_MS = 3000;
const REPORT_MS = 100;

/** A meter that reports ten times a second at most. */
export function meter(
  report: ((progress: HubProgress) => void) | undefined,
  now: () => number = () => performance.now(),
): Meter {
  let done = 0;
  let total = 0;
  let rate = 0;
  let fresh = 0;
  let measured = now();
  let reported = -Infinity;
  const measure = (): void => {
    const passed = now() - measured;
    if (passed < REPORT_MS) return;
    const momentary = (fresh / passed) * 1000;
    const weight = rate === 0 ? 1 : 1 - Math.exp(-passed / SMOOTH_MS);
    rate += weight * (momentary - rate);
    fresh = 0;
    measured = now();
  };
  const flush = (file: string): void => {
    measure();
    reported = now();
    report?.({ file, done, total, rate });
  };
  return {
    expect: (bytes) => {
      total += bytes;
    },
    add: (file, bytes, isFresh) => {
      done += bytes;
      if (isFresh) fresh += bytes;
      if (now() - reported >= REPORT_MS) flush(file);
    },
    flush,
  };
}

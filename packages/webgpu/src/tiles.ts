/** How much of a product a workgroup makes, and how much of that a thread. */
export interface Tile {
  readonly rows: number;
  readonly columns: number;
  /** Terms that are shared at a time. */
  readonly depth: number;
  /** Rows and columns of a thread. */
  readonly own: number;
}

/** The tiles that are tried, largest first. Shared memory is below the 16 KiB that every adapter has. */
export const TILES: readonly [Tile, Tile, ...Tile[]] = [
  { rows: 128, columns: 128, depth: 8, own: 8 },
  { rows: 64, columns: 64, depth: 16, own: 4 },
  { rows: 64, columns: 64, depth: 16, own: 8 },
  { rows: 32, columns: 32, depth: 16, own: 4 },
];

/** For products that few workgroups make. */
const LAST: Tile = { rows: 32, columns: 32, depth: 8, own: 4 };

/** Which tile for products of many entries, and which for those of fewer. */
export interface Tiles {
  readonly large: Tile;
  readonly small: Tile;
  /** Whether these are used however few workgroups that makes: where they are timed. */
  readonly always?: boolean;
}

/** So many workgroups keep a device busy: with fewer, smaller tiles are faster. */
const ENOUGH = 96;

/** The tile of a product. */
export function tileOf(
  { large, small, always = false }: Tiles,
  { m, n, batch }: { readonly m: number; readonly n: number; readonly batch: number },
): Tile {
  const keeps = ({ rows, columns }: Tile): boolean =>
    always || batch * Math.ceil(m / rows) * Math.ceil(n / columns) >= ENOUGH;
  return [large, small].find(keeps) ?? LAST;
}

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

export interface StepOptions {
  readonly count: number;
  /** Where the marks are. */
  readonly boxes: () => readonly (Box | undefined)[];
  /** Whether arrows go to what is nearest in their direction; default to the next and the one before. */
  readonly around: boolean;
}

const ARROWS: Readonly<Record<string, readonly [x: number, y: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** The mark that a key goes to; undefined where it goes nowhere. */
export function stepTo(
  key: string,
  at: number,
  { count, boxes, around }: StepOptions,
): number | undefined {
  if (key === "Home") return 0;
  if (key === "End") return count - 1;
  const direction = ARROWS[key];
  if (direction === undefined) return undefined;
  const [x, y] = direction;
  if (around) return nearest(at, direction, boxes());
  return Math.min(count - 1, Math.max(0, at + x + y));
}

/** What is nearest in a direction, what lies aside counted double. */
function nearest(
  at: number,
  [x, y]: readonly [number, number],
  boxes: readonly (Box | undefined)[],
): number {
  const centre = ({ left, right, top, bottom }: Box) =>
    [(left + right) / 2, (top + bottom) / 2] as const;
  const own = boxes[at];
  if (own === undefined) return at;
  const [fromX, fromY] = centre(own);
  let best = at;
  let least = Number.POSITIVE_INFINITY;
  boxes.forEach((box, i) => {
    if (box === undefined || i === at) return;
    const [toX, toY] = centre(box);
    const along = x * (toX - fromX) + y * (toY - fromY);
    const aside = Math.abs(y * (toX - fromX)) + Math.abs(x * (toY - fromY));
    if (along < 1 || along + 2 * aside >= least) return;
    [best, least] = [i, along + 2 * aside];
  });
  return best;
}

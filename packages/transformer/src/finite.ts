import type { Engine, Half, Shaped } from "@resolvent/tensor";
import type { Model } from "./model.ts";
import { run } from "./run.ts";
import type { Site } from "./sites.ts";
import type { Warning } from "./warning.ts";

/** The bits of the exponent; all of them are set in what is NaN or infinite. */
const EXPONENT: Readonly<Record<Half, number>> = { f16: 0x7c00, bf16: 0x7f80 };

/** Tensors that get a warning each; of the others is said that there are some. */
const MOST = 4;

/** The index of the first entry that is NaN or infinite, and how many there are. */
interface NotFinite {
  readonly first: number;
  readonly count: number;
}

/** Looks for weights that are NaN or infinite, in tensors as they are read; `warnings` gets longer with each found. */
export interface FiniteCheck {
  readonly warnings: Warning[];
  numbers(name: string, shape: readonly number[], values: Float32Array | Float64Array): void;
  halves(name: string, shape: readonly number[], values: Uint16Array, half: Half): void;
}

export function finiteCheck(warnings: Warning[] = []): FiniteCheck {
  const known = new Set<string>();
  const tell = (name: string, shape: readonly number[], found: NotFinite, value: number): void => {
    if (known.has(name)) return; // a model that streams reads its layers again and again
    known.add(name);
    if (known.size > MOST + 1) return;
    const size = shape.reduce((a, b) => a * b, 1);
    warnings.push({
      code: "not-finite",
      message:
        known.size > MOST
          ? `More tensors hold weights that are not finite: ${name}, and perhaps others.`
          : `${name}[${placeOf(found.first, shape).join(", ")}] is ${value}: ${found.count} of the tensor's ${size} weights ${found.count === 1 ? "is" : "are"} not finite, and neither is what depends on them.`,
    });
  };
  return {
    warnings,
    numbers: (name, shape, values) => {
      const found = notFinite(values);
      if (found !== undefined) tell(name, shape, found, values[found.first] as number);
    },
    halves: (name, shape, values, half) => {
      const mask = EXPONENT[half];
      const found = notFiniteBits(values, mask);
      if (found === undefined) return;
      const bits = values[found.first] as number;
      const fraction = bits & ~mask & 0x7fff;
      tell(name, shape, found, fraction > 0 ? Number.NaN : bits & 0x8000 ? -Infinity : Infinity);
    },
  };
}

function notFinite(values: Float32Array | Float64Array): NotFinite | undefined {
  if (allFinite(values)) return undefined;
  let [first, count] = [-1, 0];
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) continue;
    if (count++ === 0) first = i;
  }
  return { first, count };
}

/** Every weight of every model passes here: four sums, which a processor adds side by side, and no branch. */
function allFinite(values: Float32Array | Float64Array): boolean {
  let [a, b, c, d] = [0, 0, 0, 0];
  const whole = values.length - (values.length % 4);
  // 0 times what is finite is 0, times NaN or infinity NaN; all indices are in range.
  for (let i = 0; i < whole; i += 4) {
    a += (values[i] as number) * 0;
    b += (values[i + 1] as number) * 0;
    c += (values[i + 2] as number) * 0;
    d += (values[i + 3] as number) * 0;
  }
  for (let i = whole; i < values.length; i++) a += (values[i] as number) * 0;
  return a + b + c + d === 0;
}

function notFiniteBits(values: Uint16Array, mask: number): NotFinite | undefined {
  let [first, count] = [-1, 0];
  for (let i = 0; i < values.length; i++) {
    if (((values[i] as number) & mask) !== mask) continue; // i is in range
    if (count++ === 0) first = i;
  }
  return count === 0 ? undefined : { first, count };
}

/** The first site of a run, of those between blocks, whose value has entries that are NaN or infinite. */
export async function firstNotFiniteSite<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  tokens: readonly number[],
): Promise<Site | undefined> {
  const { residual, logits, trace } = run(engine, model, tokens, {
    sites: ["embed", "*.write", "final.norm", "logits"],
  });
  try {
    for (const [site, value] of trace) {
      const { data } = await engine.read(value);
      if (!Array.prototype.every.call(data, Number.isFinite)) return site;
    }
    return undefined;
  } finally {
    engine.free([residual, logits, trace]);
  }
}

/** Where an entry stands along each axis. */
function placeOf(index: number, shape: readonly number[]): number[] {
  let left = index;
  return shape
    .toReversed()
    .map((size) => {
      const at = left % size;
      left = Math.floor(left / size);
      return at;
    })
    .toReversed();
}

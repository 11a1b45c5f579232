import {
  type Engine,
  InputError,
  type Ops,
  reachable,
  reference,
  type Shape,
  type Shaped,
  type Tensor,
} from "@resolvent/tensor";
import { scopeResult } from "@resolvent/tensor/rules";

/** A value of a `lateEngine`: nothing of it can be seen but its shape. */
export class Late implements Shaped {
  readonly shape: Shape;
  constructor(shape: Shape) {
    this.shape = shape;
  }
}

/** An engine that answers as one on a GPU does. */
export interface LateEngine extends Engine<Late> {
  /** How many values are alive. */
  alive(): number;
}

/**
 * The float64 reference behind the manners of a GPU: values are opaque, `read` and `top` answer after other work had
 * its turn, and what a scope or `free` gave up must not be used again (`late/freed`; of another interpreter:
 * `late/foreign`). For tests that nothing on the host counts on numbers that are there at once, and that all is freed.
 */
export function lateEngine(): LateEngine {
  /** The numbers of what is alive. */
  const alive = new Map<Late, Tensor>();
  const ended = new WeakSet<Late>();
  /** The values made in each open scope, innermost last. */
  const scopes: Late[][] = [];

  const give = (value: Tensor): Late => {
    const handle = new Late(value.shape);
    alive.set(handle, value);
    scopes.at(-1)?.push(handle);
    return handle;
  };
  const see = (handle: Late): Tensor => {
    const value = alive.get(handle);
    if (value !== undefined) return value;
    const freed = ended.has(handle);
    throw new InputError({
      code: freed ? "late/freed" : "late/foreign",
      message: freed
        ? "A value was used after it was freed."
        : "A value of another interpreter was used.",
      details: { shape: handle.shape },
    });
  };
  const end = (handle: Late): void => {
    if (alive.delete(handle)) ended.add(handle);
  };
  const later = async <V>(value: V): Promise<V> => {
    await new Promise((resolve) => setTimeout(resolve, 0));
    return value;
  };

  return {
    name: "late",
    precision: "f64",
    alive: () => alive.size,
    // What is asked for is what is there at the call: it may be freed before the answer comes.
    read: (a) => later(reference.read(see(a))),
    top: async (a, axis, k) => later(await reference.top(see(a), axis, k)),
    written: (shape, write) => give(reference.written(shape, write)),
    writtenHalf: (shape, half, write) => give(reference.writtenHalf(shape, half, write)),
    free: (value) => {
      for (const found of reachable(value)) if (found instanceof Late) end(found);
    },
    scope: (body) => {
      const made: Late[] = [];
      scopes.push(made);
      let kept: ReadonlySet<unknown> = new Set(); // nothing, where the body throws
      try {
        const result = scopeResult(body());
        kept = reachable(result);
        return result;
      } finally {
        scopes.pop();
        for (const handle of made) {
          if (kept.has(handle)) scopes.at(-1)?.push(handle);
          else end(handle);
        }
      }
    },
    ...opaque(give, see),
  };
}

/** The reference's operations from handles to handles. */
function opaque(
  give: (value: Tensor) => Late,
  see: (handle: Late) => Tensor,
): Omit<Ops<Late>, "scope"> {
  const one =
    <A extends readonly unknown[]>(operation: (a: Tensor, ...more: A) => Tensor) =>
    (a: Late, ...more: A): Late =>
      give(operation(see(a), ...more));
  const two =
    <A extends readonly unknown[]>(operation: (a: Tensor, b: Tensor, ...more: A) => Tensor) =>
    (a: Late, b: Late, ...more: A): Late =>
      give(operation(see(a), see(b), ...more));
  return {
    constant: (shape, data) => give(reference.constant(shape, data)),
    fill: (shape, value) => give(reference.fill(shape, value)),
    rename: one(reference.rename),
    split: one(reference.split),
    join: one(reference.join),
    arrange: one(reference.arrange),
    slice: one(reference.slice),
    concat: (parts, axis) => give(reference.concat(parts.map(see), axis)),
    broadcast: one(reference.broadcast),
    take: one(reference.take),
    put: one(reference.put),
    add: two(reference.add),
    sub: two(reference.sub),
    mul: two(reference.mul),
    div: two(reference.div),
    scale: one(reference.scale),
    exp: one(reference.exp),
    log: one(reference.log),
    sqrt: one(reference.sqrt),
    gate: one(reference.gate),
    sum: one(reference.sum),
    matmul: two(reference.matmul),
    center: one(reference.center),
    rms: one(reference.rms),
    softmax: one(reference.softmax),
    logsumexp: one(reference.logsumexp),
    rotary: one(reference.rotary),
  };
}

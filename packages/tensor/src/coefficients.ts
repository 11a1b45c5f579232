import type { Ops } from "./ops.ts";
import { binaryShape } from "./rules/arithmetic.ts";
import type { Shape, Shaped } from "./shape.ts";

/** The axis that counts the coefficients of a series; values may not have one of this name. */
const ORDER = "order";

/** A polynomial in ε, known up to the order of its interpreter: `Σ_k ε^k a_k`. */
export interface Series<T extends Shaped> extends Shaped {
  /** How many coefficients are kept; those beyond are zero. */
  readonly orders: number;
  /** The coefficients along an axis `order`, which is missing where there is only one. */
  readonly coefficients: T;
}

export function made<T extends Shaped>(shape: Shape, coefficients: T, orders: number): Series<T> {
  return { shape, coefficients, orders };
}

/** A value that does not depend on ε. */
export function still<T extends Shaped>(value: T): Series<T> {
  return made(value.shape, value, 1);
}

/** What is linear is one operation on the stack of coefficients. */
export function linear<T extends Shaped>(a: Series<T>, shape: Shape, f: (x: T) => T): Series<T> {
  return made(shape, f(a.coefficients), a.orders);
}

/** How series are taken apart, put together, added and multiplied. */
export interface Coefficients<T extends Shaped> {
  /** Coefficient `k < orders`, without the axis of orders. */
  at(a: Series<T>, k: number): T;
  all(a: Series<T>): T[];
  /** A series from its coefficients, of which those that are undefined are zero. */
  stacked(shape: Shape, parts: readonly (T | undefined)[]): Series<T>;
  /** The first `orders` coefficients as a stack, filled up with zeros. */
  stackOf(a: Series<T>, orders: number): T;
  /** The sum of two; both sides' coefficients beyond the other's are left as they are. */
  plus(a: Series<T>, b: Series<T>, shape: Shape, f: (x: T, y: T) => T): Series<T>;
  /** The product by a bilinear operation: `Σ_i ε^i f(a_i, b)`. */
  times(a: Series<T>, b: Series<T>, shape: Shape, f: (x: T, y: T) => T): Series<T>;
  add(a: Series<T>, b: Series<T>): Series<T>;
  mul(a: Series<T>, b: Series<T>): Series<T>;
  scale(a: Series<T>, factor: number): Series<T>;
}

/** @param order the highest power of ε that is kept */
export function coefficientsOf<T extends Shaped>(ops: Ops<T>, order: number): Coefficients<T> {
  const at = (a: Series<T>, k: number): T =>
    a.orders === 1 ? a.coefficients : ops.sum(ops.slice(a.coefficients, ORDER, k, k + 1), [ORDER]);
  const all = (a: Series<T>): T[] => Array.from({ length: a.orders }, (_, k) => at(a, k));
  const stacked = (shape: Shape, parts: readonly (T | undefined)[]): Series<T> => {
    const kept = parts.slice(0, order + 1);
    while (kept.length > 1 && kept.at(-1) === undefined) kept.pop();
    const whole = kept.map((part) => part ?? ops.fill(shape, 0));
    const [first] = whole;
    if (first === undefined) throw new RangeError("A series has at least one coefficient.");
    if (whole.length === 1) return made(shape, first, 1);
    const levels = whole.map((part) => ops.broadcast(part, { [ORDER]: 1 }));
    return made(shape, ops.concat(levels, ORDER), whole.length);
  };
  const stackOf = (a: Series<T>, orders: number): T => {
    const stack = a.orders === 1 ? ops.broadcast(a.coefficients, { [ORDER]: 1 }) : a.coefficients;
    if (a.orders >= orders) return stack;
    const rest = ops.fill({ ...a.shape, [ORDER]: orders - a.orders }, 0);
    return ops.concat([stack, rest], ORDER);
  };
  const plus = (a: Series<T>, b: Series<T>, shape: Shape, f: (x: T, y: T) => T): Series<T> => {
    const orders = Math.max(a.orders, b.orders);
    if (orders === 1) return made(shape, f(a.coefficients, b.coefficients), 1);
    return made(shape, f(stackOf(a, orders), stackOf(b, orders)), orders);
  };
  const times = (a: Series<T>, b: Series<T>, shape: Shape, f: (x: T, y: T) => T): Series<T> => {
    if (a.orders === 1 || b.orders === 1) {
      const orders = Math.max(a.orders, b.orders);
      return made(shape, f(a.coefficients, b.coefficients), orders);
    }
    const parts: (T | undefined)[] = [];
    const short = a.orders <= b.orders;
    const [few, many] = short ? [a, b] : [b, a];
    for (const [i, part] of all(few).entries()) {
      const reach = Math.min(many.orders, order + 1 - i);
      const stack = ops.slice(many.coefficients, ORDER, 0, reach);
      const product = made(shape, short ? f(part, stack) : f(stack, part), reach);
      for (let j = 0; j < reach; j++) {
        const piece = ops.sum(ops.slice(product.coefficients, ORDER, j, j + 1), [ORDER]);
        const known = parts[i + j];
        parts[i + j] = known === undefined ? piece : ops.add(known, piece);
      }
    }
    return stacked(shape, parts);
  };
  const mul = (a: Series<T>, b: Series<T>): Series<T> =>
    times(a, b, binaryShape(a.shape, b.shape, "mul"), ops.mul);
  const scale = (a: Series<T>, factor: number): Series<T> =>
    linear(a, a.shape, (x) => ops.scale(x, factor));
  const add = (a: Series<T>, b: Series<T>): Series<T> =>
    plus(a, b, binaryShape(a.shape, b.shape, "add"), ops.add);
  return { at, all, stacked, stackOf, plus, times, add, mul, scale };
}

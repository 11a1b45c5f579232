/** Scopes, for engines that own memory: what they free, and what they keep. */
import { scopeResult } from "./engine.ts";

/** The handles inside a value: itself, or in arrays, maps, sets and plain objects. */
export function handlesIn<H extends object>(
  value: unknown,
  isHandle: (value: object) => value is H,
): Set<H> {
  const handles = new Set<H>();
  const seen = new Set<object>();
  const visit = (inner: unknown): void => {
    if (typeof inner !== "object" || inner === null) return;
    if (isHandle(inner)) {
      handles.add(inner);
      return;
    }
    if (ArrayBuffer.isView(inner) || seen.has(inner)) return;
    seen.add(inner);
    if (Array.isArray(inner) || inner instanceof Set) for (const item of inner) visit(item);
    else if (inner instanceof Map) {
      for (const [key, item] of inner) {
        visit(key);
        visit(item);
      }
    } else {
      const prototype = Object.getPrototypeOf(inner);
      if (prototype === null || prototype === Object.prototype) Object.values(inner).forEach(visit);
    }
  };
  visit(value);
  return handles;
}

/** The scopes that are open in an engine, each with the handles that were made in it. */
export class Scopes<H extends object> {
  /** Innermost last. */
  readonly #open: H[][] = [];
  readonly #isHandle: (value: object) => value is H;
  readonly #drop: (handle: H) => void;

  /** @param drop frees what a handle holds; it may be called again for the same one */
  constructor(isHandle: (value: object) => value is H, drop: (handle: H) => void) {
    this.#isHandle = isHandle;
    this.#drop = drop;
  }

  /** Says that a handle was made: it belongs to the innermost scope, or to the caller where none is open. */
  made(handle: H): H {
    this.#open.at(-1)?.push(handle);
    return handle;
  }

  /** See `Ops.scope`. */
  run<R>(body: () => R): R {
    const made: H[] = [];
    const depth = this.#open.push(made);
    let kept: ReadonlySet<H> = new Set(); // nothing, where the body throws
    try {
      const result = scopeResult(body());
      kept = handlesIn(result, this.#isHandle);
      return result;
    } finally {
      this.#open.length = depth - 1;
      const outer = this.#open.at(-1);
      for (const handle of made) {
        if (!kept.has(handle)) this.#drop(handle);
        else outer?.push(handle);
      }
    }
  }

  /** Runs `body` outside every scope: what it makes lives until it is freed. */
  outside<R>(body: () => R): R {
    const open = this.#open.splice(0);
    try {
      return body();
    } finally {
      this.#open.push(...open);
    }
  }
}

import { MAX_PICKLE_DEPTH, MAX_PICKLE_VALUES } from "../limits.ts";
import { badPickle, pickleGlobal } from "./bad-pickle.ts";
import { pickleBytes } from "./bytes.ts";
import { GLOBALS } from "./globals.ts";
import { build, make, type Pickled, setItems, stored } from "./objects.ts";
import type { TorchName, TorchValue } from "./value.ts";

/** What marks where the parts of a list, dict or tuple begin. */
const MARK = Symbol("mark");

/** The operations of pickles (Python's pickletools) that tensors, and what holds them, are written with. */
const OP = {
  MARK: 0x28,
  EMPTY_TUPLE: 0x29,
  STOP: 0x2e,
  POP: 0x30,
  BINFLOAT: 0x47,
  BININT: 0x4a,
  BININT1: 0x4b,
  BININT2: 0x4d,
  NONE: 0x4e,
  BINPERSID: 0x51,
  REDUCE: 0x52,
  BINUNICODE: 0x58,
  EMPTY_LIST: 0x5d,
  APPEND: 0x61,
  BUILD: 0x62,
  GLOBAL: 0x63,
  APPENDS: 0x65,
  BINGET: 0x68,
  LONG_BINGET: 0x6a,
  BINPUT: 0x71,
  LONG_BINPUT: 0x72,
  SETITEM: 0x73,
  TUPLE: 0x74,
  SETITEMS: 0x75,
  EMPTY_DICT: 0x7d,
  PROTO: 0x80,
  NEWOBJ: 0x81,
  TUPLE1: 0x85,
  TUPLE2: 0x86,
  TUPLE3: 0x87,
  NEWTRUE: 0x88,
  NEWFALSE: 0x89,
  LONG1: 0x8a,
  SHORT_BINUNICODE: 0x8c,
  BINUNICODE8: 0x8d,
  STACK_GLOBAL: 0x93,
  MEMOIZE: 0x94,
  FRAME: 0x95,
} as const;

/** The latest protocol of pickles. */
const PROTOCOLS = 5;

/**
 * What a pickle of tensors describes. Nothing of it is run: its operations put together maps, lists and views, and the
 * only names that it may hold are those of tensors and storages, and the `records`, which stay data.
 *
 * Throws `weights/bad-pickle`, `weights/pickle-global`.
 */
export function readPickle(
  bytes: Uint8Array,
  { name, records }: { readonly name: string; readonly records: ReadonlySet<string> },
): TorchValue {
  const from = pickleBytes(bytes, name);
  const stack: (Pickled | typeof MARK)[] = [];
  const memo = new Map<number, Pickled>();
  let made = 0;
  /** What pops and what is looked up is counted as well: a short pickle cannot ask for much work. */
  const count = (values: number): void => {
    made += values;
    if (made > MAX_PICKLE_VALUES) {
      throw badPickle(name, `makes more than ${MAX_PICKLE_VALUES} values.`, {
        limit: MAX_PICKLE_VALUES,
      });
    }
  };
  const push = (value: Pickled): void => {
    count(1);
    stack.push(value);
  };
  const pop = (): Pickled => {
    const value = stack.pop();
    if (value !== undefined && value !== MARK) return value;
    throw badPickle(name, `takes a value that is not there before byte ${from.at}.`);
  };
  const last = (): Pickled => {
    const value = pop();
    stack.push(value);
    return value;
  };
  /** What lies above the mark, which goes as well. */
  const marked = (): Pickled[] => {
    const at = stack.lastIndexOf(MARK);
    if (at < 0) throw badPickle(name, `takes a mark that is not there before byte ${from.at}.`);
    const values = stack.splice(at).slice(1) as Pickled[]; // the last mark: above it are none
    count(values.length);
    return values;
  };
  const tuple = (length: number): void => push(Array.from({ length }, pop).reverse());
  const global = (path: string): void => {
    if (!GLOBALS.has(path) && !records.has(path)) throw pickleGlobal(name, path);
    push({ kind: "name", path } satisfies TorchName);
  };
  const remember = (key: number): void => {
    memo.set(key, last());
  };
  const recall = (key: number): void => {
    const value = memo.get(key);
    if (value === undefined)
      throw badPickle(name, `recalls the value ${key}, which it has not kept.`);
    push(value);
  };
  const append = (values: readonly Pickled[]): void => {
    const list = last();
    if (!Array.isArray(list))
      throw badPickle(name, `appends to what is no list before byte ${from.at}.`);
    for (const value of values) list.push(value);
  };

  for (;;) {
    const at = from.at;
    const op = from.byte();
    switch (op) {
      case OP.PROTO: {
        const protocol = from.byte();
        if (protocol > PROTOCOLS) {
          throw badPickle(name, `is of protocol ${protocol}; up to ${PROTOCOLS} are read.`, {
            protocol,
          });
        }
        break;
      }
      case OP.FRAME:
        from.number(8); // how much comes in one piece: a hint for files
        break;
      case OP.MARK:
        count(1);
        stack.push(MARK);
        break;
      case OP.POP:
        pop();
        break;
      case OP.NONE:
        push(null);
        break;
      case OP.NEWTRUE:
        push(true);
        break;
      case OP.NEWFALSE:
        push(false);
        break;
      case OP.BININT:
        push(from.int32());
        break;
      case OP.BININT1:
        push(from.byte());
        break;
      case OP.BININT2:
        push(from.number(2));
        break;
      case OP.LONG1:
        push(from.long(from.byte()));
        break;
      case OP.BINFLOAT:
        push(from.float64());
        break;
      case OP.BINUNICODE:
        push(from.text(from.number(4)));
        break;
      case OP.SHORT_BINUNICODE:
        push(from.text(from.byte()));
        break;
      case OP.BINUNICODE8:
        push(from.text(from.number(8)));
        break;
      case OP.EMPTY_LIST:
      case OP.EMPTY_TUPLE:
        push([]);
        break;
      case OP.EMPTY_DICT:
        push(new Map());
        break;
      case OP.TUPLE:
        push(marked());
        break;
      case OP.TUPLE1:
      case OP.TUPLE2:
      case OP.TUPLE3:
        tuple(op - OP.TUPLE1 + 1);
        break;
      case OP.APPEND:
        append([pop()]);
        break;
      case OP.APPENDS:
        append(marked());
        break;
      case OP.SETITEM: {
        const value = pop();
        const key = pop();
        setItems(name, last(), [key, value]);
        break;
      }
      case OP.SETITEMS: {
        const items = marked();
        setItems(name, last(), items);
        break;
      }
      case OP.BINPUT:
        remember(from.byte());
        break;
      case OP.LONG_BINPUT:
        remember(from.number(4));
        break;
      case OP.MEMOIZE:
        remember(memo.size);
        break;
      case OP.BINGET:
        recall(from.byte());
        break;
      case OP.LONG_BINGET:
        recall(from.number(4));
        break;
      case OP.GLOBAL: {
        const module = from.line();
        global(`${module}.${from.line()}`);
        break;
      }
      case OP.STACK_GLOBAL: {
        const [own, module] = [pop(), pop()];
        global(`${String(module)}.${String(own)}`);
        break;
      }
      case OP.BINPERSID:
        push(stored(name, pop()));
        break;
      case OP.REDUCE:
      case OP.NEWOBJ: {
        const args = pop();
        push(make(name, pop(), args));
        break;
      }
      case OP.BUILD: {
        const state = pop();
        push(build(name, pop(), state));
        break;
      }
      case OP.STOP: {
        const value = pop();
        if (stack.length > 0) throw badPickle(name, `leaves ${stack.length} values over.`);
        checkDepth(name, value);
        return value as TorchValue; // nothing grows any more
      }
      default:
        throw badPickle(
          name,
          `has the operation 0x${op.toString(16).padStart(2, "0")} at byte ${at}, which no tensors need.`,
          { at, op },
        );
    }
  }
}

/** What is put into itself, or is very deep, would keep who walks through it from coming back. */
function checkDepth(name: string, value: Pickled): void {
  let walked = 0;
  const visit = (one: Pickled, depth: number): void => {
    if (typeof one !== "object" || one === null) return;
    if (depth > MAX_PICKLE_DEPTH || ++walked > MAX_PICKLE_VALUES) {
      throw badPickle(
        name,
        `puts values inside each other more than ${MAX_PICKLE_DEPTH} deep, or into themselves.`,
      );
    }
    if (one instanceof Map) {
      for (const [key, inner] of one) {
        visit(key, depth + 1);
        visit(inner, depth + 1);
      }
    } else if (Array.isArray(one)) {
      for (const inner of one) visit(inner, depth + 1);
    } else if ("kind" in one && one.kind === "record") {
      for (const inner of [...one.args, one.state]) visit(inner as Pickled, depth + 1);
    }
  };
  visit(value, 0);
}

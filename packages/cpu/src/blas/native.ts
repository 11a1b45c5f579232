import { InputError, type Precision } from "@resolvent/tensor";
import {
  type Koffi,
  type Library,
  loadKoffi,
  type NativeFunction,
  type ProductSource,
} from "../../worker/native.js";
import { nodeModule } from "../module.ts";
import { betterCore, cpuinfo } from "./cpu-kind.ts";
import { howToInstall, libraryNames } from "./find.ts";

/** Endings that builds with 64-bit whole numbers may give to their functions. */
const SUFFIXES = ["", "64_", "_64"];

/** A BLAS that is loaded into this process. */
export interface Native {
  /** The name or path it was loaded by. */
  readonly library: string;
  /** What it says of itself: version and build. */
  readonly config: string | undefined;
  /** The processor it chose its kernels for. */
  readonly core: string | undefined;
  /** What it would have chosen, where that was corrected; or why it could not be. */
  readonly note: string | undefined;
  readonly integer: "int" | "int64_t";
  /** A function by its C name, without the library's ending; undefined where it has none. */
  function(name: string, result: string, parameters: readonly string[]): NativeFunction | undefined;
  /** What threads need to compute products with it. */
  products(precision: Precision): ProductSource;
  /** Threads the library may use by itself in the calls that follow; without effect where it has no such setting. */
  setThreads(threads: number): void;
}

/** Why there is none. */
export interface NoNative {
  readonly missing: string;
  readonly remedy: string;
}

/** What was loaded, by what was asked for: loading is once for a process. */
const loaded = new Map<string, Native | NoNative>();

/**
 * The system's BLAS: the first that can be loaded, or the one at `path`.
 * @throws InputError `cpu/no-blas` where `path` cannot be loaded
 */
export function openNative(path: string | undefined): Native | NoNative {
  const key = path ?? "";
  const before = loaded.get(key);
  if (before !== undefined) return before;
  const found = search(path);
  if (path !== undefined && "missing" in found) {
    throw new InputError({
      code: "cpu/no-blas",
      message: `The BLAS ${path} cannot be used: ${found.missing}`,
      remedy: found.remedy,
      details: { library: path },
    });
  }
  loaded.set(key, found);
  return found;
}

function search(path: string | undefined): Native | NoNative {
  const platform = nodeModule("node:os")?.platform();
  if (platform === undefined) {
    return { missing: "Browsers load no libraries.", remedy: "Leave blas out." };
  }
  const koffi = loadKoffi();
  if (koffi === undefined) {
    return {
      missing: "The package koffi, through which libraries are called, is not installed.",
      remedy: "Install it: npm install koffi.",
    };
  }
  const names = path === undefined ? libraryNames(platform) : [path];
  const reasons: string[] = [];
  for (const name of names) {
    try {
      return open(koffi, name, platform);
    } catch (error) {
      reasons.push(error instanceof Error ? error.message : String(error));
    }
  }
  return path === undefined
    ? { missing: `None of ${names.join(", ")} was found.`, remedy: howToInstall(platform) }
    : {
        missing: reasons.join(" "),
        remedy: 'Give the path of a BLAS with the C interface (cblas), or blas: "auto" or "off".',
      };
}

function open(koffi: Koffi, name: string, platform: string): Native {
  // OpenBLAS starts its threads when it is loaded; the engine has threads of its own.
  const alone = { OPENBLAS_NUM_THREADS: "1", VECLIB_MAXIMUM_THREADS: "1" };
  let library = withEnvironment(koffi, platform, alone, () => koffi.load(name));
  let core = said(library, "openblas_get_corename");
  let note: string | undefined;
  const better = core === undefined ? undefined : correction(core, platform);
  const byHand = process.env.OPENBLAS_CORETYPE;
  if (better !== undefined && byHand !== undefined) {
    note = `OPENBLAS_CORETYPE=${byHand} is set; ${better} is right for this processor.`;
  } else if (core !== undefined && better !== undefined) {
    // It chooses while it is loaded. That is undone where nothing else in this process uses it.
    library.unload();
    library = withEnvironment(koffi, platform, { ...alone, OPENBLAS_CORETYPE: better }, () =>
      koffi.load(name),
    );
    const now = said(library, "openblas_get_corename");
    note =
      now === core
        ? `It takes this processor for ${core} where ${better} is right, and was loaded before, so that it cannot be told: start with OPENBLAS_CORETYPE=${better}.`
        : `It takes this processor for ${core}; corrected to ${now}.`;
    core = now;
  }
  return describe(library, name, core, note);
}

function correction(core: string, platform: string): string | undefined {
  return platform === "linux" ? betterCore(core, cpuinfo()) : undefined;
}

function describe(
  library: Library,
  name: string,
  core: string | undefined,
  note: string | undefined,
): Native {
  const suffix = SUFFIXES.find((ending) =>
    ["sgemm", "dgemm", "sgemv", "dgemv"].every((of) => has(library, `cblas_${of}${ending}`)),
  );
  if (suffix === undefined) throw new Error(`${name} has no cblas_sgemm, dgemm, sgemv, dgemv.`);
  const config = said(library, "openblas_get_config") ?? said(library, "bli_info_get_version_str");
  const integer = suffix !== "" || config?.includes("USE64BITINT") ? "int64_t" : "int";
  const threading = [
    ...SUFFIXES.map((ending) => `openblas_set_num_threads${ending}`),
    "MKL_Set_Num_Threads_Local",
    "bli_thread_set_num_threads",
  ].find((setter) => has(library, setter));
  const setter = threading === undefined ? undefined : library.func(threading, "void", ["int"]);
  return {
    ...{ library: name, config, core, note, integer },
    function: (of, result, parameters) => {
      const full = [`${of}${suffix}`, of].find((one) => has(library, one));
      return full === undefined ? undefined : library.func(full, result, parameters);
    },
    products: (precision) => ({
      ...{ library: name, precision, integer },
      gemm: `cblas_${precision === "f32" ? "s" : "d"}gemm${suffix}`,
      gemv: `cblas_${precision === "f32" ? "s" : "d"}gemv${suffix}`,
      setThreads: threading,
    }),
    setThreads: (threads) => void setter?.(threads),
  };
}

function has(library: Library, name: string): boolean {
  try {
    library.func(name, "void", []);
    return true;
  } catch {
    return false;
  }
}

/** The text that a function without arguments gives; undefined where there is no such function. */
function said(library: Library, name: string): string | undefined {
  for (const ending of SUFFIXES) {
    if (has(library, `${name}${ending}`))
      return String(library.func(`${name}${ending}`, "str", [])());
  }
  return undefined;
}

/**
 * Runs `body` with variables set as C sees them, and restores them. `process.env` would not do: in a worker
 * thread it is a copy.
 */
function withEnvironment<R>(
  koffi: Koffi,
  platform: string,
  variables: Readonly<Record<string, string>>,
  body: () => R,
): R {
  if (platform === "win32") return body(); // each C library there has variables of its own
  const program = koffi.load(null);
  const get = program.func("getenv", "str", ["str"]);
  const set = program.func("setenv", "int", ["str", "str", "int"]);
  const unset = program.func("unsetenv", "int", ["str"]);
  const before = Object.keys(variables).map((name) => [name, get(name)] as const);
  for (const [name, value] of Object.entries(variables)) set(name, value, 1);
  try {
    return body();
  } finally {
    for (const [name, value] of before) {
      if (typeof value === "string") set(name, value, 1);
      else unset(name);
    }
  }
}

/** What is used of koffi, so that its types are not needed where it is not installed. */
export interface Koffi {
  /** `null`: the program itself and what it is linked with. */
  load(library: string | null): Library;
  address(view: ArrayBufferView): bigint;
}

/** Numbers, addresses as numbers, and strings. */
export type NativeFunction = (...values: (number | string)[]) => unknown;

export interface Library {
  func(name: string, result: string, parameters: readonly string[]): NativeFunction;
  unload(): void;
}

/** What a thread needs to call a BLAS: plain data, so that it can be sent to workers. */
export interface ProductSource {
  readonly library: string;
  readonly precision: "f32" | "f64";
  /** The C type of the library's whole numbers. */
  readonly integer: "int" | "int64_t";
  /** Names of functions of the library. */
  readonly gemm: string;
  readonly gemv: string;
  readonly setThreads: string | undefined;
}

export function loadKoffi(): Koffi | undefined;

export function bindProducts(
  source: ProductSource,
  memory: WebAssembly.Memory,
  control: number,
): (args: number, from: number, to: number) => void;

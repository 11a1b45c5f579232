import { crc32, deflateRawSync } from "node:zlib";

/** A file to be put into a zip archive. */
export interface ZipFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly deflated?: boolean;
}

/** How an archive is written, where it is not as most are. */
export interface ZipOptions {
  /** Sizes and places in 64 bits, as of archives of 4 GiB and more. */
  readonly zip64?: boolean;
  /** What stands after the end record. */
  readonly comment?: string;
  /** The start of each file's data is a multiple of it, as torch pads it; default 1. */
  readonly alignment?: number;
}

function words(...parts: readonly (readonly [bytes: 2 | 4 | 8, value: number])[]): Buffer {
  const out = Buffer.alloc(parts.reduce((sum, [bytes]) => sum + bytes, 0));
  let at = 0;
  for (const [bytes, value] of parts) {
    if (bytes === 8) out.writeBigUInt64LE(BigInt(value), at);
    else out.writeUIntLE(value, at, bytes);
    at += bytes;
  }
  return out;
}

/** A zip archive as bytes: APPNOTE 6.3, without any help of the package that reads it. */
export function zipOf(
  files: readonly ZipFile[],
  options: ZipOptions = {},
): Uint8Array<ArrayBuffer> {
  const { zip64 = false, comment = "", alignment = 1 } = options;
  const body: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const { name, bytes, deflated = false } of files) {
    const title = Buffer.from(name);
    const packed = deflated ? deflateRawSync(bytes) : Buffer.from(bytes);
    const crc = crc32(bytes);
    const method = deflated ? 8 : 0;
    const unpadded = at + 30 + title.length;
    const padding = (alignment - ((unpadded + 4) % alignment)) % alignment;
    const extra =
      alignment === 1
        ? Buffer.alloc(0)
        : Buffer.concat([words([2, 0x4246], [2, padding]), Buffer.alloc(padding, 0x5a)]);
    const header = Buffer.concat([
      words([4, 0x04034b50], [2, 20], [2, 0], [2, method], [4, 0], [4, crc]),
      words([4, packed.length], [4, bytes.length], [2, title.length], [2, extra.length]),
      ...[title, extra, packed],
    ]);
    const wide = zip64
      ? words([2, 1], [2, 24], [8, bytes.length], [8, packed.length], [8, at])
      : Buffer.alloc(0);
    const [size, small, place] = zip64
      ? [0xffffffff, 0xffffffff, 0xffffffff]
      : [bytes.length, packed.length, at];
    directory.push(
      Buffer.concat([
        words([4, 0x02014b50], [2, 45], [2, 45], [2, 0], [2, method], [4, 0], [4, crc]),
        words([4, small], [4, size], [2, title.length], [2, wide.length], [2, 0], [2, 0], [2, 0]),
        words([4, 0], [4, place]),
        ...[title, wide],
      ]),
    );
    body.push(header);
    at += header.length;
  }
  const listed = Buffer.concat(directory);
  const count = files.length;
  const end64 = zip64
    ? [
        words([4, 0x06064b50], [8, 44], [2, 45], [2, 45], [4, 0], [4, 0], [8, count], [8, count]),
        words([8, listed.length], [8, at]),
        words([4, 0x07064b50], [4, 0], [8, at + listed.length], [4, 1]),
      ]
    : [];
  const [n, length, start] = zip64 ? [0xffff, 0xffffffff, 0xffffffff] : [count, listed.length, at];
  const end = words(
    [4, 0x06054b50],
    [2, 0],
    [2, 0],
    [2, n],
    [2, n],
    [4, length],
    [4, start],
    [2, comment.length],
  );
  return new Uint8Array(Buffer.concat([...body, listed, ...end64, end, Buffer.from(comment)]));
}

/** An npy file: `descr` and `shape` as numpy writes them, `'<f4'` and `(2, 3)`. */
export function npyOf(
  header: {
    readonly descr: string;
    readonly shape: string;
    readonly fortran?: boolean;
    readonly version?: 1 | 2;
  },
  data: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const { descr, shape, fortran = false, version = 1 } = header;
  const text = `{'descr': ${descr}, 'fortran_order': ${fortran ? "True" : "False"}, 'shape': ${shape}, }`;
  const prefix = version === 1 ? 10 : 12;
  const length = Math.ceil((prefix + text.length + 1) / 64) * 64 - prefix;
  const padded = Buffer.from(`${text.padEnd(length - 1)}\n`);
  const magic = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0]);
  return new Uint8Array(
    Buffer.concat([magic, words([version === 1 ? 2 : 4, length]), padded, Buffer.from(data)]),
  );
}

/** A tensor to be put into a torch archive. */
export interface SavedTensor {
  /** torch's name of the storage: `FloatStorage`. */
  readonly storage: string;
  /** The whole storage. */
  readonly bytes: Uint8Array;
  /** Entries of the storage. */
  readonly count: number;
  readonly shape: readonly number[];
  /** Default: last axis fastest. */
  readonly strides?: readonly number[];
  readonly offset?: number;
}

const text = (word: string): Buffer => {
  const bytes = Buffer.from(word);
  return Buffer.concat([Buffer.from("X"), words([4, bytes.length]), bytes]);
};
const int = (value: number): Buffer => {
  const out = Buffer.from("J0000");
  out.writeInt32LE(value, 1);
  return out;
};
const tuple = (parts: readonly Buffer[]): Buffer =>
  Buffer.concat([Buffer.from("("), ...parts, Buffer.from("t")]);
const global = (module: string, name: string): Buffer => Buffer.from(`c${module}\n${name}\n`);

/** The pickle of one tensor, as `torch.save` writes it. */
export function pickledTensor(key: string, tensor: SavedTensor): Buffer {
  const { storage, count, shape, offset = 0 } = tensor;
  const strides =
    tensor.strides ?? shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const id = [text("storage"), global("torch", storage), text(key), text("cpu"), int(count)];
  return Buffer.concat([
    global("torch._utils", "_rebuild_tensor_v2"),
    tuple([
      Buffer.concat([tuple(id), Buffer.from("Q")]),
      int(offset),
      tuple(shape.map(int)),
      tuple(strides.map(int)),
      Buffer.from([0x89]),
      Buffer.concat([global("collections", "OrderedDict"), Buffer.from(")R")]),
    ]),
    Buffer.from("R"),
  ]);
}

/** A pickle of protocol 2: a dict of values that are pickled already. */
export function pickledDict(items: Readonly<Record<string, Buffer>>): Buffer {
  const parts = Object.entries(items).flatMap(([key, value]) => [text(key), value]);
  return Buffer.concat([Buffer.from("}("), ...parts, Buffer.from("u")]);
}

/** A torch archive around a pickle (without its protocol and stop) and storages by key. */
export function torchArchive(
  pickle: Uint8Array,
  storages: Readonly<Record<string, Uint8Array>>,
  options: ZipOptions & { readonly byteorder?: string } = {},
): Uint8Array<ArrayBuffer> {
  const { byteorder = "little" } = options;
  const data = Buffer.concat([Buffer.from([0x80, 2]), pickle, Buffer.from(".")]);
  return zipOf(
    [
      { name: "ae/data.pkl", bytes: data },
      { name: "ae/byteorder", bytes: Buffer.from(byteorder) },
      ...Object.entries(storages).map(([key, bytes]) => ({ name: `ae/data/${key}`, bytes })),
      { name: "ae/version", bytes: Buffer.from("3\n") },
    ],
    { alignment: 64, ...options },
  );
}

/** A state dict as `torch.save` writes it. */
export function torchOf(
  tensors: Readonly<Record<string, SavedTensor>>,
  options: ZipOptions = {},
): Uint8Array<ArrayBuffer> {
  const named = Object.entries(tensors);
  const items = named.map(([name, tensor], i) => [name, pickledTensor(String(i), tensor)] as const);
  const storages = named.map(([, { bytes }], i) => [String(i), bytes] as const);
  return torchArchive(
    pickledDict(Object.fromEntries(items)),
    Object.fromEntries(storages),
    options,
  );
}

/** Numbers as the bytes of float32s. */
export function float32Bytes(values: readonly number[]): Uint8Array {
  return new Uint8Array(new Float32Array(values).buffer);
}

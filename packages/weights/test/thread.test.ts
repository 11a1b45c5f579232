import { type FileServer, serveFiles } from "@resolvent/testkit/file-server";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type ByteSource,
  blobSource,
  encodeNumbers,
  type Folder,
  memoryFolder,
  openCheckpoint,
  urlFolder,
  writeSafetensors,
} from "../src/index.ts";
import { readOnThread } from "../src/node/index.ts";
import { readOn, type ThreadFolder, type ThreadOptions } from "../src/thread.ts";
import { codeOf } from "./make.ts";

const large = Uint8Array.from({ length: 20_000_001 }, (_, i) => (i * 7) ^ (i >> 9));
const numbers = Float32Array.from({ length: 30_000 }, (_, i) => i / 7);
const checkpoint = await writeSafetensors(
  ["a", "b", "c"].map((name) => ({
    ...{ name, dtype: "F32", shape: [30_000] },
    bytes: encodeNumbers(numbers, "F32"),
  })),
);

let server: FileServer;
beforeEach(async () => {
  server = await serveFiles(
    new Map([
      ["model.safetensors", checkpoint],
      ["large", large],
    ]),
  );
});
afterEach(async () => await server.close());

/** The work with a folder on a thread, which is ended after it. */
async function on<R>(
  folder: Folder,
  work: (folder: ThreadFolder) => Promise<R>,
  options?: ThreadOptions,
): Promise<R> {
  const thread = await readOnThread(folder, options);
  try {
    return await work(thread);
  } finally {
    await thread.close();
  }
}

async function opened(folder: Folder, file: string): Promise<Required<ByteSource>> {
  return (await folder.open(file)) as Required<ByteSource>; // what is tested here
}

describe("bytes at once", () => {
  test("of a server", async () => {
    await on(urlFolder(server.address), async (folder) => {
      const source = await opened(folder, "large");
      expect(source.readNow(3, 3)).toEqual(new Uint8Array(0));
      expect(Buffer.compare(source.readNow(1, large.length), large.subarray(1))).toBe(0);
      expect(source.readNow(7, 19)).toEqual(await source.read(7, 19));
      expect(await codeOf(() => source.readNow(0, large.length + 1))).toBe("weights/bad-range");
      expect(await folder.open("none")).toBeUndefined();
    });
  });

  test("of a Blob", async () => {
    const blob = blobSource(new Blob([large]));
    await on(memoryFolder(new Map([["large", blob]])), async (folder) => {
      const source = await opened(folder, "large");
      expect(Buffer.compare(source.readNow(1, large.length), large.subarray(1))).toBe(0);
      expect(await codeOf(() => source.readNow(-1, 2))).toBe("weights/bad-range");
    });
  });

  test("of several parts, one after the other", async () => {
    const files = [large.subarray(0, 1000), large.subarray(1000, 2500)];
    const source: ByteSource = {
      ...blobSource(new Blob([large.slice(0, 2500)])),
      elsewhere: {
        parts: () => files.map((bytes) => ({ blob: new Blob([bytes]), start: 10, end: 900 })),
        check: () => {},
      },
    };
    await on(memoryFolder(new Map([["pieces", source]])), async (folder) => {
      const bytes = (await opened(folder, "pieces")).readNow(0, 1780);
      expect(bytes.subarray(0, 890)).toEqual(large.subarray(10, 900));
      expect(bytes.subarray(890)).toEqual(large.subarray(1010, 1900));
    });
  });

  test("what can be read at once already stays as it is, and what no thread can read is refused", async () => {
    const memory = memoryFolder(new Map([["model.safetensors", checkpoint]]));
    await on(memory, async (folder) => {
      const [mine, theirs] = await Promise.all([folder, memory].map((of) => opened(of, "none")));
      expect(mine).toEqual(theirs);
      const out = new Float32Array(30_000);
      (await openCheckpoint(folder)).readInto("b", out);
      expect(out).toEqual(numbers);
    });
    const own = urlFolder(server.address, { fetch: (url, init) => fetch(url, init) });
    await on(own, async (folder) => {
      const opened = await openCheckpoint(folder);
      expect(await codeOf(() => opened.readInto("a", new Float32Array(30_000)))).toBe(
        "weights/not-at-once",
      );
    });
  });

  test("tensors that come next are asked for once, and meanwhile", async () => {
    await on(urlFolder(server.address), async (folder) => {
      const opened = await openCheckpoint(folder);
      const range = (tensor: string): string => {
        const { start, end } = opened.info(tensor);
        return `/model.safetensors ${start}-${end - 1}`;
      };
      await server.turn();
      opened.readAhead(["a", "c"]);
      const out = new Float32Array(30_000);
      for (const tensor of ["c", "a", "b"]) {
        opened.readInto(tensor, out.fill(0));
        expect(out).toEqual(numbers);
      }
      expect((await server.turn()).sort()).toEqual(["a", "b", "c"].map(range).sort());
      opened.readAhead(["a", "b"]);
      opened.readAhead(["b", "c"]);
      opened.readInto("a", out);
      opened.readInto("b", out);
      expect((await server.turn()).filter((one) => one === range("a"))).toHaveLength(2);
    });
  });
});

describe("what goes wrong is told where the bytes are asked for, and later reads go on", () => {
  test.each([
    ["weights/no-file", { status: 404 }],
    ["weights/no-range-support", { status: 200 }],
    ["weights/http-status", { status: 503 }],
    ["weights/source-changed", { etag: '"2"' }],
    ["weights/source-changed", { etag: "x".repeat(15_000) }],
    ["weights/unreachable", { breaksOff: true }],
    ["weights/stalled", { silent: true }],
  ])("%s: %o", async (code, manners) => {
    const work = async (folder: ThreadFolder): Promise<void> => {
      const source = await opened(folder, "large");
      await server.turn(manners);
      expect(await codeOf(() => source.readNow(0, 1000))).toBe(code);
      source.ahead([{ start: 0, end: 1000 }]);
      expect(await codeOf(() => source.readNow(0, 1000))).toBe(code);
      await server.turn();
      expect(source.readNow(0, 1000)).toEqual(large.subarray(0, 1000));
    };
    // Only what is silent is to be taken for stalled, however busy the machine is.
    const stallMs = code === "weights/stalled" ? 500 : 60_000;
    await on(urlFolder(server.address), work, { stallMs });
  });

  test("a server that is gone, as code, message and fields", async () => {
    await on(urlFolder(server.address), async (folder) => {
      const source = await opened(folder, "large");
      await server.close();
      const name = `${server.address}/large`;
      expect(() => source.readNow(0, 10)).toThrow(
        expect.objectContaining({
          code: "weights/unreachable",
          message: expect.stringContaining(name),
          details: { name },
          cause: expect.stringContaining("ECONNREFUSED"),
        }),
      );
    });
  });

  test("a thread that is closed, and a signal", async () => {
    const abort = new AbortController();
    const folder = await readOnThread(urlFolder(server.address), { signal: abort.signal });
    const source = await opened(folder, "large");
    source.ahead([{ start: 0, end: large.length }]);
    abort.abort(new Error("enough"));
    expect(() => source.readNow(0, 10)).toThrow("enough");
    await folder.close();
    const other = await readOnThread(urlFolder(server.address));
    const closed = await opened(other, "large");
    await other.close();
    expect(await codeOf(() => closed.readNow(0, 10))).toBe("weights/closed");
    expect(await closed.read(0, 10)).toEqual(large.subarray(0, 10));
  });

  test("a thread that does not start, that dies, that does nothing", async () => {
    const folder = urlFolder(server.address);
    let ended = 0;
    const end = (): void => void ended++;
    const post = (): void => {};
    const dead = readOn(
      (_, failed) => {
        queueMicrotask(() => failed("no such file"));
        return { post, end };
      },
      folder,
      {},
    );
    expect(await codeOf(() => dead)).toBe("weights/no-thread");
    expect(ended).toBe(1);
    let die = (): void => {};
    const alive = await readOn(
      (ready, failed) => {
        die = () => failed("killed");
        queueMicrotask(ready);
        return { post, end };
      },
      folder,
      { stallMs: 50 },
    );
    const source = await opened(alive, "large");
    expect(await codeOf(() => source.readNow(0, 10))).toBe("weights/stalled");
    die();
    expect(await codeOf(() => source.readNow(0, 10))).toBe("weights/no-thread");
  });
});

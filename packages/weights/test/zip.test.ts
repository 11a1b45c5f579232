import { type ZipOptions, zipOf } from "@resolvent/testkit/archives";
import { describe, expect, test } from "vitest";
import { memorySource } from "../src/index.ts";
import { crc32 } from "../src/zip/crc32.ts";
import { openZip, type ZipEntry } from "../src/zip/directory.ts";
import { readEntry } from "../src/zip/entry.ts";
import { codeOf, counted } from "./make.ts";

const long = Uint8Array.from({ length: 200_000 }, (_, i) => (i * i) >> 7);
const files = [
  { name: "a/stored", bytes: new TextEncoder().encode("as it is") },
  { name: "deflated", bytes: long, deflated: true },
  { name: "empty", bytes: new Uint8Array(0) },
];

function entryOf(
  archive: { readonly entries: ReadonlyMap<string, ZipEntry> },
  name: string,
): ZipEntry {
  const entry = archive.entries.get(name);
  if (entry === undefined) throw new Error(`no entry ${name}`);
  return entry;
}

const kinds: readonly (readonly [string, ZipOptions])[] = [
  ["plain", {}],
  ["of 64-bit sizes", { zip64: true }],
  ["with a comment", { comment: "PK\u0005\u0006 and more" }],
  ["padded, as torch pads", { alignment: 64 }],
];

describe.each(kinds)("an archive %s", (_, options) => {
  const bytes = zipOf(files, options);

  test("gives its files back, whole and in part", async () => {
    const archive = await openZip(memorySource(bytes));
    expect([...archive.entries.keys()]).toEqual(files.map(({ name }) => name));
    for (const { name, bytes: expected } of files) {
      const entry = entryOf(archive, name);
      expect(Buffer.compare(await readEntry(archive, entry), expected)).toBe(0);
      const [start, end] = [3, Math.min(7, expected.length)];
      if (end <= start) continue;
      expect([...(await readEntry(archive, entry, { start, end }))]).toEqual([
        ...expected.subarray(start, end),
      ]);
    }
  });

  test("has an end", async () => {
    for (const cut of [1, 10, 30]) {
      const short = bytes.subarray(0, bytes.length - cut);
      expect(await codeOf(() => openZip(memorySource(short)))).toBe("weights/bad-zip");
    }
  });
});

test("of a stored file only what is asked for is read", async () => {
  const source = counted(zipOf([{ name: "large", bytes: long }]));
  const archive = await openZip(source);
  const before = source.asked.reduce((sum, [start, end]) => sum + end - start, 0);
  expect(before).toBeLessThan(300); // the end and the directory
  await readEntry(archive, entryOf(archive, "large"), { start: 1000, end: 1010 });
  const after = source.asked.reduce((sum, [start, end]) => sum + end - start, 0);
  expect(after - before).toBe(30 + 10); // the local header and these
});

/** The archive with a number of the directory's first entry changed. */
function changed(offset: number, bytes: 2 | 4, value: number, deflated = true): Uint8Array {
  const whole = zipOf([{ name: "x", bytes: long, deflated }]);
  const view = new DataView(whole.buffer);
  const directory = view.getUint32(whole.length - 6, true);
  if (bytes === 2) view.setUint16(directory + offset, value, true);
  else view.setUint32(directory + offset, value, true);
  return whole;
}

describe("what an archive cannot have is refused before anything is made for it", () => {
  const openOf = async (bytes: Uint8Array): Promise<string> =>
    await codeOf(async () => {
      const archive = await openZip(memorySource(bytes));
      for (const entry of archive.entries.values()) await readEntry(archive, entry);
    });

  test("more bytes than deflated data can become", async () => {
    expect(await openOf(changed(24, 4, 0xfffffffe))).toBe("weights/bad-zip");
  });
  test("a stored file of another size than its data", async () => {
    expect(await openOf(changed(24, 4, long.length - 1, false))).toBe("weights/bad-zip");
  });
  test("data that unpack to more, or to fewer bytes than announced", async () => {
    expect(await openOf(changed(24, 4, long.length - 1))).toBe("weights/bad-zip");
    expect(await openOf(changed(24, 4, long.length + 1))).toBe("weights/bad-zip");
  });
  test("data with another checksum", async () => {
    expect(await openOf(changed(16, 4, 1))).toBe("weights/bad-zip");
  });
  test("data that reach into the directory", async () => {
    expect(await openOf(changed(42, 4, 100))).toBe("weights/bad-zip");
  });
  test("methods and flags that are not read", async () => {
    expect(await openOf(changed(10, 2, 12))).toBe("weights/unsupported-zip");
    expect(await openOf(changed(8, 2, 1))).toBe("weights/unsupported-zip");
  });
  test("two files of one name", async () => {
    const twice = zipOf([files[0], files[0]].flatMap((file) => file ?? []));
    expect(await openOf(twice)).toBe("weights/bad-zip");
  });
});

test("what a source throws while packed bytes are read comes out as it is", async () => {
  const bytes = zipOf([{ name: "x", bytes: long, deflated: true }]);
  const inner = memorySource(bytes);
  const archive = await openZip({
    ...inner,
    read: async (start, end) => {
      if (start > 30 && end - start > 1000) throw new RangeError("gone");
      return await inner.read(start, end);
    },
  });
  await expect(readEntry(archive, entryOf(archive, "x"))).rejects.toThrow(RangeError);
});

test("the checksum is that of the standard, in one piece or in several", () => {
  const check = new TextEncoder().encode("123456789");
  expect(crc32(check)).toBe(0xcbf43926); // the check value of CRC-32/ISO-HDLC
  expect(crc32(check.subarray(4), crc32(check.subarray(0, 4)))).toBe(0xcbf43926);
});

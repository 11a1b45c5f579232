import { fileBytes, textFile, textOfBytes, writeText } from "@resolvent/analysis";
import { expect, test } from "vitest";

const all = Uint8Array.from({ length: 70_000 }, (_, i) => (i * 31) % 256);

test("a text goes as it is, and what is no text as base64 that becomes the same bytes", async () => {
  const text = "Mary gäve\n";
  expect(textOfBytes(new TextEncoder().encode(text))).toBe(text);
  const as = textOfBytes(all);
  expect(as).toBe(`data:application/octet-stream;base64,${Buffer.from(all).toString("base64")}`);
  const back = await fileBytes(textFile("lens.pt", as), all.length);
  expect(Buffer.compare(back, all)).toBe(0);
  expect(new TextDecoder().decode(await fileBytes(textFile("a.txt", text), 99))).toBe(text);
});

test("base64 that is none is refused, and so is more than was allowed", async () => {
  const broken = textFile("lens.pt", "data:application/octet-stream;base64,%%");
  await expect(fileBytes(broken, 99)).rejects.toMatchObject({ code: "analysis/bad-base64" });
  const pieces = {
    name: "large",
    stream: async function* () {
      yield all;
      yield all;
    },
  };
  await expect(fileBytes(pieces, 100_000)).rejects.toMatchObject({
    ...{ code: "analysis/file-too-large", details: { name: "large", limit: 100_000 } },
  });
  expect((await fileBytes(pieces, 140_000)).length).toBe(140_000);
  await expect(fileBytes(pieces, 9, "x/other")).rejects.toMatchObject({ code: "x/other" });
});

test("a text is written with how many bytes it has", async () => {
  const written: (string | number)[] = [];
  const file = {
    name: "a.json",
    write: async (pieces: AsyncIterable<Uint8Array>, bytes: number) => {
      for await (const piece of pieces) written.push(new TextDecoder().decode(piece));
      written.push(bytes);
    },
  };
  await writeText(file, "ä");
  expect(written).toEqual(["ä", 2]);
});

import { readFileSync } from "node:fs";
import { describeWithDevice } from "@resolvent/testkit/engines";
import { expect, test } from "vitest";
import { createWebgpu } from "../src/index.ts";

await describeWithDevice("the README", createWebgpu, () => {
  test("its example runs as it is pasted", async () => {
    const text = readFileSync(new URL("../README.md", import.meta.url), "utf8");
    const [, body = ""] =
      /^```ts\nimport \{ createWebgpu \} from "@resolvent\/webgpu";\n(.*?)^```$/ms.exec(text) ?? [];
    const logged: unknown[] = [];
    const AsyncFunction = (async () => {}).constructor as new (
      ...parts: string[]
    ) => (make: typeof createWebgpu, to: { log: (...values: unknown[]) => void }) => Promise<void>;
    const example = new AsyncFunction("createWebgpu", "console", body);
    await example(createWebgpu, { log: (...values) => logged.push(...values) });
    const [read, adapter] = logged;
    // gelu's gate at 3 and at 7.5, for which the sums of the rows times a half stand
    expect(read).toEqual({ shape: { pos: 2, d_mlp: 4 }, data: expect.any(Float32Array) });
    const { data } = read as { data: Float32Array };
    expect(data[0]).toBeCloseTo(0.99865, 5);
    expect(data[7]).toBeCloseTo(1, 6);
    expect(adapter).toMatchObject({ vendor: expect.any(String) });
  });
});

import { existsSync } from "node:fs";
import { afterAll, describe, test } from "vitest";
import { createWebgpu, type Webgpu } from "../src/index.ts";

/** Chromium's driver that computes on the processor, for machines without a GPU. */
const SOFTWARE = "/usr/lib/chromium/vk_swiftshader_icd.json";

if (process.env.VK_ICD_FILENAMES === undefined && existsSync(SOFTWARE))
  process.env.VK_ICD_FILENAMES = SOFTWARE;

/** An engine, or why there is none here. */
async function opened(): Promise<Webgpu | string> {
  try {
    return await createWebgpu();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const found = await opened();

/** Tests with an engine on this machine's adapter, or, where there is none, one that is skipped and says what would run them. */
export function describeWithAdapter(
  title: string,
  tests: (engine: () => Promise<Webgpu>) => void,
): void {
  if (typeof found === "string") {
    const reason = `${found} For a software adapter: apt install libvulkan1 chromium.`;
    describe(title, () => test.skip(`skipped: ${reason}`, () => {}));
    return;
  }
  describe(`${title}, on ${found.adapter.description || found.adapter.vendor}`, () => {
    tests(async () => found);
    afterAll(() => found.close());
  });
}

import { afterAll, describe, test } from "vitest";

/** Chromium's driver that computes on the processor, for machines without a GPU. */
const SOFTWARE = "/usr/lib/chromium/vk_swiftshader_icd.json";

/** Says to Node's WebGPU which driver there is, where nobody has said so and the machine may have no other. */
function nameSoftwareDriver(): void {
  if (typeof process !== "object" || process.env.VK_ICD_FILENAMES !== undefined) return;
  const found = process.getBuiltinModule?.("node:fs").existsSync(SOFTWARE) ?? false;
  if (found) process.env.VK_ICD_FILENAMES = SOFTWARE;
}

/** An engine that a device computes for. */
export interface DeviceEngine {
  /** What computes, in words. */
  readonly adapter: { readonly vendor: string; readonly description: string };
  close(): Promise<void>;
}

/**
 * Tests with an engine on this machine's adapter, or, where there is none, one test that is skipped and says what would
 * run them. The engine is closed after them.
 *
 * @param open makes the engine
 */
export async function describeWithDevice<E extends DeviceEngine>(
  title: string,
  open: () => Promise<E>,
  tests: (engine: () => Promise<E>) => void,
): Promise<void> {
  nameSoftwareDriver();
  let found: E;
  try {
    found = await open();
  } catch (error) {
    const why = error instanceof Error ? error.message : error;
    const remedy = "For a software adapter on Debian: apt install libvulkan1 chromium.";
    describe(title, () => test.skip(`skipped: ${why} ${remedy}`, () => {}));
    return;
  }
  const { vendor, description } = found.adapter;
  describe(`${title}, on ${description || vendor}`, () => {
    tests(async () => found);
    afterAll(() => found.close());
  });
}

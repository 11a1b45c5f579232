import { type chooseEngine, ENGINES as known } from "resolvent";
import { expect, test, vi } from "vitest";
import { ENGINES } from "../src/options.ts";
import { json, resolvent } from "./program.ts";

const call = ["expand", "attn-only-2l", "--tokens", "1,2,3"];

interface Expansion {
  readonly engine: string;
  readonly precision: string;
  readonly terms: readonly { readonly norm: number }[];
  readonly certificate: { readonly relativeErrorFloat64: number | null };
}

test("the names are those of the engines that there are", () => {
  expect(ENGINES).toEqual(known);
});

test("every engine that is named computes, and says so", async () => {
  const exact = await json<Expansion>([...call, "--engine", "reference"]);
  expect(exact).toMatchObject({ engine: "reference", precision: "f64" });
  for (const engine of ["cpu", "gpujs"]) {
    const got = await json<Expansion>([...call, "--engine", engine]);
    expect(got).toMatchObject({ engine, precision: "f32" });
    expect(got.terms.map(({ norm }) => norm)).toBeNear(
      exact.terms.map(({ norm }) => norm),
      { rtol: 1e-5 },
    );
    // It comes from cpu, beside it.
    expect(got.certificate.relativeErrorFloat64).toBeLessThan(1e-12);
  }
});

test("an engine that has not the precision is refused, and so is one that is none", async () => {
  for (const engine of ["gpujs", "webgpu"]) {
    const { code, stderr } = await resolvent([...call, "--engine", engine, "--precision", "f64"]);
    expect(code).toBe(2);
    expect(stderr).toContain(`${engine} computes in f32, and f64 was asked for.`);
  }
  const wrong = await resolvent([...call, "--engine", "reference", "--precision", "f32"]);
  expect(wrong.code).toBe(2);
  expect((await resolvent([...call, "--engine", "cuda"])).stderr).toContain("webgpu, cpu, gpujs");
});

test.runIf(process.platform === "linux")(
  "an engine that this machine has nothing for is refused, with what to do",
  async () => {
    vi.stubEnv("VK_DRIVER_FILES", "/no/such/driver.json");
    const { code, stderr } = await resolvent([...call, "--engine", "webgpu"]);
    vi.unstubAllEnvs();
    expect(code).toBe(2);
    expect(stderr).toMatch(/no Vulkan driver .* or use the cpu engine\. \[webgpu\/no-adapter\]/);
  },
);

test("doctor says which engine is chosen, for a model of some size, and why", async () => {
  interface Report {
    readonly node: string;
    readonly memory: { readonly total: number };
    readonly choice: Awaited<ReturnType<typeof chooseEngine>>;
  }
  const report = await json<Report>(["doctor", "--parameters", "2.5M"]);
  expect(report.node).toBe(process.versions.node);
  expect(report.memory.total).toBeGreaterThan(2 ** 28);
  expect(report.choice).toMatchObject({ engine: "cpu", parameters: 2.5e6 });
  expect(report.choice.engines.map(({ name }) => name)).toEqual(known);
  const { stdout } = await resolvent(["doctor", "--engine", "gpujs"]);
  expect(stdout).toMatch(/engine gpujs +mode webasm/);
  expect(stdout).toMatch(/engine webgpu +\S/);
  expect(stdout).toContain("gpujs was asked for.");
  expect((await resolvent(["doctor", "--parameters", "many"])).code).toBe(2);
});

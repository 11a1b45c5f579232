import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromiumArgs, chromiumPath, hasChromium } from "@resolvent/testkit/chromium";
import { type Browser, chromium } from "playwright";
import { build, createServer, preview } from "vite";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import webpack, { type Configuration } from "webpack";
import { isPublic, membersOf, repository } from "../src/members.mjs";
import { bundled } from "../src/order.mjs";
import { type Registry, startRegistry } from "../src/registry.mjs";

// Someone who installs the packages, far from this repository: from a registry, with npm and with pnpm.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 }); // compilers and installers, beside other tests

const root = mkdtempSync(join(tmpdir(), "resolvent-consumer-"));
const published = membersOf(repository).filter(isPublic);
const names = published.map(({ manifest }) => manifest.name);

let registry: Registry;
beforeAll(async () => {
  mkdirSync(join(root, "registry"));
  registry = await startRegistry(join(root, "registry"));
});
afterAll(async () => {
  await registry.close();
  rmSync(root, { recursive: true });
});

/** Runs a program in a consumer's folder; gives what it prints. */
function output(folder: string, command: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: join(root, folder),
    encoding: "utf8",
    env: { ...process.env, CI: "true", NODE_OPTIONS: "" },
    shell: process.platform === "win32",
  });
  expect(status, `${command} ${args.join(" ")}:\n${stdout}${stderr}`).toBe(0);
  return stdout;
}

/** A package of its own with all packages, installed by `manager`. Scripts of dependencies are not needed. */
async function install(manager: "npm" | "pnpm"): Promise<void> {
  mkdirSync(join(root, manager, "src"), { recursive: true });
  const manifest = { name: "consumer", private: true, type: "module" };
  write(manager, "package.json", JSON.stringify(manifest));
  const pnpm = join(repository, "node_modules", "pnpm", "bin", "pnpm.cjs");
  const place = ["--registry", registry.address, "--ignore-scripts"];
  const [command, ...args] =
    manager === "npm"
      ? ["npm", "install", ...place, "--cache", join(root, "cache"), "--no-audit", "--no-fund"]
      : [process.execPath, pnpm, "add", ...place, "--store-dir", join(root, "store")];
  await runWhileServing(join(root, manager), command ?? "", [...args, ...names]);
}

/** Runs a program to its end, while the registry, which is in this process, goes on answering. */
async function runWhileServing(cwd: string, command: string, args: string[]): Promise<void> {
  const env = { ...process.env, CI: "true", npm_config_cache_dir: join(root, "metadata") };
  const child = spawn(command, args, { cwd, env, shell: process.platform === "win32" });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      said += chunk;
    });
  }
  const status = await new Promise((resolve) => child.on("close", resolve));
  expect(status, said).toBe(0);
}

function write(folder: string, file: string, text: string): void {
  writeFileSync(join(root, folder, file), text);
}

/** Every entry point that has types, as people import it. */
const entries = published.flatMap(({ manifest: { name, exports } }) =>
  Object.entries(typeof exports === "object" ? exports : {})
    .filter(([, target]) => typeof target === "object")
    .map(([entry]) => `${name}${entry.slice(1)}`),
);

/** What is a bundle has no source map: its sources are in other packages. */
const mapped = entries.filter(
  (name) => !bundled.some((id) => name.startsWith(`@resolvent/${id}/`)),
);

const all = entries.map((entry, i) => `import * as e${i} from "${entry}";`).join("\n");
const program = `${all}
import { createCpu } from "@resolvent/cpu";
import { expandByDegree } from "@resolvent/expansion";
import { bundledModels } from "@resolvent/models";
import { loadModel, loadTokenizer } from "@resolvent/transformer";
import { urlFolder } from "@resolvent/weights";
import { folderOf } from "@resolvent/weights/node";

export const loaded: number = [${entries.map((_, i) => `e${i}`)}].length;
const { pathname } = bundledModels.tales.url as unknown as { pathname: string };
export const browsers = urlFolder(bundledModels.tales.files);
const folder = folderOf(decodeURIComponent(pathname));
const cpu = await createCpu({ precision: "f32" });
const model = await loadModel(cpu, folder);
const ids = (await loadTokenizer(folder))?.encode("Once upon a time") ?? [];
const { certificate, terms } = await expandByDegree(cpu, model, ids, { freeze: ["pattern"] });
export const told: { error: number; terms: number } = {
  error: certificate.relativeError ?? Number.NaN,
  terms: terms.length,
};
`;

describe.each(["npm", "pnpm"] as const)("installed with %s", (manager) => {
  beforeAll(async () => await install(manager));

  const floor = createRequire(join(repository, "tools/workspace/package.json"));
  const compilers = {
    "the newest TypeScript": join(repository, "node_modules/typescript/bin/tsc"),
    // It takes half a minute: what it reads is the same, whoever has put it there.
    ...(manager === "npm" && { "the oldest": floor.resolve("typescript-floor/bin/tsc") }),
  };
  const modules = { node16: "Node16", bundler: "ESNext" } as const;
  const ways = Object.entries(compilers).flatMap(([which, tsc]) =>
    Object.entries(modules).map(([resolution, module]) => ({ which, tsc, resolution, module })),
  );

  test.each(ways)(
    "every entry's types hold with $which under $resolution: strict, libraries checked, no DOM, no Node types",
    ({ tsc, resolution, module }) => {
      write(manager, "src/program.ts", program);
      const options = { strict: true, skipLibCheck: false, lib: ["ES2022"], types: [] };
      const kind = {
        target: "ES2022",
        module,
        moduleResolution: resolution,
        rootDir: "src",
        outDir: "out",
      };
      const tsconfig = { compilerOptions: { ...options, ...kind }, include: ["src/*.ts"] };
      write(manager, "tsconfig.json", JSON.stringify(tsconfig));
      output(manager, process.execPath, tsc, "-p", ".");
    },
  );

  test("the program runs in Node, and so does the command", () => {
    const script = `import { told, loaded } from "./out/program.js"; console.log(JSON.stringify({ ...told, loaded }));`;
    write(manager, "run.js", script);
    const told = JSON.parse(output(manager, process.execPath, "run.js"));
    expect(told).toMatchObject({ loaded: entries.length, terms: 9 });
    expect(told.error).toBeLessThan(1e-5);
    const command = join(root, manager, "node_modules", ".bin", "resolvent");
    expect(output(manager, command, "--version")).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(output(manager, command, "inspect", "tales")).toContain("d_model");
    // What `resolvent lab` serves comes with it.
    const app = join(root, manager, "node_modules", "@resolvent", "cli", "dist", "app");
    expect(existsSync(join(app, "index.html"))).toBe(true);
  });

  test("source maps lead to sources that are there", () => {
    const script = `import { createRequire, findSourceMap } from "node:module";
      import { existsSync, readFileSync } from "node:fs";
      import { fileURLToPath } from "node:url";
      for (const name of ${JSON.stringify(mapped)}) {
        const file = import.meta.resolve(name);
        const map = JSON.parse(readFileSync(fileURLToPath(file + ".map"), "utf8"));
        for (const source of map.sources) {
          if (!existsSync(fileURLToPath(new URL(source, file)))) throw new Error(name + ": " + source);
        }
      }
      for (const name of ${JSON.stringify(names.filter((name) => entries.includes(name)))})
        if (createRequire(import.meta.url)(name + "/package.json").name !== name) throw new Error(name);`;
    write(manager, "maps.js", script);
    output(manager, process.execPath, "maps.js");
  });
});

/** Bundles with webpack: whatever it warns of is an error. */
function bundleByWebpack(configuration: Configuration): Promise<void> {
  return new Promise((resolve, reject) => {
    const compiler = webpack(configuration);
    compiler.run((error, stats) => {
      const said =
        stats?.hasErrors() || stats?.hasWarnings() ? stats.toString("errors-warnings") : undefined;
      const failure = error ?? (said === undefined ? undefined : new Error(said));
      compiler.close(() => (failure ? reject(failure) : resolve()));
    });
  });
}

describe.skipIf(!hasChromium)(
  `in a browser, by Vite and by webpack (needs ${chromiumPath})`,
  () => {
    const page = `import { expandByDegree } from "@resolvent/expansion";
import { openModel } from "resolvent";
try {
  const lm = await openModel("tales", { threads: crossOriginIsolated ? 2 : 1 });
  const ids = lm.tokens("Once upon a time").map(({ id }) => id);
  const { certificate, terms } = await expandByDegree(lm.engine, lm.model, ids, { freeze: ["pattern"] });
  const { threads } = lm.engine;
  const next = (await lm.run("Once upon a time")).next(1)[0].text;
  globalThis.told = { isolated: crossOriginIsolated, threads, next, terms: terms.length, error: certificate.relativeError };
} catch (error) {
  globalThis.told = { failed: String(error) };
}`;
    const isolated = {
      "Cross-Origin-Opener-Policy": "same-origin",
      "Cross-Origin-Embedder-Policy": "require-corp",
    };
    const settings = { configFile: false, root: join(root, "npm"), logLevel: "error" } as const;
    let browser: Browser;
    beforeAll(async () => {
      if (!existsSync(join(root, "npm"))) await install("npm");
      write(
        "npm",
        "index.html",
        `<!doctype html><script type="module" src="/src/page.js"></script>`,
      );
      write("npm", "src/page.js", page);
      await build({ ...settings, build: { target: "esnext" } });
      browser = await chromium.launch({ executablePath: chromiumPath, args: chromiumArgs });
    });
    afterAll(async () => await browser?.close());

    /** What the page at an address tells. */
    async function told(address: string | undefined): Promise<Record<string, unknown>> {
      const tab = await browser.newPage();
      try {
        await tab.goto(address ?? "");
        const handle = await tab.waitForFunction(() => Reflect.get(globalThis, "told"));
        return (await handle.jsonValue()) as Record<string, unknown>; // as the page puts it together
      } finally {
        await tab.close();
      }
    }

    const host = { port: 0, host: "127.0.0.1" };
    const expected = (alone: boolean) => ({
      ...{ isolated: alone, threads: alone ? 2 : 1, next: " there", terms: 9 },
      error: expect.closeTo(0, 5),
    });

    test.each([true, false])(
      "a bundle with a bundled model runs; isolated from other origins: %s",
      async (alone) => {
        const server = await preview({
          ...settings,
          preview: { ...host, headers: alone ? isolated : {} },
        });
        try {
          expect(await told(server.resolvedUrls?.local[0])).toEqual(expected(alone));
        } finally {
          await server.close();
        }
      },
    );

    test("a bundle by webpack runs too", async () => {
      const output = join(root, "npm", "webpacked");
      await bundleByWebpack({
        ...{ mode: "production", context: join(root, "npm"), entry: "./src/page.js" },
        output: { path: output },
        optimization: { minimize: false }, // it takes a minute, and changes nothing that is asked here
        performance: { hints: false }, // that a model is large is known
      });
      write("npm", "webpacked/index.html", `<!doctype html><script src="main.js"></script>`);
      const server = await preview({
        ...settings,
        build: { outDir: output },
        preview: { ...host, headers: isolated },
      });
      try {
        expect(await told(server.resolvedUrls?.local[0])).toEqual(expected(true));
      } finally {
        await server.close();
      }
    });

    test("and so does the page of the development server, without any setting", async () => {
      const server = await createServer({ ...settings, server: { ...host, headers: isolated } });
      await server.listen();
      try {
        expect(await told(server.resolvedUrls?.local[0])).toEqual(expected(true));
      } finally {
        await server.close();
      }
    });
  },
);

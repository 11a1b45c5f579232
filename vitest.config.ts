import { availableParallelism } from "node:os";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { playwright } from "@vitest/browser-playwright";
import { defaultClientConditions, defaultServerConditions, type Plugin } from "vite";
import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";
import { chromiumArgs, chromiumPath, hasChromium } from "./tools/testkit/src/chromium.js";

const root = fileURLToPath(new URL(".", import.meta.url));
const setupFiles = [fileURLToPath(new URL("tools/testkit/src/setup.ts", import.meta.url))];
const inBrowser = "{packages,apps,tools}/*/test/**/*.browser.test.ts";

// Tests run the sources, not the build.
const source = "@resolvent/source";
const onServer = [source, ...defaultServerConditions];

const onNode = (
  name: string,
  include: string[],
  isolate: boolean,
  others: string[] = [],
): TestProjectInlineConfiguration => ({
  resolve: { conditions: onServer },
  ssr: { resolve: { conditions: onServer } },
  test: {
    name,
    isolate,
    // What is bundled already is loaded as it is.
    server: { deps: { external: [/\/vendor\//] } },
    testTimeout: 120_000,
    hookTimeout: 120_000,
    include,
    setupFiles,
    exclude: ["**/node_modules/**", inBrowser, ...others],
  },
});

// Tests of libraries change nothing outside of themselves, so that files which follow each other in a process share the
// modules that they load: loading them again for each took a sixth of the time of fourteen files. Those of programs, which
// go offline and compute on one thread, share among themselves. What looks for engines loads the system's own libraries,
// and pages of the lab are given a process for each file.
const native = [
  "packages/{cpu,webgpu}/test/**/*.test.ts",
  "packages/resolvent/test/engines/*.test.ts",
];
const libraries = onNode("libraries", ["packages/*/test/**/*.test.ts"], false, native);
const programs = onNode("programs", ["{apps/!(lab),tools/*}/test/**/*.test.ts"], false);
const processes = onNode("processes", [...native, "apps/lab/test/**/*.test.ts"], true);

const chromium = hasChromium ? chromiumPath : undefined;

const browser = (executablePath: string): TestProjectInlineConfiguration => ({
  resolve: { conditions: [source, ...defaultClientConditions] },
  // Both headers together make a page cross-origin isolated, which SharedArrayBuffer needs.
  server: {
    headers: {
      "Cross-Origin-Opener-Policy": "same-origin",
      "Cross-Origin-Embedder-Policy": "require-corp",
    },
  },
  test: {
    name: "browser",
    include: [inBrowser],
    setupFiles,
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      provider: playwright({
        launchOptions: {
          executablePath,
          args: [
            ...chromiumArgs,
            "--enable-unsafe-webgpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
          ],
        },
      }),
      instances: [{ browser: "chromium" }],
    },
  },
});

/** Replaces each browser test file by one skipped test that says what is missing. */
const skipFiles: Plugin = {
  name: "resolvent:skip-browser-tests",
  enforce: "pre",
  load(id) {
    if (!id.endsWith(".browser.test.ts")) return undefined;
    const reason = `no Chromium at ${chromiumPath}; install it or set RESOLVENT_CHROMIUM`;
    const title = `${relative(root, id)} (skipped: ${reason})`;
    return `import { test } from "vitest"; test.skip(${JSON.stringify(title)});`;
  },
};

const withoutBrowser: TestProjectInlineConfiguration = {
  plugins: [skipFiles],
  test: { name: "browser", include: [inBrowser] },
};

export default defineConfig({
  // A worker for each core: many tests wait for processes that they start. Time limits are for what hangs only.
  test: {
    maxWorkers: availableParallelism(),
    projects: [
      libraries,
      programs,
      processes,
      chromium === undefined ? withoutBrowser : browser(chromium),
    ],
  },
});

// Builds the app as a folder of static files that works from any path and offline: the scripts, and a page that shows
// the first screen before any of them has run.
import { createHash } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build, defaultClientConditions, minifySync } from "vite";

const root = fileURLToPath(new URL(".", import.meta.url));
const at = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url));

await build({ root, logLevel: "warn" });
await build({
  root,
  logLevel: "warn",
  build: { ssr: "src/prerender.ts", outDir: "temp/prerender", emptyOutDir: true },
  ssr: { noExternal: true },
});

// What a plug-in runs in is one script with its kernels in it: where it runs, it can load nothing. It is a classic one:
// where the origin is nobody's, browsers start no worker from a module.
await build({
  ...{ root, configFile: false, publicDir: false, logLevel: "warn", base: "./" },
  resolve: { conditions: ["@resolvent/source", ...defaultClientConditions] },
  worker: { format: "es" },
  build: {
    ...{ target: "es2023", outDir: "dist/plugins", emptyOutDir: false },
    ...{ assetsInlineLimit: 2 ** 20, modulePreload: false },
    rolldownOptions: {
      // Nothing lies beside it: what is found by its address is in it.
      transform: { define: { "import.meta.url": JSON.stringify("about:blank") } },
      input: at("src/plugins/host-worker.ts"),
      output: { format: "iife", entryFileNames: "worker.js", codeSplitting: false, name: "host" },
    },
  },
});
const frame = readFileSync(at("src/plugins/frame.html"), "utf8");
const [, script = ""] = /<script>(.*)<\/script>/s.exec(frame) ?? [];
const digest = createHash("sha256").update(script).digest("base64");
writeFileSync(at("dist/plugins/frame.html"), frame.replace("'SCRIPT'", `'sha256-${digest}'`));

// It is copied as it is, and is the first thing that a page waits for.
const before = readFileSync(at("public/before.js"), "utf8");
writeFileSync(at("dist/before.js"), minifySync("before.js", before).code);

const first = readFileSync(at("src/first/first.json"), "utf8");
const { firstScreen } = await import(pathToFileURL(at("temp/prerender/prerender.js")).href);
const page = readFileSync(at("dist/index.html"), "utf8").replace(
  'id="app">',
  (start) => `${start}${firstScreen(JSON.parse(first))}`,
);
writeFileSync(at("dist/index.html"), page);
rmSync(at("temp/prerender"), { recursive: true });

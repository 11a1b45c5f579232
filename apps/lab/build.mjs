// Builds the app as a folder of static files that works from any path and offline: the scripts, and a page that shows
// the first screen before any of them has run.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "vite";

const root = fileURLToPath(new URL(".", import.meta.url));
const at = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url));

await build({ root, logLevel: "warn" });
await build({
  root,
  logLevel: "warn",
  build: { ssr: "src/prerender.ts", outDir: "temp/prerender", emptyOutDir: true },
  ssr: { noExternal: true },
});

const first = readFileSync(at("src/first/first.json"), "utf8");
const { firstScreen } = await import(pathToFileURL(at("temp/prerender/prerender.js")).href);
const page = readFileSync(at("dist/index.html"), "utf8").replace(
  'id="app">',
  (start) => `${start}${firstScreen(JSON.parse(first))}`,
);
writeFileSync(at("dist/index.html"), page);
rmSync(at("temp/prerender"), { recursive: true });

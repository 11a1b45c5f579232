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
/** How a policy names a script that stands in its page: by the hash of its text. */
const hashOf = (/** @type {string} */ script) =>
  `'sha256-${createHash("sha256").update(script).digest("base64")}'`;

const frame = readFileSync(at("src/plugins/frame.html"), "utf8");
const [, script = ""] = /<script>(.*)<\/script>/s.exec(frame) ?? [];
writeFileSync(at("dist/plugins/frame.html"), frame.replace("'SCRIPT'", hashOf(script)));

// What runs before anything is painted stands in the page: as a file it would be waited for, and style and scripts after
// it, since browsers look ahead for files only up to a policy. It stands behind them: a script waits for the style before
// it, and so does all that is to be seen: else whoever moves the pointer meanwhile has the page laid out without.
const before = minifySync("before.js", readFileSync(at("public/before.js"), "utf8")).code.trim();
rmSync(at("dist/before.js"));

const first = readFileSync(at("src/first/first.json"), "utf8");
// Its comments are for whoever takes it over; it is a picture, which the app takes the place of.
const { firstScreen } = await import(pathToFileURL(at("temp/prerender/prerender.js")).href);
const page = readFileSync(at("dist/index.html"), "utf8")
  .replace(
    'id="app">',
    (start) => `${start}${firstScreen(JSON.parse(first)).replaceAll(/<!--.*?-->/g, "")}`,
  )
  .replace(/ *<script +src="\.\/before\.js"><\/script>\n/, "")
  .replace(
    /( *<script[^>]* id="first">.*?<\/script>\n)( *<script.*?\n)(.*?)(?= *<\/head>)/s,
    (_, data, script, style) => `${style}${script}    <script>${before}</script>\n${data}`,
  )
  .replace("'wasm-unsafe-eval'", (start) => `${start} ${hashOf(before)}`);
writeFileSync(at("dist/index.html"), page);
rmSync(at("temp/prerender"), { recursive: true });

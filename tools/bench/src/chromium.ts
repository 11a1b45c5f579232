import { fileURLToPath } from "node:url";
import { chromiumArgs, chromiumPath } from "@resolvent/testkit/chromium";
import { chromium } from "playwright";
import { createServer } from "vite";

const server = await createServer({
  root: fileURLToPath(new URL("../../..", import.meta.url)),
  configFile: false,
  logLevel: "warn",
  // The page runs what tsc built, as a user's program would.
  optimizeDeps: { noDiscovery: true },
  server: {
    // Both headers together make a page cross-origin isolated, which SharedArrayBuffer needs.
    headers: {
      "Cross-Origin-Opener-Policy": "same-origin",
      "Cross-Origin-Embedder-Policy": "require-corp",
    },
    watch: null,
    hmr: false,
  },
});
await server.listen();
const browser = await chromium.launch({
  executablePath: chromiumPath,
  args: [
    ...chromiumArgs,
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});
try {
  const page = await browser.newPage();
  page.on("console", (message) => console.error(message.text()));
  await page.goto(new URL("tools/bench/", server.resolvedUrls?.local[0]).href);
  await page.waitForFunction("globalThis.benchmark !== undefined");
  const table: unknown = await page.evaluate("globalThis.benchmark");
  console.log(`Matrix products in Chromium ${browser.version()}, GFLOP/s, median (best)`);
  if (Array.isArray(table)) console.table(table);
  else throw new Error(String(table));
} finally {
  await browser.close();
  await server.close();
}

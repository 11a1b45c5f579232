// Writes what the lab shows before anything runs, src/first/first.json: the findings of its first question, computed by
// the workplace of its worker, here in Node.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createServer } from "vite";

const root = fileURLToPath(new URL(".", import.meta.url));
const server = await createServer({
  root,
  logLevel: "warn",
  server: { middlewareMode: true },
  optimizeDeps: { noDiscovery: true },
});
const { firstFindings } = await server.ssrLoadModule("/src/first/first.ts");
const findings = await firstFindings();
await server.close();
const file = fileURLToPath(new URL("src/first/first.json", import.meta.url));
writeFileSync(file, `${JSON.stringify(findings, null, 1)}\n`);
console.log(`wrote ${file}`);

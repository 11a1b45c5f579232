// Serves the built app on this machine, isolated so that its worker may use threads, and says where.
import { fileURLToPath } from "node:url";
import { preview } from "vite";

const root = fileURLToPath(new URL(".", import.meta.url));
const server = await preview({
  root,
  logLevel: "warn",
  preview: { host: "127.0.0.1", port: Number(process.env.PORT ?? 4180), strictPort: false },
});
const [address] = server.resolvedUrls?.local ?? [];
console.log(`The lab is at ${address}. Ctrl-C ends it.`);

import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const conditions = ["@resolvent/source"];
const setup = fileURLToPath(new URL("tools/testkit/src/setup.ts", import.meta.url));

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: { include: ["{packages,apps,tools}/*/test/**/*.test.ts"], setupFiles: [setup] },
});

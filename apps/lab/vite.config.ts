import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defaultClientConditions, defaultServerConditions, defineConfig, type Plugin } from "vite";
import { licences } from "./licences.ts";
import { virtualModules } from "./virtual-modules.ts";

/**
 * The page is a picture until the app, which is made anew, takes its place: nothing takes over elements that are there
 * (decision 062), and what Svelte has for that falls away where bundlers see that nothing ever does.
 */
const neverHydrated: Plugin = {
  name: "resolvent:never-hydrated",
  transform: {
    filter: { id: /svelte\/src\/internal\/client\/dom\/hydration\.js$/ },
    handler: (code) => {
      const [flag, setter] = ["let hydrating = false;", "hydrating = value;"];
      if (!code.includes(flag) || !code.includes(setter))
        throw new Error("Svelte says by something else whether it hydrates: look at it again.");
      return code.replace(flag, "const hydrating = false;").replace(setter, "");
    },
  },
};

const source = "@resolvent/source";
const notices = licences();

/** Both together isolate a page, so that its worker may share memory with threads. */
const isolated = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

/**
 * What a page or a worker starts with is one file: it would be cut by which parts that are loaded later have modules of it
 * too, into dozens of files, which compress worse.
 */
const start = { name: "start", tags: ["$initial" as const], priority: 1 };
/** What the first screen asks of the worker, likewise. */
const first = {
  name: "first",
  test: /packages\/(?:paths\/src\/|expansion\/src\/(?:analyses\/)?expand)/,
};
const cutInto = (groups: readonly (typeof start | typeof first)[]) => ({
  output: { codeSplitting: { groups: [...groups] } },
});

export default defineConfig({
  // From any path: nothing is named from the root.
  base: "./",
  plugins: [svelte(), neverHydrated, virtualModules() as Plugin, notices.page() as Plugin],
  resolve: { conditions: [source, ...defaultClientConditions] },
  ssr: { resolve: { conditions: [source, ...defaultServerConditions] } },
  worker: {
    format: "es",
    rolldownOptions: cutInto([start, first]),
    plugins: () => [virtualModules() as Plugin, notices.worker() as Plugin],
  },
  server: { headers: isolated },
  preview: { headers: isolated },
  build: {
    target: "es2023",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rolldownOptions: cutInto([start, first]),
  },
});

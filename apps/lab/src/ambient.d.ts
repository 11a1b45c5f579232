/// <reference types="vite/client" />
/// <reference types="svelte" />

/** What all analyses say about themselves, written down by the build (`vite.config.ts`). */
declare module "virtual:catalogue" {
  const entries: readonly import("./worker/catalogue.ts").Catalogued[];
  export default entries;
}

/** Their names, what they do in a few words, and where they come from. */
declare module "virtual:analyses" {
  const entries: readonly Pick<
    import("./worker/catalogue.ts").Catalogued,
    "name" | "summary" | "home"
  >[];
  export default entries;
}

/** The colours and looks of figures. */
declare module "virtual:figures.css" {}

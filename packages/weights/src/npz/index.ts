export { type NpzArchive, openNpz } from "./archive.ts";

// Writes the site of the docs into dist: `npm run docs`. It is read from the disk, or put on any server of files.
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { writeSite } from "./src/site.mjs";

const folder = fileURLToPath(new URL("dist", import.meta.url));
rmSync(folder, { recursive: true, force: true });
const { pages, files } = writeSite(folder);
console.log(`${folder}/index.html: ${pages} pages, ${files} files beside them.`);

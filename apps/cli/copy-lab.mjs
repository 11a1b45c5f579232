// Puts the lab, as it was built, beside the command that serves it: dist/app.
import { cpSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const at = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url));

rmSync(at("dist/app"), { recursive: true, force: true });
cpSync(at("../lab/dist"), at("dist/app"), { recursive: true });

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** The libraries that take part, and what writes models for one of them. */
const PACKAGES: Readonly<Record<string, string>> = {
  "onnxruntime-web": "1.30.0",
  "@jax-js/jax": "0.1.25",
  "@tensorflow/tfjs": "4.22.0",
  "@tensorflow/tfjs-backend-wasm": "4.22.0",
  "@tensorflow/tfjs-backend-webgpu": "4.22.0",
  "@huggingface/transformers": "4.3.1",
  "onnx-proto": "8.0.1",
};

/** Where they are: outside of this workspace, which does not depend on them. */
const FOLDER: string =
  process.env.RESOLVENT_CONTESTANTS ?? join(homedir(), ".cache/resolvent-bench/contestants");

/** Their packages, with a slash at the end. */
export const MODULES: string = `${FOLDER}/node_modules/`;

/** Whether they have been installed. */
export function areThere(): boolean {
  return existsSync(MODULES);
}

/** Installs them, without their install scripts. */
export function install(): void {
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(join(FOLDER, "package.json"), `${JSON.stringify({ private: true })}\n`);
  const wanted = Object.entries(PACKAGES).map(([name, version]) => `${name}@${version}`);
  execFileSync("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", ...wanted], {
    cwd: FOLDER,
    stdio: "inherit",
  });
}

/** The versions that are there. */
export function versions(): string {
  const found = Object.keys(PACKAGES).flatMap((name) => {
    const path = join(MODULES, name, "package.json");
    if (!existsSync(path)) return [];
    const { version } = JSON.parse(readFileSync(path, "utf8")) as { readonly version: string }; // npm's
    return [`${name} ${version}`];
  });
  return found.join(", ");
}

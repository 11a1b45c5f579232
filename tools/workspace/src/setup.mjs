// Installs what is missing and builds what changed, so that `npm start` and `npm test` need only Node and npm.
// It runs before anything is installed, and on a Node that may be too old: no dependencies, no new syntax.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const installed = join(root, "node_modules");
const stamp = join(installed, ".resolvent-setup");

requireNode(manifest.engines.node.replace(">=", ""));
install(manifest.packageManager);
build();

/**
 * Ends with a message where this Node is older than `oldest`, as in `20.19`.
 * @param {string} oldest
 */
function requireNode(oldest) {
  const [wantMajor = 0, wantMinor = 0] = oldest.split(".").map(Number);
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > wantMajor || (major === wantMajor && minor >= wantMinor)) return;
  stop(
    `Resolvent needs Node ${oldest} or later; this is Node ${process.versions.node}.`,
    "Install a current Node, then run the same command again.",
  );
}

/**
 * Installs the locked dependencies unless the lock file and all manifests are those of the last time.
 * @param {string} packageManager such as `pnpm@10.34.8`
 */
function install(packageManager) {
  const wanted = fingerprint();
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  console.log("Installing dependencies (about a minute the first time) ...");
  // npx brings pnpm, so that it need not be installed by hand.
  const result = command("npx", ["-y", packageManager, "install", "--frozen-lockfile"]);
  if (result.status !== 0) {
    console.error(result.output);
    if (/ERR_PNPM_OUTDATED_LOCKFILE/.test(result.output)) {
      stop(
        "pnpm-lock.yaml does not fit the package.json files.",
        `Run "npx ${packageManager} install" and commit the lock file.`,
      );
    }
    if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH/.test(result.output)) {
      stop(
        "The dependencies could not be fetched: the npm registry does not answer.",
        "Check the network or npm's proxy settings, then run the same command again.",
      );
    }
    stop("Installing the dependencies failed; pnpm's messages are above.", "");
  }
  writeFileSync(stamp, wanted);
}

/**
 * Builds the packages whose sources changed: turbo skips the others. The first time one compiler has gone through all
 * before: turbo starts one for each, and these then find nothing left to do. What is wrong, theirs say.
 */
function build() {
  const compiled = membersWith("tsc -b");
  if (compiled.some((folder) => !existsSync(join(root, folder, "dist")))) {
    const tsc = join(installed, "typescript", "bin", "tsc");
    command(process.execPath, [tsc, "-b"].concat(compiled));
  }
  const turbo = join(installed, "turbo", "bin", "turbo");
  const result = command(process.execPath, [turbo, "run", "build", "--output-logs=errors-only"]);
  if (result.status === 0) return;
  console.error(result.output);
  stop("The build failed; the compiler's messages are above.", "");
}

/**
 * The folders of the packages whose script `build` has these words.
 * @param {string} words
 * @returns {string[]}
 */
function membersWith(words) {
  return manifests()
    .filter((file) => {
      const { scripts = {} } = JSON.parse(readFileSync(join(root, file), "utf8"));
      return (scripts.build || "").includes(words);
    })
    .map((file) => dirname(file));
}

/** The package.json of every package, from the root. */
function manifests() {
  /** @type {string[]} */
  const found = [];
  for (const group of ["packages", "apps", "tools"]) {
    if (!existsSync(join(root, group))) continue;
    for (const name of readdirSync(join(root, group)).sort()) {
      const file = join(group, name, "package.json");
      if (existsSync(join(root, file))) found.push(file);
    }
  }
  return found;
}

/** A digest of everything that decides what is installed. */
function fingerprint() {
  const files = ["package.json", "pnpm-workspace.yaml", "pnpm-lock.yaml"].concat(manifests());
  const hash = createHash("sha256");
  for (const file of files) {
    if (!existsSync(join(root, file))) continue;
    hash
      .update(file)
      .update("\0")
      .update(readFileSync(join(root, file)))
      .update("\0");
  }
  return hash.digest("hex");
}

/**
 * Runs a program in the root and gives its exit status and everything it printed.
 * @param {string} program
 * @param {string[]} args
 */
function command(program, args) {
  const path = [join(installed, ".bin"), process.env.PATH].join(delimiter); // turbo calls pnpm
  const env = Object.assign({}, process.env, {
    PATH: path,
    DO_NOT_TRACK: "1",
    TURBO_TELEMETRY_DISABLED: "1",
    TURBO_NO_UPDATE_NOTIFIER: "1",
  });
  const result = spawnSync(program, args, {
    cwd: root,
    env,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
    stdio: ["ignore", "pipe", "pipe"],
    shell: process.platform === "win32" && program === "npx", // npx is a .cmd file there
  });
  const failure = result.error === undefined ? "" : String(result.error);
  return { status: result.status, output: `${result.stdout}${result.stderr}${failure}` };
}

/**
 * Ends with a message that says what to do.
 * @param {string} what
 * @param {string} remedy
 */
function stop(what, remedy) {
  console.error(remedy === "" ? what : `${what}\n${remedy}`);
  process.exit(1);
}

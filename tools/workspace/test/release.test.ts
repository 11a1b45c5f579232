import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { publishedDependencies } from "../src/dependencies.mjs";
import { NOTICES, shippedIn, wrongLicences } from "../src/licences.mjs";
import { wrongManifest } from "../src/manifests.mjs";
import { isPublic, membersOf, readManifest, repository } from "../src/members.mjs";
import { originOf, withOrigin } from "../src/origin.mjs";
import { billOfMaterials } from "../src/sbom.mjs";

const made: string[] = [];
afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true });
});
const members = membersOf(repository).filter(isPublic);

test("the noted changes give all packages one version above 0.0.0, and fitting ranges", () => {
  const root = mkdtempSync(join(tmpdir(), "resolvent-version-"));
  made.push(root);
  const manifests = membersOf(repository).map(({ folder }) => `${folder}/package.json`);
  for (const path of ["package.json", "pnpm-workspace.yaml", ".changeset", ...manifests]) {
    mkdirSync(join(root, path, ".."), { recursive: true });
    cpSync(join(repository, path), join(root, path), { recursive: true });
  }
  const changesets = join(repository, "node_modules", "@changesets", "cli", "bin.js");
  const result = spawnSync(process.execPath, [changesets, "version"], {
    cwd: root,
    encoding: "utf8",
  });
  expect(result.status, result.stdout + result.stderr).toBe(0);
  const after = membersOf(root);
  const versions = new Set(after.filter(isPublic).map(({ manifest }) => manifest.version));
  expect(versions.size).toBe(1);
  expect([...versions][0]).toMatch(/^(0\.[1-9]|[1-9])/);
  for (const { folder, manifest } of after) {
    expect(manifest.version).toBe(isPublic({ manifest } as never) ? [...versions][0] : "0.0.0");
    const inside = Object.entries({ ...manifest.dependencies, ...manifest.peerDependencies });
    for (const [name, range] of inside.filter(([name]) => name.startsWith("@resolvent/"))) {
      expect(range, `${folder} on ${name}`).toMatch(/^workspace:/); // which packing replaces
    }
  }
});

describe("what a release adds", () => {
  test("where the source is, from the workflow or from who releases, and never a guess", () => {
    const onGitHub = { GITHUB_SERVER_URL: "https://github.com", GITHUB_REPOSITORY: "some/one" };
    expect(originOf(onGitHub)).toBe("https://github.com/some/one");
    const origin = originOf({ ...onGitHub, RESOLVENT_REPOSITORY: "https://example.org/a/b" });
    const manifest = { name: "@resolvent/tensor", version: "1.2.3" };
    expect(withOrigin(manifest, "packages/tensor", origin)).toEqual({
      ...manifest,
      repository: {
        type: "git",
        url: "git+https://example.org/a/b.git",
        directory: "packages/tensor",
      },
      homepage: "https://example.org/a/b/tree/main/packages/tensor#readme",
      bugs: "https://example.org/a/b/issues",
    });
    expect(() => originOf({})).toThrow(/not known: set RESOLVENT_REPOSITORY/);
    expect(() => originOf({ RESOLVENT_REPOSITORY: "http://a" })).toThrow(/"http:\/\/a"/);
    expect(() => withOrigin({ ...manifest, version: "0.0.0" }, "x", origin)).toThrow(/0\.0\.0/);
  });

  test("a bill of materials: every package, with its digest, and who needs whom", () => {
    const bill = billOfMaterials(repository);
    expect(bill).toEqual(billOfMaterials(repository));
    expect(bill).toMatchObject({ bomFormat: "CycloneDX", specVersion: "1.6" });
    expect(bill.serialNumber).toMatch(/^urn:uuid:[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/);
    const refs = new Set(bill.components.map((one) => one["bom-ref"]));
    expect(refs.size).toBe(bill.components.length);
    for (const { manifest } of members) {
      expect(refs).toContain(`pkg:npm/${manifest.name.replace("@", "%40")}@${manifest.version}`);
    }
    for (const { ref, dependsOn } of bill.dependencies) {
      expect(refs).toContain(ref);
      for (const other of dependsOn) expect(refs).toContain(other);
    }
    const hashed = bill.components.filter((one) => "hashes" in one);
    expect(hashed).toHaveLength(bill.components.length - members.length);
    for (const one of hashed) {
      expect(one.hashes[0]?.content).toMatch(/^[\da-f]{128}$/);
    }
    const cpu = bill.dependencies.find(({ ref }) => ref.includes("%40resolvent/cpu@"));
    expect(cpu?.dependsOn.join()).toMatch(/%40resolvent\/tensor@.*koffi@/);
  });
});

describe("licences", () => {
  test("are known and allowed", () => {
    const { dependencies } = publishedDependencies(repository);
    expect(dependencies.map(({ name }) => name)).toContain("commander");
    expect(dependencies.map(({ name }) => name)).not.toContain("vitest");
    expect(wrongLicences(dependencies)).toEqual([]);
  });

  test("of what is in the lab are allowed, and come with it, whole", () => {
    const notices = readFileSync(NOTICES, "utf8");
    const shipped = shippedIn(notices);
    const names = shipped.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["@noble/hashes", "svelte"]));
    expect(names.filter((name) => /resolvent/.test(name))).toEqual([]);
    expect(wrongLicences(shipped)).toEqual([]);
    for (const { name, version } of shipped) {
      const [, text = ""] = notices.split(`${name} ${version}\n${"=".repeat(72)}\n`);
      expect(text.slice(0, 2000), name).toMatch(/copyright/i);
      expect(text.slice(0, 2000), name).toMatch(/warrant/i);
    }
    expect(wrongLicences(shippedIn("x\n\na 1.0.0: GPL-3.0-only\nodd\n\ny"))).toHaveLength(2);
  });

  test("that are not on the list are found, and those that nobody knows", () => {
    const one = { name: "a", version: "1.0.0", integrity: "", uses: [], anywhere: true, path: "" };
    expect(wrongLicences([{ ...one, license: "GPL-3.0-only" }])).toEqual([
      expect.stringContaining("a@1.0.0 has the licence GPL-3.0-only"),
    ]);
    expect(wrongLicences([{ ...one, license: undefined }])).toHaveLength(1);
    expect(wrongLicences([{ ...one, license: undefined, anywhere: false }])).toEqual([]);
  });
});

test("a package.json that says too little is found", () => {
  const workspace = readManifest(repository);
  const [member] = members;
  if (member === undefined) throw new Error("There are packages.");
  expect(wrongManifest(member, repository, workspace)).toEqual([]);
  const manifest = {
    ...member.manifest,
    ...{ keywords: ["a"], license: "none", exports: {}, files: ["dist"], description: "" },
    engines: { node: ">=18" },
  };
  const found = wrongManifest({ ...member, manifest }, repository, workspace);
  expect(found).toHaveLength(6);
  expect(found.join("\n")).toContain("source maps (dist) without the sources");
});

describe("workflows", () => {
  const read = (name: string) =>
    parse(readFileSync(join(repository, ".github", "workflows", name), "utf8"));

  test("run what is run by hand", () => {
    const scripts = Object.keys(
      (readManifest(repository) as { scripts?: Record<string, string> }).scripts ?? {},
    );
    for (const name of ["ci.yml", "release.yml"]) {
      const jobs: { steps: { run?: string; with?: Record<string, string> }[] }[] = Object.values(
        read(name).jobs,
      );
      const steps = jobs.flatMap((job) => job.steps);
      expect(steps.map(({ run }) => run)).toContain(".ci/run");
      const said = steps.map((step) => JSON.stringify(step)).join("\n");
      for (const [, script] of said.matchAll(/npm run ([\w:]+)/g)) {
        expect(scripts).toContain(script);
      }
      for (const [file] of said.matchAll(/tools\/[\w/.]+\.mjs/g)) {
        expect(existsSync(join(repository, file)), file).toBe(true);
      }
    }
  });

  test("a release may say who it is to npm, and has no secret of npm's", () => {
    const { permissions, jobs } = read("release.yml");
    expect(permissions).toEqual({});
    expect(jobs.release.permissions["id-token"]).toBe("write");
    expect(JSON.stringify(jobs)).toContain('"NPM_CONFIG_PROVENANCE":"true"');
    expect(JSON.stringify(jobs)).not.toMatch(/NPM_TOKEN|NODE_AUTH_TOKEN/);
  });
});

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { vulkanDrivers } from "../src/vulkan.ts";

/** Drivers among files, by their paths. */
const among = (paths: readonly string[], env: Readonly<Record<string, string>>) =>
  vulkanDrivers({
    env,
    isFile: (path) => paths.includes(path),
    filesOf: (folder) =>
      paths
        .filter((path) => path.startsWith(`${folder}/`))
        .map((path) => path.slice(folder.length + 1)),
  });

test("drivers are found where Vulkan's loader finds them", () => {
  const system = "/usr/share/vulkan/icd.d/intel.json";
  const own = "/home/me/.local/share/vulkan/icd.d/mine.json";
  const paths = [system, own, "/usr/share/vulkan/icd.d/README", "/opt/drivers/other.json"];
  const env = { HOME: "/home/me" };
  expect(among(paths, env)).toEqual([own, system]);
  expect(among([], env)).toEqual([]);
  expect(among(paths, { ...env, XDG_DATA_DIRS: "/nowhere" })).toEqual([own, system]);
  expect(among(paths, { ...env, VK_ADD_DRIVER_FILES: "/opt/drivers" })).toEqual([
    ...["/opt/drivers/other.json", own, system],
  ]);
  // These are instead of all others.
  expect(among(paths, { ...env, VK_ICD_FILENAMES: "/opt/drivers/other.json:/gone.json" })).toEqual([
    "/opt/drivers/other.json",
  ]);
  expect(among(paths, { ...env, VK_DRIVER_FILES: "/gone.json", VK_ICD_FILENAMES: system })).toEqual(
    [],
  );
});

test.runIf(process.platform === "linux")("without a driver nothing is written to stderr", () => {
  const entry = fileURLToPath(new URL("../dist/index.js", import.meta.url));
  const script = `import { createWebgpu } from ${JSON.stringify(entry)};
    console.log(await createWebgpu().catch(({ code }) => code));`;
  const env = { ...process.env, VK_DRIVER_FILES: "/no/driver.json" };
  const said = execFileSync(
    "sh",
    ["-c", '"$0" --input-type=module -e "$1" 2>&1', process.execPath, script],
    {
      ...{ env, encoding: "utf8" },
    },
  );
  expect(said.trim()).toBe("webgpu/no-adapter");
});

/** Where drivers lie below the folders in which the Vulkan loader of Linux looks. */
const DRIVERS = "vulkan/icd.d";

/** As much of Node as a search for drivers needs. */
export interface DriverPlaces {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The files of a folder; none where there is no such folder. */
  readonly filesOf: (folder: string) => readonly string[];
  readonly isFile: (path: string) => boolean;
}

/**
 * The manifests of Vulkan drivers that the loader of Linux would find. Dawn writes warnings to stderr where there are
 * none, so whoever only looks for an adapter asks here first.
 */
export function vulkanDrivers({ env, filesOf, isFile }: DriverPlaces): readonly string[] {
  const manifests = (path: string): readonly string[] =>
    isFile(path)
      ? [path]
      : filesOf(path)
          .filter((file) => file.endsWith(".json"))
          .map((file) => `${path}/${file}`);
  const named = env.VK_DRIVER_FILES ?? env.VK_ICD_FILENAMES;
  if (named !== undefined) return listOf(named).flatMap(manifests);
  const home = env.HOME ?? "";
  const folders = [
    env.XDG_CONFIG_HOME ?? `${home}/.config`,
    ...listOf(env.XDG_CONFIG_DIRS ?? "/etc/xdg"),
    ...["/usr/local/etc", "/etc"],
    env.XDG_DATA_HOME ?? `${home}/.local/share`,
    ...listOf(env.XDG_DATA_DIRS ?? "/usr/local/share:/usr/share"),
    ...["/usr/share", "/run/opengl-driver/share"], // the last is NixOS's
  ].map((folder) => `${folder}/${DRIVERS}`);
  const added = listOf(env.VK_ADD_DRIVER_FILES ?? "");
  return [...new Set([...added, ...folders].flatMap(manifests))];
}

function listOf(paths: string): readonly string[] {
  return paths.split(":").filter((path) => path !== "");
}

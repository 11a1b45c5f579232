import { spawn } from "node:child_process";

/** Opens an address in the browser of whoever sits here; false where there is no screen to open it on. */
export function showPage(
  address: string,
  { platform, env }: Pick<NodeJS.Process, "platform" | "env"> = process,
): boolean {
  const call = opener(platform, env);
  if (call === undefined) return false;
  const [program, ...words] = call;
  // Where there is no such program, the printed link remains.
  spawn(program, [...words, address], { stdio: "ignore", detached: true })
    .on("error", () => {})
    .unref();
  return true;
}

function opener(
  platform: NodeJS.Platform,
  { DISPLAY = "", WAYLAND_DISPLAY = "" }: NodeJS.ProcessEnv,
): readonly [string, ...string[]] | undefined {
  if (platform === "darwin") return ["open"];
  if (platform === "win32") return ["rundll32", "url.dll,FileProtocolHandler"];
  return DISPLAY + WAYLAND_DISPLAY === "" ? undefined : ["xdg-open"];
}

/** How contestants that are no part of this installation are loaded: from a page by address, in Node from a folder. */

/** A module by its address or path. */
export async function imported(place: string): Promise<unknown> {
  if (typeof document !== "undefined")
    return import(/* @vite-ignore */ new URL(place, location.href).href);
  const { pathToFileURL } = await import("node:url");
  return import(/* @vite-ignore */ pathToFileURL(place).href);
}

/** A file. */
export async function bytesOf(place: string): Promise<Uint8Array> {
  if (typeof document === "undefined") {
    const { readFile } = await import("node:fs/promises");
    return readFile(place);
  }
  const response = await fetch(place);
  if (!response.ok) throw new Error(`${place}: status ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** Runs scripts that set globals, as they come from a page; in Node the packages of that name. */
export async function scripted(
  contestants: string,
  files: readonly { readonly package: string; readonly file: string }[],
): Promise<unknown> {
  if (typeof document === "undefined") {
    const { createRequire } = await import("node:module");
    const require = createRequire(contestants);
    return Object.assign({}, ...files.map((one) => require(one.package)));
  }
  for (const { package: name, file } of files) {
    await new Promise<void>((resolve, reject) => {
      const script = document.createElement("script");
      script.src = `${contestants}${name}/${file}`;
      script.onload = () => resolve();
      script.onerror = () => reject(new Error(`${script.src} could not be loaded.`));
      document.head.append(script);
    });
  }
  return globalThis;
}

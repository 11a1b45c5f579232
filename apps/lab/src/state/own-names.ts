/** A model on the Hub, as addresses name it: `hub:owner/name@revision`. */
export interface HubModel {
  readonly repo: string;
  readonly revision: string;
}

const HUB = "hub:";
const SHA = /^sha:[0-9a-f]{64}$/;

/** What the name of a model on the Hub says; undefined of any other. */
export function hubModel(name: string): HubModel | undefined {
  if (!name.startsWith(HUB)) return undefined;
  const [repo = "", ...revision] = name.slice(HUB.length).split("@");
  return { repo, revision: revision.join("@") || "main" };
}

export function hubModelName({ repo, revision }: HubModel): string {
  return `${HUB}${repo}@${revision}`;
}

/** What somebody has typed or pasted as the name of a model on the Hub: with or without `hub:`, or a page's address. */
export function hubModelOf(typed: string): HubModel {
  const bare = typed
    .trim()
    .replace(/^https?:\/\/[^/]+\//, "")
    .replace(/\/(?:tree|resolve|blob)\/([^/]+).*$/, "@$1")
    .replace(/^hub:/, "")
    .replace(/\/+$/, "");
  return hubModel(`${HUB}${bare}`) as HubModel; // it begins as such names do
}

/** Whether a name is that of files which a user has to give: they are told by the hash of their weights. */
export function isFilesName(name: string): boolean {
  return SHA.test(name);
}

export function filesName(sha256: string): string {
  return `sha:${sha256}`;
}

/** A model's name as a list has it. */
export function shortModelName(name: string): string {
  const hub = hubModel(name);
  if (hub !== undefined) {
    const commit = /^[0-9a-f]{40}$/.test(hub.revision);
    return `${hub.repo}@${commit ? hub.revision.slice(0, 7) : hub.revision}`;
  }
  return isFilesName(name) ? `your files ${name.slice(4, 11)}` : name;
}

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

/** What an address of a page of the Hub begins with, also as browsers show it. */
const PAGE = /^(?:https?:\/\/[^/]+|(?:www\.)?huggingface\.co|hf\.co)\//i;

/** What somebody has typed or pasted as the name of a model on the Hub: with or without `hub:`, or a page's address. */
export function hubModelOf(typed: string): HubModel {
  const bare = typed.trim().replace(/^hub:/, "").replace(/\/+$/, "");
  return hubModel(`${HUB}${PAGE.test(bare) ? ofPage(bare) : bare}`) as HubModel; // it begins as such names do
}

/** `owner/name@revision` of the address of a page about a model. */
function ofPage(address: string): string {
  const [path = ""] = address.replace(PAGE, "").split(/[?#]/);
  const [, repo = path, revision] =
    /^(.+?)\/(?:tree|resolve|blob|commit)\/([^/]+)/.exec(path) ?? [];
  const bare = repo.replace(/\/+$/, "");
  return revision === undefined ? bare : `${bare}@${revision.replaceAll(/%2f/gi, "/")}`;
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

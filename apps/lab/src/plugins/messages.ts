/** What a plug-in is started with, beside the port that it answers at. */
export interface PluginStart {
  /** As messages call it. */
  readonly name: string;
  /** The text of its module. */
  readonly source: string;
}

/** What the gate says of itself to the page: the plug-in is to be ended. */
export interface Broken {
  readonly broken: string;
}

export function isBroken(message: unknown): message is Broken {
  return typeof Object(message).broken === "string";
}

export { type HubBlobs, hubBlobs, hubFolder } from "./folder.ts";
export type { HubOptions } from "./options.ts";
export type { HubProgress } from "./rate.ts";
export type { HubWait } from "./retry.ts";
export type { HubFolder } from "./snapshot.ts";
export { removeStoredRepo, type StoredCommit, type StoredRepo, storedRepos } from "./stored.ts";

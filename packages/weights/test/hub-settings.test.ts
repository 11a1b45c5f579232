import { homedir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { hubSettings } from "../src/node/hub-settings.ts";

const home = homedir();

test.each<[environment: Record<string, string>, cache: string]>([
  [{}, join(home, ".cache/huggingface/hub")],
  [{ HF_HOME: "/data/hf" }, "/data/hf/hub"],
  [{ HF_HOME: "~/hf" }, join(home, "hf/hub")],
  [{ HF_HOME: "~" }, join(home, "hub")],
  [{ HF_HOME: "$BASE/hf", BASE: "/data" }, "/data/hf/hub"],
  [{ HF_HOME: `\${BASE}/hf`, BASE: "/data" }, "/data/hf/hub"],
  [{ HF_HOME: "~/$WHO", WHO: "me" }, join(home, "me/hub")],
  [{ HF_HOME: `/$A$B/\${A}x`, A: "1", B: "2" }, "/12/1x/hub"],
  [{ HF_HOME: "/$AB/x", A: "1" }, "/$AB/x/hub"],
  [{ HF_HOME: `/\${NOT_SET}/$NOT_SET` }, `/\${NOT_SET}/$NOT_SET/hub`],
  [{ HF_HUB_CACHE: "/$A", A: "$B", B: "2" }, "/$B"], // what a variable holds stays as it is
  [{ HF_HOME: `/$/\${}/x$` }, `/$/\${}/x$/hub`],
  [{ HF_HOME: "/$toString/x" }, "/$toString/x/hub"],
  [{ HF_HOME: "/$EMPTY/x", EMPTY: "" }, "/x/hub"],
  [{ HF_HUB_CACHE: "$BASE/cache", BASE: "/data", HF_HOME: "/other" }, "/data/cache"],
  [{ HF_HUB_CACHE: "~/cache" }, join(home, "cache")],
  [{ HUGGINGFACE_HUB_CACHE: `\${BASE}/old`, BASE: "/data" }, "/data/old"],
  [{ HUGGINGFACE_HUB_CACHE: "/old", HF_HUB_CACHE: "/new" }, "/new"],
  [{ XDG_CACHE_HOME: "$BASE/xdg", BASE: "/data" }, "/data/xdg/huggingface/hub"],
  [{ XDG_CACHE_HOME: "~/xdg" }, join(home, "xdg/huggingface/hub")],
])("%o: the cache is %s", (environment, cache) => {
  expect(hubSettings(environment).cache).toBe(cache);
});

test.each<[environment: Record<string, string>, file: string]>([
  [{ HF_TOKEN_PATH: "$BASE/token", BASE: "/data" }, "/data/token"],
  [{ HF_TOKEN_PATH: "~/token" }, join(home, "token")],
  [{ HF_HOME: `\${BASE}/hf`, BASE: "/data" }, "/data/hf/token"],
])("%o: the token's file is %s", (environment, file) => {
  expect(hubSettings(environment).tokenFile).toBe(file);
});

describe("offline: the first of the two variables that is set and not empty", () => {
  test.each<[hub: string | undefined, transformers: string | undefined, offline: boolean]>([
    [undefined, undefined, false],
    ["1", undefined, true],
    [undefined, "1", true],
    ["0", "1", false],
    ["", "1", true],
    ["1", "0", true],
    ["no", "yes", false],
    ["false", "1", false],
    ["on", "0", true],
    ["Yes", undefined, true],
    ["TRUE", undefined, true],
    ["2", "1", false],
  ])("HF_HUB_OFFLINE %s, TRANSFORMERS_OFFLINE %s: %s", (hub, transformers, offline) => {
    const environment = { HF_HUB_OFFLINE: hub, TRANSFORMERS_OFFLINE: transformers };
    expect(hubSettings(environment).offline).toBe(offline);
  });
});

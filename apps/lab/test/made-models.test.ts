import { afterEach, expect, test, vi } from "vitest";
import { madeModels, removeMade } from "../src/storage/made-models.ts";

/** A folder of private storage, as much of it as models that were made need. */
class Folder {
  readonly entries_ = new Map<string, Folder | string>();

  async getDirectoryHandle(name: string): Promise<Folder> {
    const found = this.entries_.get(name);
    if (found instanceof Folder) return found;
    throw new DOMException("none", "NotFoundError");
  }

  async getFileHandle(name: string): Promise<{ getFile(): Promise<Blob> }> {
    const found = this.entries_.get(name);
    if (typeof found === "string") return { getFile: async () => new Blob([found]) };
    throw new DOMException("none", "NotFoundError");
  }

  async removeEntry(name: string): Promise<void> {
    if (!this.entries_.delete(name)) throw new DOMException("none", "NotFoundError");
  }

  async *keys(): AsyncGenerator<string> {
    yield* [...this.entries_.keys()];
  }
}

/** A page's storage with a model that another tab is about to finish, or has finished. */
function page(files: Readonly<Record<string, string>>, before: (model: Folder) => void) {
  const [root, store, model] = [new Folder(), new Folder(), new Folder()];
  root.entries_.set("resolvent-made", store);
  store.entries_.set("mine", model);
  for (const [name, text] of Object.entries(files)) model.entries_.set(name, text);
  const held = new Set<string>();
  vi.stubGlobal("navigator", {
    storage: { getDirectory: async () => root },
    locks: {
      request: async (name: string, _: object, work: (lock: object | null) => unknown) => {
        before(model);
        return await work(held.has(name) ? null : {});
      },
    },
  });
  return { store, model, held };
}

const MARK = JSON.stringify({ sha256: "ab", bytes: 5, from: ["tales"] });

afterEach(() => {
  vi.unstubAllGlobals();
});

test("a model that another tab finishes as this one looks for what was left stays, and is listed", async () => {
  const { store } = page({ weights: "…" }, (model) => model.entries_.set("made.json", MARK));
  expect(await madeModels()).toEqual([{ name: "mine", sha256: "ab", bytes: 5, from: ["tales"] }]);
  expect([...store.entries_.keys()]).toEqual(["mine"]);
});

test("what a run has left goes; what is being made stays, whoever lists or removes it", async () => {
  const { store, held } = page({ weights: "…" }, () => {});
  held.add("resolvent-made/mine");
  expect(await madeModels()).toEqual([]);
  await removeMade("mine");
  expect([...store.entries_.keys()]).toEqual(["mine"]);
  held.clear();
  expect(await madeModels()).toEqual([]);
  expect([...store.entries_.keys()]).toEqual([]);
});

test("a removal that ends half-way leaves nothing that looks like a model", async () => {
  const { store, model } = page({ "made.json": MARK, weights: "…" }, () => {});
  store.removeEntry = async () => {
    throw new DOMException("the tab was closed", "AbortError");
  };
  await expect(removeMade("mine")).rejects.toThrow("the tab was closed");
  expect([...model.entries_.keys()]).toEqual(["weights"]);
});

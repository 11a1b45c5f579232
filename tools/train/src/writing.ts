import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { axesOf, type Shaped, type SyncEngine } from "@resolvent/tensor";
import { encodeNumbers, openCheckpoint } from "@resolvent/weights";
import { checkpointSha256, folderOf, writeSafetensorsFile } from "@resolvent/weights/node";
import { tokenizerConfig } from "./bpe.ts";
import type { Made } from "./making.ts";

export interface WriteOptions {
  /** Put before the names of parameters: `transformer.` for GPT-2. */
  readonly prefix: string;
  /** card.json and README.md, given the SHA-256 of the weights. */
  readonly card: (sha256: string) => { readonly json: unknown; readonly markdown: string };
}

/**
 * Writes a model with its card in place of the folder `out`. Everything is written beside it first, so that a run
 * that ends early leaves no half of a model.
 */
export async function writeModel<T extends Shaped>(
  out: string,
  engine: SyncEngine<T>,
  { parameters, config, tokenizer }: Pick<Made<T>, "parameters" | "config" | "tokenizer">,
  { prefix, card }: WriteOptions,
): Promise<void> {
  const temporary = `${out}.partial`;
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true });
  const json = (value: unknown): string => `${JSON.stringify(value, undefined, 1)}\n`;
  await writeSafetensorsFile(
    join(temporary, "model.safetensors"),
    [...parameters].map(([name, value]) => ({
      name: prefix + name,
      dtype: "F32" as const,
      shape: axesOf(value.shape).map((axis) => value.shape[axis] ?? 0),
      bytes: encodeNumbers(engine.read(value).data, "F32"),
    })),
    { metadata: { format: "pt" } },
  );
  await writeFile(join(temporary, "config.json"), json(config));
  await writeFile(join(temporary, "tokenizer.json"), json(tokenizer));
  await writeFile(join(temporary, "tokenizer_config.json"), json(tokenizerConfig));
  const about = card(await checkpointSha256(await openCheckpoint(folderOf(temporary))));
  await writeFile(join(temporary, "card.json"), json(about.json));
  await writeFile(join(temporary, "README.md"), about.markdown);
  await rm(out, { recursive: true, force: true });
  await rename(temporary, out);
}

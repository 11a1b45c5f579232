import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Shaped, SyncEngine } from "@resolvent/tensor";
import { openCheckpoint } from "@resolvent/weights";
import { checkpointSha256, folderOf, writeSafetensorsFile } from "@resolvent/weights/node";
import { tokenizerConfig } from "./bpe.ts";
import type { Made } from "./making.ts";
import { jsonText, tensorsOf } from "./stored.ts";

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
  await writeSafetensorsFile(
    join(temporary, "model.safetensors"),
    tensorsOf(engine, parameters, { prefix }),
    { metadata: { format: "pt" } },
  );
  await writeFile(join(temporary, "config.json"), jsonText(config));
  await writeFile(join(temporary, "tokenizer.json"), jsonText(tokenizer));
  await writeFile(join(temporary, "tokenizer_config.json"), jsonText(tokenizerConfig));
  const about = card(await checkpointSha256(await openCheckpoint(folderOf(temporary))));
  await writeFile(join(temporary, "card.json"), jsonText(about.json));
  await writeFile(join(temporary, "README.md"), about.markdown);
  await rm(out, { recursive: true, force: true });
  await rename(temporary, out);
}

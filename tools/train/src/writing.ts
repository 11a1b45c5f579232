import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Shaped, SyncEngine } from "@resolvent/tensor";
import { openCheckpoint } from "@resolvent/weights";
import { checkpointSha256, folderOf, writeSafetensorsFile } from "@resolvent/weights/node";
import { tokenizerConfig } from "./bpe.ts";
import type { Made } from "./making.ts";
import { replaceFolder } from "./replaced-folder.ts";
import { jsonText, tensorsOf } from "./stored.ts";

export interface WriteOptions {
  /** Put before the names of parameters: `transformer.` for GPT-2. */
  readonly prefix: string;
  /** card.json and README.md, given the SHA-256 of the weights. */
  readonly card: (sha256: string) => { readonly json: unknown; readonly markdown: string };
}

/** Writes a model with its card in place of the folder `out`, as a whole. */
export async function writeModel<T extends Shaped>(
  out: string,
  engine: SyncEngine<T>,
  { parameters, config, tokenizer }: Pick<Made<T>, "parameters" | "config" | "tokenizer">,
  { prefix, card }: WriteOptions,
): Promise<void> {
  await replaceFolder(out, async (fresh) => {
    await writeSafetensorsFile(
      join(fresh, "model.safetensors"),
      tensorsOf(engine, parameters, { prefix }),
      { metadata: { format: "pt" } },
    );
    await writeFile(join(fresh, "config.json"), jsonText(config));
    await writeFile(join(fresh, "tokenizer.json"), jsonText(tokenizer));
    await writeFile(join(fresh, "tokenizer_config.json"), jsonText(tokenizerConfig));
    const about = card(await checkpointSha256(await openCheckpoint(folderOf(fresh))));
    await writeFile(join(fresh, "card.json"), jsonText(about.json));
    await writeFile(join(fresh, "README.md"), about.markdown);
  });
}

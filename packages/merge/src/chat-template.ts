import { readJson } from "@resolvent/transformer";
import type { Folder } from "@resolvent/weights";
import type { OpenMergeModel } from "./model.ts";
import type { MergePlan } from "./plan.ts";

/** Longest template of a model that is read, in bytes; those in use have some thousand. */
const MAX_BYTES = 2 ** 20;

/** Chat formats by the names that configurations have for them. */
const TEMPLATES: Readonly<Record<string, string>> = {
  alpaca:
    "{% for message in messages %}{% if message['role'] == 'system' %}{{ message['content'] + '\\n\\n' }}{% elif message['role'] == 'user' %}{{ '### Instruction:\\n' + message['content'] + '\\n\\n' }}{% else %}{{ '### Response:\\n' + message['content'] + eos_token + '\\n\\n' }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '### Response:\\n' }}{% endif %}",
  chatml:
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
  llama3:
    "{% for message in messages %}{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' + message['content'] | trim + '<|eot_id|>' %}{% if loop.first %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}",
  mistral:
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ ' ' + message['content'] + eos_token }}{% endif %}{% endfor %}",
  exaone:
    "{% for message in messages %}{{ '[|' + message['role'] + '|]' + message['content'] }}{% if message['role'] == 'user' %}{{ '\\n' }}{% else %}{{ '[|endofturn|]\\n' }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '[|assistant|]' }}{% endif %}",
};

/**
 * The template that the result gets in place of the donor's; undefined keeps that. `auto` is the most frequent of the
 * models', the donor's where others are as frequent, else the first.
 */
export async function chosenTemplate(
  { chat_template, donor }: Pick<MergePlan, "chat_template" | "donor">,
  models: ReadonlyMap<string, Pick<OpenMergeModel, "folder">>,
): Promise<string | undefined> {
  if (chat_template === null) return undefined;
  if (chat_template !== "auto") {
    return Object.hasOwn(TEMPLATES, chat_template) ? TEMPLATES[chat_template] : chat_template;
  }
  const names = [donor, ...[...models.keys()].filter((name) => name !== donor)];
  const counts = new Map<string, number>();
  for (const name of names) {
    const template = await templateOf(models.get(name)?.folder);
    if (template !== undefined) counts.set(template, (counts.get(template) ?? 0) + 1);
  }
  const most = Math.max(...counts.values());
  return [...counts].find(([, count]) => count === most)?.[0]; // in order: the donor's first
}

/** The template of a model's folder: of chat_template.jinja, else of tokenizer_config.json, of several the default. */
export async function templateOf(folder: Folder | undefined): Promise<string | undefined> {
  const file = await folder?.open("chat_template.jinja");
  const size = await file?.size();
  if (file !== undefined && size !== undefined && size <= MAX_BYTES) {
    return new TextDecoder().decode(await file.read(0, size));
  }
  const config = folder && (await readJson(folder, "tokenizer_config.json"));
  const given = config?.chat_template;
  const named: readonly unknown[] = Array.isArray(given) ? given : [];
  const usual = named.find((one) => Object(one).name === "default");
  const template: unknown = usual === undefined ? given : Object(usual).template;
  return typeof template === "string" ? template : undefined;
}

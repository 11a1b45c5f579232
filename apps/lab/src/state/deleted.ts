import type { Lab } from "./lab.svelte.ts";
import { FIRST } from "./question.ts";

/**
 * Goes to the bundled model where the one on the screen was deleted, and says so: what is asked next would find none.
 * Of a second model, which a tab names, nothing is asked any more.
 */
export async function leaveDeleted(lab: Lab, isGone: (model: string) => boolean): Promise<void> {
  const { question, values } = lab.place;
  const gone = Object.entries(values).filter(
    ([, value]) => typeof value === "string" && isGone(value),
  );
  if (gone.length > 0) lab.set(Object.fromEntries(gone.map(([name]) => [name, undefined])));
  if (!isGone(question.model)) return;
  const title = lab.there.titleOf(question.model);
  // Ids are of the vocabulary that is gone with it.
  const prompt = typeof question.prompt === "string" ? question.prompt : FIRST.prompt;
  await lab.ask({ model: FIRST.model, prompt, target: null });
  lab.note = `${title} was deleted: this is ${lab.there.titleOf(FIRST.model)} now.`;
}

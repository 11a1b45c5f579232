/** Twenty texts. */
export const prompts: readonly string[] = Array.from(
  { length: 20 },
  (_, i) =>
    `Once upon a time there ${["was a cat", "was a dog", "were two birds", "lived a king"][i % 4]}.`,
);

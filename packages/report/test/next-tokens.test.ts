import { spreadOf } from "@resolvent/analysis";
import { expect, test } from "vitest";
import { nextTokensText } from "../src/analyses/next-tokens.ts";

test.each([
  [[0.2], "20.0 % of"],
  [[0.2, 0.21, 0.22], "21.0 % ± 2.5 % of"],
  // An interval of 212 % on either side says nothing of a share.
  [[0.4, 0.066], "23.3 % (2 sequences are too few for an interval) of"],
])("shares of next tokens of %j in words", (shares, said) => {
  const loss = spreadOf(shares.map((share) => 3 - share));
  const text = nextTokensText({ from: 1, tokens: 60, loss, accuracy: spreadOf(shares) });
  expect(text).toContain(` nats, and ${said} 60 tokens are the model's first choice`);
});

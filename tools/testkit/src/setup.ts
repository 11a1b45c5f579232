import { expect } from "vitest";
import { nearness, type Tolerance } from "./close.ts";

// Vitest loads this file before each test file, in Node and in browsers.
expect.extend({
  toBeNear(actual: unknown, expected: unknown, options?: Tolerance) {
    const { near, message } = nearness(actual, expected, options);
    const said = near ? `expected numbers to be apart: ${message}` : `not near: ${message}`;
    return { pass: near, message: () => said };
  },
});

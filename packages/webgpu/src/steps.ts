import type { Launch } from "./launch.ts";
import { type Buffers, type Span, tooLarge } from "./parts.ts";

/**
 * Kernels that together do the work from `from` to before `to`: one, or, where that would see more buffers than it may,
 * several.
 *
 * @throws InputError `webgpu/too-large`
 */
export function inSteps(
  [from, to]: Span,
  buffers: Buffers,
  make: (span: Span) => Launch,
): Launch[] {
  const launch = make([from, to]);
  const { bindings } = launch.kernel;
  if (bindings <= buffers.most) return [launch];
  if (to - from <= 1) throw tooLarge(bindings, buffers);
  const middle = Math.ceil((from + to) / 2);
  return [[from, middle] as const, [middle, to] as const].flatMap((half) =>
    inSteps(half, buffers, make),
  );
}

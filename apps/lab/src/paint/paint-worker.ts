import { paint } from "@resolvent/figures";
import type { PaintQuestion, PaintReply } from "./paint-messages.ts";

function painted({ shapes, width, height, scale, colours }: PaintQuestion): ImageBitmap {
  const canvas = new OffscreenCanvas(width * scale, height * scale);
  const pen = canvas.getContext("2d");
  if (pen === null) throw new Error("This browser paints no picture of that size.");
  pen.scale(scale, scale);
  paint(pen, shapes, { path: (d) => new Path2D(d), colours });
  return canvas.transferToImageBitmap();
}

addEventListener("message", ({ data }: MessageEvent<PaintQuestion>) => {
  try {
    const picture = painted(data);
    postMessage({ picture } satisfies PaintReply, { transfer: [picture] });
  } catch (error) {
    postMessage({ failure: String(Object(error).message) } satisfies PaintReply);
  }
});

import { embedAddress } from "./embed.ts";
import { panelOf } from "./panels.ts";

/** Pixels of a frame for a panel, before it says how tall it is. */
const [WIDTH, HEIGHT] = [720, 480];

/** What another page has to have for a panel to stand in it. */
export function embedHtml(location: Parameters<typeof embedAddress>[0], panel: string): string {
  const title = `Resolvent: ${panelOf(panel)?.title ?? "a result"}`;
  return `<iframe src="${escaped(embedAddress(location, panel))}" width="${WIDTH}" height="${HEIGHT}" title="${escaped(title)}" loading="lazy"></iframe>`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
}

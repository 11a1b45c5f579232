import { type Lab, PIECES } from "./state/lab.svelte.ts";
import { turn } from "./state/turn.ts";

/**
 * Makes the app behind the picture of its first screen, a piece at a time, so that the page is never busy for long, and
 * then puts it in the place of that.
 */
export async function comeAlive(
  picture: HTMLElement,
  lab: Lab,
  show: (place: HTMLElement) => void,
): Promise<void> {
  // A server for development sends no first screen.
  if (!picture.hasChildNodes()) {
    show(picture);
    return;
  }
  const place = document.createElement("div");
  place.className = "behind";
  await painted();
  picture.after(place);
  lab.pieces = 0;
  show(place);
  while (lab.pieces < PIECES) {
    await turn();
    lab.pieces++;
  }
  await turn();
  picture.remove();
  place.id = picture.id;
  place.className = "";
}

/** Once the browser has painted what is there. */
function painted(): Promise<void> {
  return new Promise((resolve) => {
    // What nobody sees is not painted.
    if (document.visibilityState === "hidden") resolve();
    else requestAnimationFrame(() => setTimeout(resolve));
  });
}

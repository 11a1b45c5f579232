import { type Lab, PIECES } from "./state/lab.svelte.ts";

/**
 * Makes the app behind the picture of its first screen, a piece at a time, so that the page is never busy for long, and
 * then puts it in the place of that: `before.js` has waited until that was painted.
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

/** Once the browser has done what else there is to do. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

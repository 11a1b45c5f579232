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

/** Milliseconds after which nobody waits for a picture any longer: a page that is not looked at has none. */
const PATIENCE = 1000;

/**
 * Once the picture of the first screen is seen: that is some time after it is drawn, and longer where a worker and this
 * thread are at work beside those that bring it to the screen.
 */
export async function seen(picture: HTMLElement): Promise<void> {
  if (!picture.hasChildNodes() || document.visibilityState === "hidden") return;
  await new Promise<void>((resolve) => {
    new PerformanceObserver((list, observer) => {
      if (list.getEntriesByName("first-contentful-paint").length === 0) return;
      observer.disconnect();
      resolve();
    }).observe({ type: "paint", buffered: true });
    setTimeout(resolve, PATIENCE);
  });
}

/** Whether a control can be pressed now. */
function isThere(control: HTMLElement): boolean {
  return control.checkVisibility() && !control.matches(":disabled");
}

/** What is in use, a figure before the panel that it stands in: where the focus is, else what is below the pointer. */
function placesInUse(): readonly (Element | null | undefined)[] {
  const below = [...document.querySelectorAll(":is(.picture, .panel):hover")].at(-1);
  const place = document.activeElement?.closest(".picture, .panel") ?? below;
  return [place, place?.closest(".panel")];
}

/** The control that a key presses (`aria-keyshortcuts`): of what is in use, else the first. */
function controlOf(key: string): HTMLElement | undefined {
  const selector = `[aria-keyshortcuts~="${CSS.escape(key)}"]`;
  for (const place of [...placesInUse(), document]) {
    const found = [...(place?.querySelectorAll<HTMLElement>(selector) ?? [])].find(isThere);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Presses the control of a key; false where there is none. */
export function pressed(key: string): boolean {
  const control = controlOf(key);
  control?.focus();
  control?.click();
  return control !== undefined;
}

/** A menu that is open. */
const MENU = "details.badge[open], details.take[open]";

/** Closes what is open, the innermost first; false where nothing is. */
export function closed(): boolean {
  const menu = document.activeElement?.closest(MENU) ?? document.querySelector(MENU);
  if (menu !== null) {
    menu.removeAttribute("open");
    menu.querySelector("summary")?.focus();
    return true;
  }
  // A sheet that has the focus before the panel that it stands in.
  const sheet = document.activeElement?.closest(".sheet, form");
  const own = sheet?.querySelector<HTMLElement>('[aria-keyshortcuts~="Escape"]');
  if (own != null && isThere(own)) {
    own.click();
    return true;
  }
  const control = controlOf("Escape");
  control?.click();
  return control !== undefined;
}

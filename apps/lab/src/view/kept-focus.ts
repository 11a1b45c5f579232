/** What can hold the focus for something in it that is gone: it does nothing by keys. */
const HOLDS = "section, form, nav, header, main";

/** Whether somebody can use it now. */
function isUsable(element: HTMLElement): boolean {
  return element.isConnected && !element.matches(":disabled") && element.checkVisibility();
}

/** What has opened something that is gone: the control that says so by `aria-controls`. */
function openerOf(gone: readonly Element[]): HTMLElement | undefined {
  for (const { id } of gone) {
    const opener =
      id === "" ? null : document.querySelector<HTMLElement>(`[aria-controls="${CSS.escape(id)}"]`);
    if (opener !== null && isUsable(opener)) return opener;
  }
  return undefined;
}

/**
 * Keeps the focus on the page: what had it and is gone hands it to its opener, or to what it stood in; what cannot be
 * used for a while has it back then.
 */
export function keepFocus(): () => void {
  let last: HTMLElement | undefined;
  let around: readonly Element[] = [];
  const onfocusin = ({ target }: FocusEvent): void => {
    if (!(target instanceof HTMLElement)) return;
    last = target;
    around = ancestorsOf(target);
  };
  // Who clicks beside everything leaves it; what goes away, or is disabled, is so only after this.
  const onfocusout = ({ target }: FocusEvent): void =>
    queueMicrotask(() => {
      const left = document.activeElement === document.body && target === last;
      if (left && last !== undefined && isUsable(last)) last = undefined;
    });
  const settle = (): void => {
    if (last === undefined || document.activeElement !== document.body) return;
    if (last.isConnected) {
      if (isUsable(last)) last.focus({ preventScroll: true });
      return;
    }
    const left = around.find((one) => one.isConnected && one.matches(HOLDS));
    const next = openerOf(around.filter((one) => !one.isConnected)) ?? left;
    const to = next ?? document.querySelector("main");
    if (!(to instanceof HTMLElement)) return;
    if (to.tabIndex < 0) to.tabIndex = -1;
    to.focus({ preventScroll: true });
  };
  const changes = new MutationObserver(settle);
  const options = { subtree: true, childList: true, attributeFilter: ["disabled"] };
  changes.observe(document.body, options);
  document.addEventListener("focusin", onfocusin);
  document.addEventListener("focusout", onfocusout);
  return () => {
    changes.disconnect();
    document.removeEventListener("focusin", onfocusin);
    document.removeEventListener("focusout", onfocusout);
  };
}

function ancestorsOf(element: Element): readonly Element[] {
  const all: Element[] = [];
  for (let one = element.parentElement; one !== null; one = one.parentElement) all.push(one);
  return all;
}

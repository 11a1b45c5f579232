/** Keys that go from one to the next, from one to the one before, to the first and the last. */
const STEPS = {
  across: { ArrowRight: 1, ArrowLeft: -1 },
  down: { ArrowDown: 1, ArrowUp: -1 },
} as const;
const ENDS = { Home: Number.NEGATIVE_INFINITY, End: Number.POSITIVE_INFINITY } as const;

/**
 * Of a row of controls, or a list of them: one stop for Tab, and arrow keys from one to the next, so that what comes
 * after a long sentence is not far. `choose` is the selector of what is in the row.
 */
export function roving(
  choose: string,
  way: keyof typeof STEPS = "across",
): (row: HTMLElement) => () => void {
  const steps: Readonly<Record<string, number>> = { ...STEPS[way], ...ENDS };
  return (row) => {
    const all = (): HTMLElement[] => [...row.querySelectorAll<HTMLElement>(choose)];
    const stopAt = (stop: Element | undefined): void => {
      for (const one of all()) one.tabIndex = one === stop ? 0 : -1;
    };
    const settle = (): void => {
      const found = all();
      stopAt(found.find((one) => one.tabIndex === 0) ?? found[0]);
    };
    const onkeydown = (event: KeyboardEvent): void => {
      const step = steps[event.key];
      const found = all();
      const at = found.indexOf(event.target as HTMLElement); // any element may be looked up
      if (step === undefined || at < 0) return;
      event.preventDefault();
      const next = found[Math.min(Math.max(at + step, 0), found.length - 1)];
      stopAt(next);
      next?.focus();
    };
    const onfocusin = ({ target }: FocusEvent): void => {
      if (target instanceof Element && target.matches(choose)) stopAt(target);
    };
    stopAt(all()[0]);
    const changes = new MutationObserver(settle);
    changes.observe(row, { childList: true });
    row.addEventListener("keydown", onkeydown);
    row.addEventListener("focusin", onfocusin);
    return () => {
      changes.disconnect();
      row.removeEventListener("keydown", onkeydown);
      row.removeEventListener("focusin", onfocusin);
    };
  };
}

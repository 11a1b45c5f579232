/** Of a sheet: the focus is in it once it opens, and back where it was once it closes. */
export function sheet(node: HTMLElement): () => void {
  const before = document.activeElement;
  const first = node.querySelector<HTMLElement>("input, select, textarea, button");
  first?.focus();
  return () => {
    const { activeElement: now, body } = document;
    const lost = now === null || now === body || node.contains(now);
    if (lost && before instanceof HTMLElement && before.isConnected) before.focus();
  };
}

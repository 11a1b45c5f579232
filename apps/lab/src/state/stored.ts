/** What of this lab's is stored on this machine begins with. */
const PREFIX = "resolvent:";

/** What the browser has stored by a name; null where there is nothing, or nothing may be stored. */
export function stored(name: string): string | null {
  try {
    return localStorage.getItem(`${PREFIX}${name}`);
  } catch {
    return null; // a page in another one may have no storage
  }
}

/** Stores a text, or removes it where it is null; false where the browser does not take it. */
export function store(name: string, text: string | null): boolean {
  try {
    if (text === null) localStorage.removeItem(`${PREFIX}${name}`);
    else localStorage.setItem(`${PREFIX}${name}`, text);
    return true;
  } catch {
    return false;
  }
}

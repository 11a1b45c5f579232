/** Once the browser has done what else there is to do. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

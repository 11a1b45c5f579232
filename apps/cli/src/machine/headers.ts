/** Of everything that is sent. */
export const HEADERS: Readonly<Record<string, string>> = {
  // Both together isolate the page, so that its worker may use threads.
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "cross-origin-resource-policy": "same-origin",
  // The page has a policy of its own; that nothing may frame it can only be said here.
  "content-security-policy": "frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  // The link has a token.
  "referrer-policy": "no-referrer",
};

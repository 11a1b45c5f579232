/** A command line as a shell takes it. */
export function commandLine(argv: readonly string[]): string {
  const words = argv.map((word) =>
    /^[\w./:=,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`,
  );
  return ["resolvent", ...words].join(" ");
}

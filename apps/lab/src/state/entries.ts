/** What a drop holds, to be walked later: its items say so only while the event is heard. */
export function entriesOf(transfer: DataTransfer | null): readonly (FileSystemEntry | File)[] {
  return [...(transfer?.items ?? [])].flatMap((item) => {
    const one = item.webkitGetAsEntry() ?? item.getAsFile();
    return one === null ? [] : [one];
  });
}

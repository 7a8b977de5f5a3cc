export function writePage(files: readonly string[]): void {
  console.log(files);
}

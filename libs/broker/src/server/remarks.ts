/** What an operator should know about the broker: each remark is told once, and again when it has changed. */
export class Remarks {
  private readonly bySubject = new Map<string, string>();

  constructor(private readonly tell: (remark: string) => void) {}

  /** `subject` is what it is about; a later remark on it replaces this one. */
  note(subject: string, text: string): void {
    if (this.bySubject.get(subject) === text) return;
    this.bySubject.set(subject, text);
    this.tell(text);
  }

  missing(what: string, name: string): void {
    this.note(`missing ${name}`, `${name}: the ${what} was missing at ${new Date().toISOString()}, and is made again`);
  }

  /** It is not so any more. */
  clear(subject: string): void {
    this.bySubject.delete(subject);
  }

  all(): string[] {
    return [...this.bySubject.values()];
  }
}

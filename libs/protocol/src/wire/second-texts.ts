/**
 * Times as RFC 3339 texts with ms, in UTC. Messages in a row are mostly of one second, whose texts begin alike: that
 * beginning is kept, since `Date` takes more time to write and to parse a text than the rest of a message's wire form.
 */
export class SecondTexts {
  /** In ms, and the text of its first 20 characters. */
  private second = 0;
  private beginning = '1970-01-01T00:00:00.';

  textOf(time: Date): string {
    const ms = time.getTime();
    const rest = ms - this.second;
    if (rest >= 0 && rest < 1_000) return `${this.beginning}${rest < 10 ? '00' : rest < 100 ? '0' : ''}${rest}Z`;
    const text = time.toISOString();
    this.keep(ms, text);
    return text;
  }

  /** In ms, also of what else `Date` parses; NaN of what it does not. */
  msOf(text: string): number {
    if (text.length === 24 && text.startsWith(this.beginning) && /\d\d\dZ$/.test(text)) {
      return this.second + Number(text.slice(20, 23));
    }
    const ms = Date.parse(text);
    if (ms >= 0 && text.length === 24 && new Date(ms).toISOString() === text) this.keep(ms, text);
    return ms;
  }

  private keep(ms: number, text: string): void {
    this.second = Math.floor(ms / 1_000) * 1_000;
    this.beginning = text.slice(0, -4);
  }
}

/** A text, searched for in bytes: in all the forms in which a program may have written it. */
export class Marker {
  private readonly forms: readonly (readonly [string, Buffer])[];

  /** `text`: letters and digits, so that no form escapes any. */
  constructor(readonly text: string) {
    const utf16 = Buffer.from(text, 'utf16le');
    const given = [Buffer.from(text), utf16, Buffer.from(utf16).swap16()];
    const [plain = Buffer.alloc(0)] = given;
    this.forms = [
      ['UTF-8', plain],
      ['UTF-16 LE', utf16],
      ['UTF-16 BE', Buffer.from(utf16).swap16()],
      ['hex', Buffer.from(plain.toString('hex'))],
      ['HEX', Buffer.from(plain.toString('hex').toUpperCase())],
      [
        '\\u escapes',
        Buffer.from([...text].map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')),
      ],
      ['reversed', Buffer.from([...text].reverse().join(''))],
      ['byte list', Buffer.from(plain.join(','))],
      ...[0, 1, 2].map((offset) => [`Base64 at ${offset}`, base64(plain, offset)] as const),
    ];
  }

  get count(): number {
    return this.forms.length;
  }

  /** How often each form is in there, of those that are. */
  in(bytes: Buffer): Record<string, number> {
    const counts = this.forms.map(([name, form]) => [name, countOf(form, bytes)] as const);
    return Object.fromEntries(counts.filter(([, count]) => count > 0));
  }
}

function countOf(form: Buffer, bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(form); at >= 0; at = bytes.indexOf(form, at + form.length)) count++;
  return count;
}

/** What Base64 makes of it wherever it stands in what is encoded: without the digits that it shares with what is around it. */
function base64(plain: Buffer, offset: number): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(offset), plain]);
  const whole = bytes.length - (bytes.length % 3);
  return Buffer.from(bytes.subarray(offset === 0 ? 0 : 3, whole).toString('base64'));
}

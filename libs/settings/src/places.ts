/** The first word is the section, but for sections of two words. */
const NAME = /^(message_bus|message_store|[a-z]+)(?:_(.+))?$/;

/** The place of a variable in the configuration file: `section.key`, or `key` where the variable is one word. */
export function placeOf(variable: string): string {
  const [, section, key] = NAME.exec(variable.toLowerCase()) ?? [];
  return key === undefined ? String(section) : `${section}.${key}`;
}
